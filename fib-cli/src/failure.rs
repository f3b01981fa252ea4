//! The errors of the program, and the one place that maps them to exit codes.

use crate::diagnostics::say;
use crate::spec::IndexLimit;
use std::any::Any;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Input that cannot be read or understood.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// Arguments that make no sense, in the words of clap: `error:` and hints, on several lines.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadUsage(pub(crate) String);

/// Output that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {target}: {source}")]
pub(crate) struct NotWritten {
    /// The name of a file, or "to standard output".
    pub(crate) target: String,
    pub(crate) source: std::io::Error,
}

/// Cells or checks that failed. The report names each of them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadCells {
    #[error("failed cells: {0}")]
    Failed(usize),
    #[error("cells with wrong results: {0}")]
    Wrong(usize),
    #[error("failed checks: {0}")]
    Checks(usize),
}

/// A panic that no task caught: a defect of this program.
pub(crate) fn internal(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    anyhow::anyhow!("internal error, please report it: {}", text.unwrap_or("no message"))
}

/// Prints the one `error:` line with its hints, and returns the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(BadUsage(text)) = error.downcast_ref() {
        text.lines().for_each(say);
        return ExitCode::from(2);
    }
    let code = exit_code(error);
    if code != 0 {
        say(&format!("error: {error}"));
        details(error).iter().for_each(|line| say(line));
    }
    ExitCode::from(code)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<fib::Error>() {
        return match error {
            fib::Error::Limit { .. } | fib::Error::Index { .. } | fib::Error::Allocation { .. } => {
                3
            }
            fib::Error::Backend { .. } => 4,
            _ => 1,
        };
    }
    if let Some(NotWritten { source, .. }) = error.downcast_ref() {
        // A reader that closes the pipe has seen enough.
        return if source.kind() == ErrorKind::BrokenPipe { 0 } else { 5 };
    }
    match error.downcast_ref() {
        Some(BadCells::Wrong(_)) => 6,
        Some(BadCells::Failed(_) | BadCells::Checks(_)) => 1,
        None if error.is::<BadInput>() => 2,
        None if error.is::<IndexLimit>() => 3,
        None => 1,
    }
}

/// More memory than this, 4 TB, is not worth a hint.
const MOST_MEGABYTES: u128 = 4 << 20;

/// The lines after the `error:` line: a hint, or the failures that the line counts but does not
/// name.
fn details(error: &anyhow::Error) -> Vec<String> {
    match error.downcast_ref() {
        Some(fib::Error::Limit { bytes, .. }) => {
            let megabytes = bytes.div_ceil(1 << 20);
            if megabytes > MOST_MEGABYTES {
                return vec![];
            }
            let size = if megabytes < 1024 {
                format!("{megabytes}M")
            } else {
                format!("{}G", megabytes.div_ceil(1024))
            };
            vec![format!("hint: --max-memory {size} would allow it, if the machine has the memory")]
        }
        None if error.is::<IndexLimit>() => vec!["hint: --max-index sets this limit".into()],
        Some(fib::Error::Failed(failures)) => {
            failures.iter().skip(1).map(|failure| format!("       {failure}")).collect()
        }
        _ => vec![],
    }
}
