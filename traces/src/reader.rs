//! Reads a trace: header first, then one step at a time.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::cause::UNKNOWN_CAUSE;
use crate::error::{ErrorKind, TraceError};
use crate::header::{Header, VERSIONS};
use crate::lines::{Line, Lines};
use crate::parser::StepParser;
use crate::step::Step;
use crate::wellformed::WellFormed;

/// Reads one trace file, in bounded memory. Iterates over the steps, each with
/// the number of its line; ends after the first error.
///
/// Checks that the lines fit together as well ([`WellFormed`]), unless told not
/// to.
#[derive(Debug)]
pub struct TraceReader {
    lines: Lines,
    parser: StepParser,
    header: Header,
    well_formed: Option<WellFormed>,
    ended: bool,
}

impl TraceReader {
    /// Opens the trace at `path`, compressed or not, and reads its header.
    ///
    /// # Errors
    /// When it cannot be opened, or does not begin with a header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        TraceReader::from_lines(Lines::open(path)?)
    }

    /// Begins to read a trace from `source`, which errors call `file`.
    ///
    /// # Errors
    /// When it does not begin with a header.
    pub fn new(
        file: impl Into<Arc<str>>,
        source: impl Read + Send + 'static,
    ) -> Result<Self, TraceError> {
        TraceReader::from_lines(Lines::new(file, source)?)
    }

    /// Begins to read a trace from lines of which none was read yet: for a
    /// limit on their length other than the default.
    ///
    /// # Errors
    /// When they do not begin with a header.
    pub fn from_lines(mut lines: Lines) -> Result<Self, TraceError> {
        let file = Arc::clone(lines.file());
        let header = loop {
            let Some(line) = lines.next_line()? else {
                return Err(TraceError::new(&file, 0, 0, ErrorKind::Empty));
            };
            if !line.is_blank() {
                break parse_header(&file, line)?;
            }
        };
        let well_formed =
            WellFormed::new(&header).map_err(|error| lines.error(0, ErrorKind::Shape(error)))?;
        Ok(TraceReader {
            lines,
            parser: StepParser::new(),
            header,
            well_formed: Some(well_formed),
            ended: false,
        })
    }

    /// Reads whatever lines are right by themselves, whether or not they fit
    /// together.
    #[must_use]
    pub fn without_shape_check(mut self) -> Self {
        self.well_formed = None;
        self
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What errors call the file.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        self.lines.file()
    }

    /// The next step and the number of its line; `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read on, or its next line is not a step, or does
    /// not fit to those before.
    pub fn next_step(&mut self) -> Result<Option<(u64, Step)>, TraceError> {
        if self.ended {
            return Ok(None);
        }
        let next = self.read_step();
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    fn read_step(&mut self) -> Result<Option<(u64, Step)>, TraceError> {
        let file = Arc::clone(self.lines.file());
        while let Some(line) = self.lines.next_line()? {
            if line.is_blank() {
                continue;
            }
            let step = self.parser.parse(&file, line)?;
            let number = line.number;
            if let Some(well_formed) = &mut self.well_formed {
                well_formed
                    .check(number, &step)
                    .map_err(|error| self.lines.error(0, ErrorKind::Shape(error)))?;
            }
            return Ok(Some((number, *step)));
        }
        Ok(None)
    }
}

impl Iterator for TraceReader {
    type Item = Result<(u64, Step), TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_step().transpose()
    }
}

/// Reads one line as a header. For readers that find their lines elsewhere.
///
/// # Errors
/// When it is none, or one of a version that is not known.
pub fn parse_header(file: &Arc<str>, line: Line<'_>) -> Result<Header, TraceError> {
    let fail = |kind| Err(TraceError::new(file, line.number, 0, kind));
    if line.bytes.starts_with(b"\xef\xbb\xbf") {
        return fail(ErrorKind::ByteOrderMark);
    }
    parse::<IgnoredAny>(file, line)?;
    // The version comes first: another one's header may look quite different.
    let Some(found) = Probe::of(line.bytes) else {
        return fail(ErrorKind::NoHeader);
    };
    let known = VERSIONS
        .iter()
        .any(|known| found.get() == known.to_string());
    if known {
        parse(file, line)
    } else {
        let found = shortened(found.get());
        fail(ErrorKind::Version { found })
    }
}

/// What tells a header.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default, rename = "plimsoll_trace")]
    version: Option<&'a RawValue>,
}

impl<'a> Probe<'a> {
    /// What tells that `line` is a header: an object, since an array would be
    /// taken for the fields of one.
    fn of(line: &'a [u8]) -> Option<&'a RawValue> {
        let object = line.trim_ascii_start().starts_with(b"{");
        let probe = object.then(|| serde_json::from_slice::<Probe<'a>>(line).ok());
        probe.flatten()?.version
    }
}

/// At most 40 characters of a text that came from a file.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

/// Whether a line is a header, of whatever version.
pub(crate) fn is_header(line: &[u8]) -> bool {
    Probe::of(line).is_some()
}

/// Reads one line.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    file: &Arc<str>,
    line: Line<'a>,
) -> Result<T, TraceError> {
    let fail = |column: usize, kind| TraceError::new(file, line.number, column as u64, kind);
    // serde_json would let invalid UTF-8 pass where a field is ignored.
    let text = match std::str::from_utf8(line.bytes) {
        Ok(text) => text,
        Err(error) if !line.terminated && error.error_len().is_none() => {
            let why = "it ends inside a character".to_owned();
            return Err(fail(error.valid_up_to() + 1, ErrorKind::Torn { why }));
        }
        Err(error) => return Err(fail(error.valid_up_to() + 1, ErrorKind::Utf8)),
    };
    serde_json::from_str(text).map_err(|error| {
        let column = error.column();
        let why = error.to_string();
        let why = why.strip_suffix(&format!(" at line {} column {column}", error.line()));
        let why = why.map_or_else(|| error.to_string(), str::to_owned);
        let kind = if error.is_data() {
            if why.starts_with(UNKNOWN_CAUSE) {
                ErrorKind::UnknownCause(why)
            } else {
                ErrorKind::Invalid(why)
            }
        } else if why == "recursion limit exceeded" {
            ErrorKind::TooDeep
        } else if line.terminated {
            ErrorKind::Json(why)
        } else {
            ErrorKind::Torn { why }
        };
        fail(column, kind)
    })
}
