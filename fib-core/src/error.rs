//! Typed errors.

use crate::record::Failure;

/// Why a batch could not be computed completely.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Refused before any work, because the limit allows less memory.
    #[error("computing this needs {} of memory, and the limit is {}", size(*bytes), size((*limit).into()))]
    Limit {
        /// Predicted bytes of results, table and scratch memory.
        bytes: u128,
        /// The limit they were checked against, in bytes.
        limit: u64,
    },
    /// Refused before any work, because the kernel does not compute such large indices.
    #[error("the kernel {kernel} computes no index above {largest}, and F({index}) is asked for")]
    Index {
        /// The name of the kernel.
        kernel: &'static str,
        /// The largest index of the batch.
        index: u64,
        /// The largest index of the kernel.
        largest: u64,
    },
    /// The system refused the memory, although the limit allowed it.
    #[error("the system refused {} for the results", size(*bytes))]
    Allocation {
        /// Bytes asked for.
        bytes: u128,
    },
    /// Some indices could not be computed. All other indices were computed.
    #[error("{}", describe(.0))]
    Failed(Vec<Failure>),
    /// [`Control::cancel`](crate::Control::cancel) was called before the end.
    #[error("cancelled")]
    Cancelled,
    /// A backend returned without running every chunk: a defect of the backend.
    #[error("the backend did not run {chunks} chunks")]
    Skipped {
        /// How many chunks.
        chunks: usize,
    },
    /// A backend could not be built or has lost its workers.
    #[error("{backend}: {reason}")]
    Backend {
        /// The name of the backend.
        backend: &'static str,
        /// What happened.
        reason: String,
    },
}

/// A number of bytes for people, with one decimal and a unit: 15.9 GB.
fn size(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["KB", "MB", "GB", "TB", "PB", "EB", "ZB"];
    let (mut value, mut unit) = (bytes as f64, "bytes");
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") }
}

fn describe(failures: &[Failure]) -> String {
    match failures {
        [] => "nothing failed".into(),
        [failure] => failure.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}
