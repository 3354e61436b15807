//! Plimsoll's own traces.

use std::path::PathBuf;

use crate::replay::{InputError, Judgement, Options};

pub(crate) fn judge(files: &[PathBuf], _: &Options) -> Result<Judgement, InputError> {
    Err(InputError::UnknownFormat {
        path: files[0].clone(),
    })
}
