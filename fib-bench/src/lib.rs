//! One uniform experiment over every backend: which gives what, at what price, on this machine.
//!
//! ```text
//! scenarios, plan -> measure -> samples -> analyse -> matrix -> report
//! ```
//!
//! Only [`measure`] looks at a clock; [`analyse`] and [`report`] are functions of the samples. No
//! backend is named here: they come from the registry of `fib`.
#![forbid(unsafe_code)]

mod analysis;
pub mod doctor;
pub mod engine;
pub mod interleave;
pub mod laws;
mod machine;
mod measure;
mod plan;
pub mod record;
pub mod records;
pub mod report;
mod rng;
mod scenario;
mod stats;
pub mod studies;
mod surroundings;
mod verify;

pub use analysis::{Cell, Loss, Losses, Matrix, Row, Verdict, analyse};
pub use machine::{header, is_debug_build};
pub use measure::{Progress, measure, measure_rounds};
pub use plan::Plan;
pub use scenario::{Batch, SCENARIOS, Scenario};
pub use stats::Estimate;
pub use verify::{Check, verify};
