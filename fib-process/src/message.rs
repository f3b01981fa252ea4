//! What pool and worker say to each other, as control bytes of frames.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// From the pool to a worker. The frame of an answer has the number of the request's.
#[derive(Debug, Deserialize, Serialize)]
pub enum Request<'a> {
    /// The first: who the worker is. With the frame come two pipes to write to: the bell and that
    /// for the answers. Answered by `Ready` or `Unfit`.
    Hello {
        /// Its number, from 0.
        worker: usize,
        /// Whether it is to bind itself to a CPU.
        pin: bool,
    },
    /// Compute. Answered by `Done` or `Refused`.
    Compute {
        /// The name of the kernel.
        kernel: Cow<'a, str>,
        /// What to compute.
        #[serde(borrow)]
        indices: Indices<'a>,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// The shared segment that takes the limbs; without, they follow the answer.
        segment: Option<u8>,
    },
    /// A shared segment, whose descriptor comes with the frame, takes this place. Not answered.
    Attach {
        /// Its place, 0 or 1.
        segment: u8,
        /// Its size.
        bytes: usize,
    },
    /// The shared segment of this place is no longer needed. Not answered.
    Detach {
        /// Its place, 0 or 1.
        segment: u8,
    },
}

/// The most indices of one request; longer chunks are sent in parts.
pub const MOST_INDICES: usize = 1 << 22;

/// The most control bytes of a request.
pub const REQUEST_BYTES: usize = 8 * MOST_INDICES + 4096;

/// Indices as they travel.
#[derive(Debug, Deserialize, Serialize)]
pub enum Indices<'a> {
    /// Ranges and repeats, the usual batches: modulo 2^64, so a step may be downward.
    Steps {
        /// The first.
        first: u64,
        /// From each to the next.
        step: u64,
        /// How many, at most [`MOST_INDICES`].
        count: u32,
    },
    /// Any others, eight little-endian bytes each: as fast as memory, unlike postcard's own numbers
    /// of varying length.
    List(#[serde(borrow, with = "serde_bytes")] Cow<'a, [u8]>),
}

impl From<&[u64]> for Indices<'_> {
    fn from(indices: &[u64]) -> Self {
        if let [first, second, ..] = *indices {
            let step = second.wrapping_sub(first);
            if indices.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(step)) {
                return Indices::Steps { first, step, count: indices.len() as u32 };
            }
        }
        Indices::List(indices.iter().flat_map(|index| index.to_le_bytes()).collect())
    }
}

impl From<Indices<'_>> for Vec<u64> {
    fn from(indices: Indices<'_>) -> Self {
        match indices {
            Indices::Steps { first, step, count } => {
                let count = u64::from(count).min(MOST_INDICES as u64);
                (0..count).map(|i| first.wrapping_add(step.wrapping_mul(i))).collect()
            }
            // A last one that is cut short is left out.
            Indices::List(bytes) => {
                bytes.as_chunks().0.iter().map(|&index| u64::from_le_bytes(index)).collect()
            }
        }
    }
}

/// From a worker to the pool.
#[derive(Debug, Deserialize, Serialize)]
pub enum Answer {
    /// The worker is ready for requests.
    Ready,
    /// The worker's initializer failed.
    Unfit(String),
    /// The limbs are there, except those of failed positions.
    Done {
        /// Position within the request, and what the panic said.
        failures: Vec<(usize, String)>,
        /// When it began, by the system's monotonic clock.
        start_ns: u64,
        /// When it ended.
        end_ns: u64,
        /// The CPU it ran on last, where that is known.
        cpu: Option<usize>,
    },
    /// Nothing was computed, and no other worker could do it.
    Refused(String),
}

/// The most bytes of one failure's text; longer ones are cut.
pub const TEXT_BYTES: usize = 1000;

/// The most control bytes of an answer to a request of this many indices.
pub fn answer_bytes(indices: usize) -> usize {
    (indices + 1) * (TEXT_BYTES + 20)
}

/// The beginning of `text`, no longer than [`TEXT_BYTES`].
pub fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
    text
}
