//! Exact Fibonacci numbers in batches. *What* to compute is kept apart from *where* to compute it.
//!
//! A [`Kernel`] decides what to compute and never sees a thread. A [`FibBackend`] decides where and
//! when to compute, and never computes a number. The data flows one way:
//!
//! ```text
//! indices -> Layout -> Job -> Chunks -> backend -> kernel -> Table
//! ```
//!
//! The size of F(n) is known before F(n) is. So all results are laid out first, in one arena of
//! 64-bit limbs, and a batch that needs too much memory is refused before any work. Each chunk owns
//! its part of the arena.
//!
//! This crate starts no thread, and [`Sequential`] is the only backend that it knows.
//!
//! ```
//! use fib_core::{Options, Sequential, compute, kernels};
//!
//! let table = compute(&Sequential, &kernels::stepping(), &[10, 100, 10], &Options::default())?;
//! let numbers: Vec<String> = table.iter().map(|(n, f)| format!("F({n}) = {f}")).collect();
//! assert_eq!(numbers, ["F(10) = 55", "F(100) = 354224848179261915075", "F(10) = 55"]);
//! # Ok::<(), fib_core::Error>(())
//! ```
#![deny(unsafe_code)] // three modules have it: `number/ifma/mod.rs`, `residue/dispatch.rs` and `walk/mod.rs`
#![warn(missing_docs)]

// In thread models, the crate `shuttle` runs the threads.
#[cfg(shuttle)]
#[macro_use]
extern crate fib_shuttle as std;

pub mod affinity;
mod backend;
mod chunk;
mod chunking;
mod control;
mod ends;
mod error;
mod executable;
mod execute;
mod fork;
mod job;
mod kernel;
pub mod kernels;
mod layout;
mod memory;
mod number;
mod record;
mod residue;
mod scarcity;
mod sequential;
mod simd;
pub mod size;
mod table;
mod task;
pub mod text;
mod walk;
mod work;

pub use backend::{Descriptor, FibBackend, Forking, MOST_WORKERS, Scheduling, Settings};
pub use chunk::Chunk;
pub use chunking::{Chunking, ParseChunkingError};
pub use control::Control;
pub use ends::ends;
pub use error::Error;
pub use executable::this_executable;
pub use execute::{Options, compute, compute_into, execute};
pub use fork::{Fork, Forks};
pub use job::Job;
pub use kernel::{Form, Kernel, Order, Run, Slot};
pub use layout::{Layout, check_index, number_bytes, start_cost, table_bytes};
pub use memory::{MemoryLimit, is_asking_for_memory};
pub use num_bigint::BigUint;
pub use record::{ChunkRecord, ChunkSpan, Failure, Outcome};
pub use residue::{Modulus, ParseModulusError, ResidueMethod, residues};
pub use scarcity::{affordable_threads, warn_of_fewer_threads};
pub use sequential::{SEQUENTIAL, Sequential};
pub use simd::SimdLevel;
pub use table::{Table, from_limbs};
pub use task::{Pending, Task, TaskReply};
pub use work::inside_a_chunk;
