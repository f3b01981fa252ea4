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
mod difference;
mod laws;
mod record;
mod recording;
pub mod report;
mod rng;
mod sample;
mod stats;
mod studies;
mod timeline;
mod visible;

pub use analyse::{Analysis, analyse};
pub use analysis::{
    CarryOver, Ceiling, Cell, Distribution, Loss, Losses, Matrix, Row, TOO_NOISY, Verdict,
};
pub use difference::{CellDifference, Difference, Incomparable, ScenarioDifference};
pub use fib_simulate::{ChunkTrace, PauseTrace};
pub use laws::{
    Amdahl, Crossing, Refusal, Usl, amdahl, amdahl_speedup, break_even, gustafson, karp_flatt,
    metg, usl,
};
pub use record::*;
pub use recording::{LONGEST_NAME, Recording, Unreadable, read};
pub use report::{
    Page, csv, difference_csv, difference_json, difference_text, draw_timelines, duration, json,
    percent, ratio, table, text, timelines, timelines_json, with_interval,
};
pub use rng::SplitMix64;
pub use sample::*;
pub use stats::{CONFIDENCE, Estimate, quantile};
pub use studies::*;
pub use timeline::{MOST_CHUNKS, Timeline, chunk_problem};
pub use visible::{is_hidden, visible};
