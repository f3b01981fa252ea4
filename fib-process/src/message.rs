//! The messages between the pool and its workers. Each message is the control bytes of one frame.

use fib_core::Form;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A request from the pool to a worker. The frame of the reply has the number of the request.
#[derive(Debug, Deserialize, Serialize)]
pub enum WorkRequest<'a> {
    /// The first request. It tells the worker its number. Two pipes for the worker to write to come
    /// with the frame: first the bell, then the pipe for replies. The worker replies `Ready` or
    /// `Unfit`.
    Hello {
        /// The number of the worker, from 0.
        worker: usize,
        /// Whether the worker must bind itself to a CPU.
        pin: bool,
    },
    /// A request to compute numbers. The worker replies `Done` or `Refused`.
    Compute {
        /// The kernel that computes them.
        #[serde(borrow)]
        kernel: KernelName<'a>,
        /// The indices to compute.
        #[serde(borrow)]
        indices: Indices<'a>,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The number of the shared segment that takes the limbs. Without a segment, the limbs
        /// follow the reply through the pipe.
        segment: Option<u8>,
    },
    /// The worker must map a new shared segment, whose descriptor comes with the frame. The segment
    /// replaces an earlier segment of the same number. The worker does not reply.
    Attach {
        /// The number of the segment, 0 or 1.
        segment: u8,
        /// The size of the segment in bytes.
        bytes: usize,
    },
    /// The pool no longer needs a shared segment. The worker does not reply.
    Detach {
        /// The number of the segment, 0 or 1.
        segment: u8,
    },
}

/// The kernel of a request, by name, since code cannot be sent.
#[derive(Debug, Deserialize, Serialize)]
pub struct KernelName<'a> {
    /// The name of the kernel.
    pub name: Cow<'a, str>,
    /// What the kernel writes to its slots.
    pub form: SentForm,
}

/// A [`Form`], as it is sent.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub enum SentForm {
    /// [`Form::Binary`].
    Binary,
    /// [`Form::Text`].
    Text,
    /// [`Form::Residue`]; 0 is the modulus 2^64.
    Residue(u64),
}

impl From<Form> for SentForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Binary => SentForm::Binary,
            Form::Text => SentForm::Text,
            Form::Residue(modulus) => SentForm::Residue(modulus.get().unwrap_or(0)),
        }
    }
}

/// The most indices of one request. A longer chunk is sent in several parts.
pub const MOST_INDICES: usize = 1 << 22;

/// The most control bytes of a request.
pub const MOST_REQUEST_BYTES: usize = 8 * MOST_INDICES + 4096;

/// The indices of a request, in the form in which they are sent.
#[derive(Debug, Deserialize, Serialize)]
pub enum Indices<'a> {
    /// Indices at equal distances. Most batches are ranges or repeats, which take this form. The
    /// arithmetic is modulo 2^64, so a step may also lead downward.
    Steps {
        /// The first index.
        first: u64,
        /// The distance from each index to the next.
        step: u64,
        /// The number of indices, at most [`MOST_INDICES`].
        count: u32,
    },
    /// All other indices, each in eight little-endian bytes. They are read as fast as memory;
    /// postcard's own numbers have varying lengths and are slower.
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
            // A last index with fewer than eight bytes is dropped.
            Indices::List(bytes) => {
                bytes.as_chunks().0.iter().map(|&index| u64::from_le_bytes(index)).collect()
            }
        }
    }
}

/// A reply from a worker to the pool.
#[derive(Debug, Deserialize, Serialize)]
pub enum WorkReply {
    /// The worker is ready for requests.
    Ready,
    /// The initializer of the worker failed.
    Unfit(String),
    /// The worker computed the limbs of all positions except those in `failures`.
    Done {
        /// For each failure, the position in the request and the message of the panic.
        failures: Vec<(usize, String)>,
        /// When the worker began, in nanoseconds of the monotonic clock of the system.
        start_ns: u64,
        /// When the worker ended, in nanoseconds of the same clock.
        end_ns: u64,
        /// The CPU on which the worker ran last, where the system tells it.
        cpu: Option<usize>,
    },
    /// The worker computed nothing, and no other worker could compute this request either.
    Refused(String),
}

/// The most bytes of the text of one failure. A longer text is shortened.
pub const MOST_TEXT_BYTES: usize = 1000;

/// The most control bytes of a reply to a request with this many indices.
pub fn most_reply_bytes(indices: usize) -> usize {
    (indices + 1) * (MOST_TEXT_BYTES + 20)
}

/// The start of `text`, at most [`MOST_TEXT_BYTES`] long.
pub fn shorten(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST_TEXT_BYTES));
    text
}
