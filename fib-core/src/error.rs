//! What can go wrong, typed.

use crate::job::Failure;

/// Why a batch could not be computed whole.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Refused before any work: the results and their table would not fit the limit.
    #[error("the results need {bytes} bytes, the limit is {limit}")]
    Limit {
        /// Predicted bytes of results and table.
        bytes: u128,
        /// The limit they were checked against, in bytes.
        limit: u64,
    },
    /// The system refused the memory although the limit allowed it.
    #[error("the system refused {bytes} bytes for the results")]
    Allocation {
        /// Bytes asked for.
        bytes: u128,
    },
    /// Some indices could not be computed; all others were.
    #[error("{}", describe(.0))]
    Failed(Vec<Failure>),
    /// [`Control::cancel`](crate::Control::cancel) came before the end.
    #[error("cancelled")]
    Cancelled,
    /// A backend returned without running every chunk: a defect of the backend.
    #[error("the backend left {chunks} chunks undone")]
    Skipped {
        /// How many chunks.
        chunks: usize,
    },
    /// A backend could not be built or has lost its workers.
    #[error("{backend}: {reason}")]
    Backend {
        /// Its name.
        backend: &'static str,
        /// What happened.
        reason: String,
    },
}

fn describe(failures: &[Failure]) -> String {
    match failures {
        [] => "nothing failed".into(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}
