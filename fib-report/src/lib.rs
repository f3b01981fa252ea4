//! From the records of a measurement to its analysis and its report. Pure functions.
//!
//! ```text
//! record file -> read -> header, samples -> analyse -> cells, findings -> text, JSON, CSV
//! ```
//!
//! This crate has no clock, no process and no thread: `clippy.toml` in its folder forbids them, and
//! no dependency offers them. So the same record file always gives the same bytes.
#![forbid(unsafe_code)]

mod analyse;
mod analysis;
mod laws;
mod record;
mod recording;
mod report;
mod rng;
mod sample;
mod stats;
mod studies;
mod visible;

pub use analyse::{Analysis, analyse};
pub use analysis::{
    CarryOver, Ceiling, Cell, Distribution, Loss, Losses, Matrix, Row, TOO_NOISY, Verdict,
};
pub use laws::{
    Amdahl, Crossing, Refusal, Usl, amdahl, amdahl_speedup, break_even, gustafson, karp_flatt,
    metg, usl,
};
pub use record::*;
pub use recording::{LONGEST_NAME, Recording, Unreadable, read};
pub use report::{Page, csv, duration, json, percent, ratio, table, text, with_interval};
pub use rng::SplitMix64;
pub use sample::*;
pub use stats::{CONFIDENCE, Estimate};
pub use studies::*;
pub use visible::{is_hidden, visible};
