//! What is written is what is read, byte for byte and value for value.

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::{header, json, read, run, step, written};
use plimsoll_trace::*;
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #[test]
    fn any_step(step in step()) {
        let text = serde_json::to_string(&step).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Step>(&text).unwrap(), &step);
        // The same step gives the same bytes, also after a round trip.
        let again: Step = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }

    #[test]
    fn any_header(header in header()) {
        let text = serde_json::to_string(&header).unwrap();
        prop_assert_eq!(serde_json::from_str::<Header>(&text).unwrap(), header);
    }

    /// Other languages sort an object's fields, or shuffle them: a message's
    /// type may come last.
    #[test]
    fn any_step_with_its_fields_sorted(step in step()) {
        let sorted: Value = serde_json::to_value(&step).unwrap();
        let text = sorted.to_string();
        prop_assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
    }

    #[test]
    fn any_step_with_an_unknown_field(step in step(), more in json()) {
        let mut value: Value = serde_json::to_value(&step).unwrap();
        value["x-more"] = more.clone();
        value["cause"].as_object_mut().unwrap().values_mut().for_each(|inside| {
            // An unknown message type keeps it instead.
            if !matches!(&step.cause, Cause::Receive(m) if matches!(m.body, Body::Other { .. })) {
                inside["x-more"] = more.clone();
            }
        });
        prop_assert_eq!(serde_json::from_str::<Step>(&value.to_string()).unwrap(), step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_run((header, steps) in run()) {
        let bytes = written(&header, &steps);
        prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), steps.len() + 1);
        prop_assert_eq!(read(bytes).unwrap(), (header, steps));
    }

    #[test]
    fn any_run_compressed((header, steps) in run(), zstd in any::<bool>()) {
        let format = if zstd {
            niffler::send::compression::Format::Zstd
        } else {
            niffler::send::compression::Format::Gzip
        };
        let bytes = compressed(&written(&header, &steps), format);
        prop_assert_eq!(read(bytes).unwrap(), (header, steps));
    }

    #[test]
    fn any_run_without_the_last_newline((header, steps) in run()) {
        let mut bytes = written(&header, &steps);
        bytes.pop();
        prop_assert_eq!(read(bytes).unwrap(), (header, steps));
    }

    #[test]
    fn any_run_with_blank_lines_and_carriage_returns((header, steps) in run()) {
        let text = String::from_utf8(written(&header, &steps)).unwrap();
        let text = text.replace('\n', "\r\n\n \t\n");
        prop_assert_eq!(read(text).unwrap(), (header, steps));
    }
}

/// A buffer that survives the box it is written through.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn compressed(bytes: &[u8], format: niffler::send::compression::Format) -> Vec<u8> {
    let out = Shared::default();
    let level = niffler::Level::One;
    let mut writer = niffler::send::get_writer(Box::new(out.clone()), format, level).unwrap();
    writer.write_all(bytes).unwrap();
    drop(writer);
    out.0.lock().unwrap().clone()
}

/// Compressed files that were appended to one another are one file: rotated
/// logs are joined this way.
#[test]
fn compressed_files_joined() {
    let text = format!("{}\n", common::HEADER);
    let step = r#"{"node":"n1","inc":1,"seq":1,"cause":{"start":{}}}"#;
    for format in [
        niffler::send::compression::Format::Gzip,
        niffler::send::compression::Format::Zstd,
    ] {
        let mut bytes = compressed(text.as_bytes(), format);
        bytes.extend(compressed(step.as_bytes(), format));
        assert_eq!(read(bytes).unwrap().1.len(), 1);
    }
}

#[test]
fn one_file_a_node() {
    let nodes = ["n1", "../n/2", "..", "é"];
    let header = Header::new("test", nodes).with_run("r1");
    let directory = std::env::temp_dir().join(format!("plimsoll-trace-{}", std::process::id()));
    let mut writer = PerNodeWriter::create(&directory, &header).unwrap();
    for node in nodes {
        let mut counter = Sequencer::new(node);
        writer.write(&counter.step(Cause::Start)).unwrap();
        assert_eq!(writer.write(&counter.step(Cause::Tick)).unwrap(), 3);
    }
    let stranger = Sequencer::new("n9").step(Cause::Start);
    assert!(matches!(writer.write(&stranger), Err(WriteError::Shape(_))));
    let paths = writer.finish().unwrap();
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.strip_prefix(&directory).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "%2e..ndjson",
            "%2e.%2fn%2f2.ndjson",
            "n1.ndjson",
            "%c3%a9.ndjson"
        ]
    );
    for path in &paths {
        let reader = TraceReader::open(path).unwrap();
        assert_eq!(*reader.header(), header);
        assert_eq!(reader.map(Result::unwrap).count(), 2);
    }
    let alike = Header::new("test", ["n1", "N1"]);
    assert!(matches!(
        PerNodeWriter::create(&directory, &alike),
        Err(WriteError::SharedFile(..))
    ));
    std::fs::remove_dir_all(&directory).unwrap();
}
