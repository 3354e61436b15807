//! What each format says, and what no format may say.

use super::*;
use crate::history::{History, words};

fn read_text(text: &str) -> Result<Read, Error> {
    let limits = Limits::default();
    match read_bytes(
        "test",
        text.as_bytes().to_vec(),
        Options::default(),
        &limits,
    ) {
        Ok(read) => {
            assert_eq!(read.history.broken_rule(), None, "{text}");
            Ok(read)
        }
        Err(Stopped::Error(error)) => Err(error),
        Err(Stopped::Limit { ground, .. }) => panic!("{ground:?}"),
    }
}

/// The operations in words, each with its client and the places of its events.
fn told(history: &History) -> Vec<String> {
    let all = history.operations.iter().zip(0..);
    all.map(|(o, i)| {
        let ret = o.ret.map_or("?".to_owned(), |ret| ret.to_string());
        let client = history.clients.get(o.client.0);
        format!("{client} {}-{ret} {}", o.call, words::operation(history, i))
    })
    .collect()
}

#[track_caller]
fn says(text: &str, format: Format, expected: &[&str]) {
    let read = read_text(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.format, format);
    assert_eq!(told(&read.history), expected);
}

#[track_caller]
fn refused(text: &str, line: u64, why: &str) {
    let error = read_text(text).expect_err(text);
    assert_eq!(error.line, line, "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn own_lines() {
    says(
        r#"{"client":1,"ev":56,"id":"1.1","key":"k1","node":2,"op":"put","t":36,"type":"invoke","value":"v"}
{"client":2,"ev":56,"id":"2.1","key":"k1","node":2,"op":"get","t":36,"type":"invoke","value":""}
{"client":2,"ev":56,"id":"2.1","key":"k1","node":2,"op":"get","t":37,"type":"ok","value":""}
{"client":1,"ev":56,"id":"1.1","key":"k1","node":2,"op":"put","t":38,"type":"info","value":""}
{"client":3,"ev":57,"id":"3.1","key":"k1","node":2,"op":"append","t":39,"type":"invoke","value":"w"}
{"client":3,"ev":57,"id":"3.1","key":"k1","node":2,"op":"append","t":40,"type":"fail","value":"w"}
{"client":3,"ev":57,"id":"3.2","key":"k1","node":2,"op":"get","t":41,"type":"invoke","value":""}
"#,
        Format::Plimsoll,
        &[
            "1 0-? write k1 v -> ?",
            "2 1-2 read k1 -> \"\"",
            "3 6-? read k1 -> ?",
        ],
    );
}

#[test]
fn own_lines_of_every_operation() {
    says(
        r#"{"client":"a","op":"cas","key":"x","from":null,"to":3,"type":"invoke"}
{"client":"a","op":"cas","type":"ok","answer":false}
{"client":"a","op":"delete","key":"x","type":"invoke"}
{"client":"a","op":"delete","type":"ok","answer":true,"revision":7}
{"client":"a","op":"range","key":"a","end":"c","limit":2,"type":"invoke"}
{"client":"a","op":"range","type":"ok","pairs":[["a","1"],["b",2]]}
{"client":"a","op":"txn","type":"invoke","compares":[{"key":"x","is":">","version":0}],"then":[{"op":"put","key":"x","value":1},{"op":"get","key":"y"}],"otherwise":[{"op":"get","key":"x"}]}
{"client":"a","op":"txn","type":"ok","succeeded":true,"results":[null,null]}
{"client":"a","op":"get","key":"x","type":"invoke"}
{"client":"a","op":"get","type":"ok","value":"1","mod_revision":8,"create_revision":2,"version":3}
{"client":"a","op":"get","key":"x","type":"invoke"}
{"client":"a","op":"get","type":"ok"}
"#,
        Format::Plimsoll,
        &[
            "a 0-1 cas x \"\" to 3 -> no",
            "a 2-3 delete x -> yes (revision 7)",
            "a 4-5 range from a before c, 2 at most -> {a 1, b 2}",
            "a 6-7 txn if version of x > 0 {write x 1, read y} else {read x} -> {done, \"\"}",
            "a 8-9 read x -> 1 (mod 8, created 2, version 3)",
            "a 10-11 read x -> ?",
        ],
    );
    says(
        r#"{"client":1,"op":"enqueue","value":"","type":"invoke"}
{"client":1,"op":"enqueue","type":"ok"}
{"client":1,"op":"dequeue","type":"invoke"}
{"client":1,"op":"dequeue","type":"ok","value":null}
"#,
        Format::Plimsoll,
        &["1 0-1 enqueue \"\"", "1 2-3 dequeue -> null"],
    );
    says(
        r#"{"client":1,"op":"add","value":5,"type":"invoke"}
{"client":1,"op":"add","type":"ok","answer":true}
{"client":1,"op":"contains","value":6,"type":"invoke"}
{"client":1,"op":"contains","type":"ok","answer":false}
{"client":1,"op":"members","type":"invoke"}
{"client":1,"op":"members","type":"ok","values":[5]}
"#,
        Format::Plimsoll,
        &[
            "1 0-1 add 5 -> yes",
            "1 2-3 contains 6 -> no",
            "1 4-5 members -> {5}",
        ],
    );
}

#[test]
fn jepsen_logs() {
    says(
        "INFO  jepsen.core - starting\n\
         INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
         INFO  jepsen.util - 1   :invoke :write  4\n\
         INFO  jepsen.util - :nemesis\t:info\t:start\tnil\n\
         INFO  jepsen.util - 0\t:ok\t:read\tnil\n\
         INFO  jepsen.util - 2\t:invoke\t:cas\t[4 2]\n\
         INFO  jepsen.util - 3\t:invoke\t:cas\t[4 3]\n\
         INFO  jepsen.util - 2\t:ok\t:cas\t[4 2]\n\
         INFO  jepsen.util - 3\t:fail\t:cas\t[4 3]\n\
         INFO  jepsen.util - 1\t:info\t:write\t:timed-out\n\
         INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
         INFO  jepsen.util - 0\t:fail\t:read\t:timed-out\n\
         INFO  jepsen.util - 1\t:invoke\t:read\tnil\n",
        Format::JepsenLog,
        &[
            "0 0-2 read -> nil",
            "1 1-? write 4 -> ?",
            "2 3-5 cas 4 to 2 -> yes",
            "3 4-6 cas 4 to 3 -> no",
            "0 8-9 read -> ?",
            "1/2 10-? read -> ?",
        ],
    );
    // Its history.txt.
    says(
        "0\t:invoke\t:write\t1\n0\t:ok\t:write\t1\n",
        Format::JepsenLog,
        &["0 0-1 write 1"],
    );
}

#[test]
fn porcupine_files() {
    says(
        "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x 0 0 y\"}\n\
         {:process 1, :type :invoke, :f :get, :key \"0\", :value nil}\n\
         {:process 1, :type :ok, :f :get, :key \"0\", :value \"\"}\n\
         {:process 0, :type :ok, :f :append, :key \"0\", :value \"x 0 0 y\"}\n\
         {:process 0, :type :invoke, :f :put, :key \"1\", :value \"z\"}\n",
        Format::Porcupine,
        &[
            "0 0-3 append 0 \"x 0 0 y\"",
            "1 1-2 read 0 -> \"\"",
            "0 4-? write 1 z -> ?",
        ],
    );
}

#[test]
fn jepsen_maps() {
    let lines = "{:process 0, :type :invoke, :f :write, :value 3, :time 17, :index 0}\n\
         {:process :nemesis, :type :info, :f :start, :value nil, :time 18}\n\
         {:process 1, :type :invoke, :f :cas, :value [3 4], :time 19}\n\
         {:process 0, :type :ok, :f :write, :value 3, :time 20}\n\
         {:process 1, :type :fail, :f :cas, :value [3 4], :time 21}\n\
         {:process 1, :type :invoke, :f :cas, :value [3 4], :time 22}\n\
         {:process 1, :type :fail, :f :cas, :value [3 4], :time 23, :error :no-leader}\n\
         {:process 2, :type :invoke, :f :read, :value nil, :time 24}\n\
         {:process 2, :type :ok, :f :read, :value 3, :time 25}\n";
    let expected = ["0 0-2 write 3", "1 1-3 cas 3 to 4 -> no", "2 6-7 read -> 3"];
    says(lines, Format::JepsenEdn, &expected);
    says(&format!("[{lines}]"), Format::JepsenEdn, &expected);
    let tagged = lines.replace("{:process", "#jepsen.history.Op{:process");
    says(&tagged, Format::JepsenEdn, &expected);
    let read = read_text(lines).expect("a history");
    assert_eq!(read.history.times, [(17, 20), (19, 21), (24, 25)]);
    assert_eq!((read.failed, read.passed), (1, 1));
}

#[test]
fn jepsen_maps_of_other_models() {
    says(
        "{:process 0 :type :invoke :f :read :value [:a nil]}
         {:process 1 :type :invoke :f :cas :value [:b [1 2]]}
         {:process 0 :type :ok :f :read :value [:a 5]}",
        Format::JepsenEdn,
        &["0 0-2 read :a -> 5", "1 1-? cas :b 1 to 2 -> ?"],
    );
    says(
        "{:process 0 :type :invoke :f :txn :value [[:r 3 nil] [:append 3 2]]}
         {:process 0 :type :ok :f :txn :value [[:r 3 [1 4]] [:append 3 2]]}",
        Format::JepsenEdn,
        &["0 0-1 txn {read 3, append 3 \"2 \"} -> {\"1 4 \", done}"],
    );
    says(
        "{:process 0 :type :invoke :f :txn :value [[:w 3 2] [:r 3 nil]]}
         {:process 0 :type :ok :f :txn :value [[:w 3 2] [:r 3 2]]}",
        Format::JepsenEdn,
        &["0 0-1 txn {write 3 2, read 3} -> {done, 2}"],
    );
    says(
        "{:process 0 :type :invoke :f :enqueue :value 7}
         {:process 1 :type :invoke :f :dequeue :value nil}
         {:process 1 :type :ok :f :dequeue :value 7}",
        Format::JepsenEdn,
        &["0 0-? enqueue 7 -> ?", "1 1-2 dequeue -> 7"],
    );
    says(
        "{:process 0 :type :invoke :f :add :value 7}
         {:process 1 :type :invoke :f :read :value nil}
         {:process 1 :type :ok :f :read :value #{7 8}}",
        Format::JepsenEdn,
        &["0 0-? add 7 -> ?", "1 1-2 members -> {7, 8}"],
    );
}

#[test]
fn what_cannot_have_happened_is_refused() {
    let own = |lines: &[&str]| {
        let lines = lines.iter().map(|line| {
            format!("{{\"client\":1,\"key\":\"k\",\"op\":\"put\",\"value\":\"v\",{line}}}\n")
        });
        lines.collect::<String>()
    };
    refused(&own(&["\"type\":\"ok\""]), 1, "a return without a call");
    refused(
        &own(&["\"type\":\"invoke\"", "\"type\":\"invoke\""]),
        2,
        "while write k v is open (called on line 1)",
    );
    refused(
        &own(&["\"type\":\"invoke\",\"id\":7", "\"type\":\"ok\",\"id\":8"]),
        2,
        "not the one it has open",
    );
    refused(
        &own(&[
            "\"type\":\"invoke\",\"id\":7",
            "\"type\":\"ok\",\"id\":7",
            "\"type\":\"invoke\",\"id\":7",
        ]),
        3,
        "a second operation \"7\" (the first is called on line 1)",
    );
    refused(
        "{\"client\":1,\"op\":\"put\",\"key\":\"k\",\"value\":\"v\",\"type\":\"invoke\"}\n\
         {\"client\":1,\"op\":\"put\",\"key\":\"k\",\"value\":\"w\",\"type\":\"ok\"}\n",
        2,
        "returns from write k w, and its open operation is write k v (line 1)",
    );
    refused(
        "{\"client\":1,\"op\":\"put\",\"key\":\"k\",\"value\":\"v\",\"type\":\"invoke\"}\n\
         {\"client\":1,\"op\":\"get\",\"type\":\"ok\"}\n",
        2,
        "returns from a read, and its open operation is write k v (line 1)",
    );
    refused(
        "0 :invoke :write 1\n0 :ok :write 2\n",
        2,
        "returns from write 2, and its open operation is write 1",
    );
    refused("0 :ok :read 1\n", 1, "a return without a call");
    refused(
        "{:process 0 :type :invoke :f :get :key \"a\"}\n{:process 0 :type :ok :f :get :key \"b\" :value \"\"}",
        2,
        "returns from read b, and its open operation is read a (line 1)",
    );
}

#[test]
fn what_is_torn_or_garbled_is_refused() {
    let invoke =
        "{\"client\":1,\"op\":\"put\",\"key\":\"k\",\"value\":\"v\",\"type\":\"invoke\"}\n";
    refused(&format!("{invoke}{{\"client\":1,\"op\":"), 2, "torn");
    refused(&format!("{invoke}{{\"client\":1,\"op\":\n"), 2, "EOF");
    refused(&format!("{invoke}nonsense\n"), 2, "expected");
    refused(&invoke.replace("put", "frob"), 1, "unknown variant `frob`");
    refused(
        &invoke.replace(",\"value\":\"v\"", ""),
        1,
        "write without `value`",
    );
    refused("0 :invoke :read nil\n0 :ok :read 1", 2, "torn");
    refused("0 :invoke :cas [1 2]\n0 :ok :cas [1 ", 2, "torn");
    refused(
        "{:process 0, :type :invoke, :f :get, :key \"a\"}\n\n{:process 0, :type :ok, :f",
        3,
        "torn",
    );
    refused("[{:process 0, :type :invoke, :f :read}\n", 2, "torn");
    refused("[{:process 0, :type :invoke, :f :read}]\n{}", 2, "follows");
    refused("{:process 0, :type :invoke, :f :read}\n)", 2, "bracket");
    refused("{:process 0, :type :invoke, :f :read ; }\n", 1, "torn");
    refused(
        "{:process 0, :type :maybe, :f :read}",
        1,
        ":maybe is none of",
    );
    refused(
        "{:process 0, :type :invoke, :f :frob}",
        1,
        ":frob is no operation",
    );
    for text in [
        "hello\nworld\n",
        "\0\0\0",
        "{\"a\": 1}\n",
        "{\"plimsoll_trace\": 3}\n",
    ] {
        assert!(read_text(text).expect_err(text).is_no_history(), "{text}");
    }
    let bytes = b"0 :invoke :write \"\xff\"\n".to_vec();
    let read = read_bytes("test", bytes, Options::default(), &Limits::default());
    let Err(Stopped::Error(error)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(error.to_string(), "test:1: not UTF-8");
}

#[test]
fn a_line_or_form_without_end_takes_bounded_memory() {
    struct Endless(Vec<u8>, usize);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Endless(first, given) = self;
            let n = buffer.len().min(first.len() - *given);
            buffer[..n].copy_from_slice(&first[*given..*given + n]);
            *given += n;
            if n == 0 {
                buffer.fill(b'a');
                return Ok(buffer.len());
            }
            Ok(n)
        }
    }
    for first in [
        "{\"client\":1,\"type\":\"invoke\",\"op\":\"get\",\"key\":\"",
        "{:process 0 :type :invoke :f :get :key \"",
        "0 :invoke :write ",
    ] {
        let source = Source::new("endless".into(), Endless(first.into(), 0)).expect("readable");
        let read = read_source(
            source.with_limit(1 << 20),
            Options::default(),
            &Limits::default(),
        );
        let Err(Stopped::Error(error)) = read else {
            panic!("{read:?}");
        };
        assert_eq!(
            error.to_string(),
            "endless:1: a line or form that is longer than 1048576 bytes"
        );
    }
}

#[test]
fn an_empty_file_is_an_empty_history() {
    for text in ["", "\n\n", "[]"] {
        assert!(
            read_text(text)
                .expect("a history")
                .history
                .operations
                .is_empty()
        );
    }
}

mod any {
    use super::*;
    use proptest::prelude::*;

    /// Pieces that lines of all formats are made of, and some that none is.
    fn piece() -> impl Strategy<Value = String> {
        let pieces = [
            "{:process 0",
            "{:process 1",
            ", :type :invoke",
            ", :type :ok",
            ", :type :fail",
            ", :type :info",
            ", :f :read",
            ", :f :write",
            ", :f :cas",
            ", :f :txn",
            ", :f :get",
            ", :key \"a\"",
            ", :value 3",
            ", :value nil",
            ", :value [1 2]",
            ", :value [:a [1 2]]",
            ", :value [[:r 1 nil] [:append 1 2]]",
            ", :value \"x\"",
            "}",
            "\n",
            "[",
            "]",
            "#{",
            "\"",
            "0 ",
            ":invoke ",
            ":ok ",
            ":fail ",
            ":read ",
            ":write ",
            ":cas ",
            "nil",
            "[1 2]",
            "7",
            "INFO jepsen.util - ",
            "{\"client\":1",
            "{\"client\":2",
            ",\"op\":\"put\"",
            ",\"op\":\"get\"",
            ",\"op\":\"txn\"",
            ",\"type\":\"invoke\"",
            ",\"type\":\"ok\"",
            ",\"type\":\"info\"",
            ",\"key\":\"k\"",
            ",\"value\":\"v\"",
            ",\"value\":null",
            ",\"then\":[{\"op\":\"get\",\"key\":\"k\"}]",
            ",\"results\":[null]",
            ",\"id\":\"1\"",
            "\u{feff}",
            "é",
            ";",
            "#_",
            "\\",
        ];
        proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned)
    }

    fn try_all(bytes: &[u8]) {
        let limits = Limits::default();
        for format in std::iter::once(None).chain(Format::ALL.map(Some)) {
            for set in [false, true] {
                let options = Options { format, set };
                match read_bytes("test", bytes.to_vec(), options, &limits) {
                    Ok(read) => {
                        assert_eq!(read.history.broken_rule(), None);
                        let _ = told(&read.history);
                    }
                    Err(Stopped::Error(error)) => assert!(!error.to_string().is_empty()),
                    Err(Stopped::Limit { ground, .. }) => panic!("{ground:?}"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            try_all(&bytes);
        }

        #[test]
        fn no_pieces_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
            try_all(pieces.concat().as_bytes());
        }
    }

    /// The same with another generator, which shrinks otherwise.
    #[test]
    fn no_bytes_panic_quickly() {
        quickcheck::QuickCheck::new().tests(200).quickcheck(
            (|bytes: Vec<u8>| {
                try_all(&bytes);
                true
            }) as fn(Vec<u8>) -> bool,
        );
    }

    /// A history cut anywhere is read, or refused on one of its last two lines.
    #[test]
    fn a_cut_is_told_where_it_is() {
        for text in [
            "{:process 0, :type :invoke, :f :write, :value 31}\n{:process 0, :type :ok, :f :write, :value 31}\n",
            "0\t:invoke\t:write\t31\n0\t:ok\t:write\t31\n",
            "{\"client\":1,\"op\":\"get\",\"key\":\"k\",\"type\":\"invoke\"}\n{\"client\":1,\"op\":\"get\",\"type\":\"ok\",\"value\":\"v\"}\n",
        ] {
            let whole = read_text(text).expect("whole").history;
            let second = text.find('\n').expect("two lines") + 1;
            for end in second..text.len() {
                match read_text(&text[..end]) {
                    Ok(read) => {
                        let done = read.history.operations[0].ret.is_some();
                        if done {
                            assert_eq!(told(&read.history), told(&whole), "{end} of {text}");
                        } else {
                            assert_eq!(end, second, "{text}");
                        }
                    }
                    Err(error) => assert_eq!(error.line, 2, "{error}"),
                }
            }
        }
    }
}
