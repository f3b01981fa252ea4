//! Standard output: every command writes through this module, which buffers the output, notices
//! every error and knows the width of the terminal.

use crate::args::ColorChoice;
use crate::failure::NotWritten;
use crate::stdout;
use fib_report::Page;
use std::io::{self, BufWriter, IsTerminal, Write};

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
    NotWritten { target: "to standard output".into(), source }
}

/// The page for standard output: the width of the terminal, from 60 to 120 columns, or 80 columns
/// if there is no terminal.
pub(crate) fn page(color: ColorChoice) -> Page {
    let terminal = io::stdout().is_terminal();
    let size = terminal_size::terminal_size().filter(|_| terminal);
    let width = size.map_or(80, |(width, _)| usize::from(width.0).clamp(60, 120));
    let is_allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let color = match color {
        ColorChoice::Auto => terminal && is_allowed,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    Page { width, color, markdown: false }
}
