//! The one way to standard output: buffered, and every error noticed.

use crate::failure::NotWritten;
use crate::stdout;
use std::io::{self, BufWriter, Write};

/// Runs `write` on standard output and flushes it.
///
/// # Errors
/// [`NotWritten`] if anything could not be written.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    if stdout::was_closed() {
        return Err(not_written(io::Error::other("it is closed")).into());
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(not_written)?;
    Ok(())
}

fn not_written(source: io::Error) -> NotWritten {
    NotWritten { what: "to standard output".into(), source }
}
