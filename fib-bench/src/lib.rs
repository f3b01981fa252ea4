//! The harness: the same experiment on every backend. It measures how much each backend speeds up
//! each batch on this machine, and what the backend costs.
//!
//! ```text
//! scenarios, plan -> measure -> records -> fib_report::analyse -> report
//!                       |  ^
//!              requests v  | times
//!             runner processes (fib_engine, or an engine in any language)
//! ```
//!
//! The harness names no backend and does not time batches itself: runners take the times.
#![forbid(unsafe_code)]

pub mod doctor;
pub mod engine;
mod host;
mod machine;
mod measure;
pub mod order;
mod plan;
pub mod race;
mod rng;
mod scenario;
mod search;
mod surroundings;
pub mod sweeps;
mod verify;

pub use machine::{header, is_debug_build, resumed};
pub use measure::{First, Progress, measure, measure_rounds};
pub use plan::Plan;
pub use scenario::{NamedBatch, RESIDUE_SCENARIOS, SCENARIOS, Scenario, TREE_SCENARIOS};
pub use search::search;
pub use verify::{CellCheck, verify};
