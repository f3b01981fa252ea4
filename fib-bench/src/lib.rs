//! The harness: one uniform experiment over every backend. What does each backend give on this machine,
//! and what does it cost?
//!
//! ```text
//! scenarios, plan -> measure -> records -> fib_report::analyse -> report
//!                       |  ^
//!              requests v  | times
//!             runner processes (fib_engine, or an engine in any language)
//! ```
//!
//! The harness names no backend and times nothing itself: runners take the times.
#![forbid(unsafe_code)]

pub mod doctor;
pub mod engine;
mod machine;
mod measure;
pub mod order;
mod plan;
mod rng;
mod scenario;
mod search;
mod surroundings;
pub mod sweeps;
mod verify;

pub use machine::{header, is_debug_build, resumed};
pub use measure::{Progress, measure, measure_rounds};
pub use plan::Plan;
pub use scenario::{NamedBatch, SCENARIOS, Scenario};
pub use search::search;
pub use verify::{CellCheck, verify};
