//! Everything that a command writes goes through this module, to a [`Target`]. It never writes a part of
//! a record again after an error, and knows the width of the terminal.

use crate::args::ColorChoice;
use crate::failure::NotWritten;
use crate::target::Target;
use fib_report::Page;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Records are collected up to this many bytes before they are written.
const COLLECTED_BYTES: usize = 64 << 10;

/// Runs `write` on standard output and flushes it.
///
/// # Errors
/// [`NotWritten`] if anything could not be written.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    to_target(Target::stdout()?, write)
}

/// Runs `write` on `target` and finishes it.
///
/// # Errors
/// [`NotWritten`] if anything could not be written.
pub(crate) fn to_target(
    target: Target,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(COLLECTED_BYTES, target);
    let outcome = write(&mut out).and_then(|()| out.flush());
    let (target, _unwritten) = out.into_parts(); // dropping the writer would try to write again
    outcome.map_err(|source| target.not_written(source))?;
    Ok(target.finish()?)
}

/// Collects whole records and writes them together.
pub(crate) struct Records {
    target: Target,
    collected: Vec<u8>,
    in_collected: u64,
    written: u64,
    written_bytes: Arc<AtomicU64>,
}

impl Records {
    pub(crate) fn new(target: Target) -> Self {
        let written_bytes = Arc::default();
        Records { target, collected: vec![], in_collected: 0, written: 0, written_bytes }
    }

    /// The number of bytes that were written so far, for another thread.
    pub(crate) fn written_bytes(&self) -> &Arc<AtomicU64> {
        &self.written_bytes
    }

    /// Adds the record that `format` appends.
    ///
    /// # Errors
    /// [`NotWritten`] if the records before could not be written.
    pub(crate) fn push(
        &mut self,
        format: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> Result<(), NotWritten> {
        format(&mut self.collected).map_err(|source| self.target.not_written(source))?;
        self.in_collected += 1;
        if self.collected.len() >= COLLECTED_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes every record that was added.
    ///
    /// # Errors
    /// [`NotWritten`]. The records are not written again.
    pub(crate) fn flush(&mut self) -> Result<(), NotWritten> {
        let outcome = self.target.write_records(&self.collected);
        let bytes = self.collected.len() as u64;
        self.collected.clear();
        let records = std::mem::take(&mut self.in_collected);
        outcome.map_err(|source| self.target.not_written(source))?;
        self.written += records;
        self.written_bytes.fetch_add(bytes, Relaxed);
        Ok(())
    }

    /// Whether every record that was added was also written.
    pub(crate) fn is_written(&self) -> bool {
        self.collected.is_empty()
    }

    /// Waits until everything that was written to a file has reached the disk.
    ///
    /// # Errors
    /// If the system refuses this.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.target.sync()
    }

    /// The number of records that were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Finishes the target, after [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`NotWritten`] if the system refuses this.
    pub(crate) fn finish(self) -> Result<(), NotWritten> {
        self.target.finish()
    }
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
    Page { width, color, ..Page::default() }
}
