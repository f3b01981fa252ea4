//! What `measure` writes and `analyse` reads: a header and flat samples, one JSON object a line.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format; a change that an older reader would misread raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// One line of a record file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// Any other line.
    Sample(Sample),
}

/// Where and how the samples were taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of this crate.
    pub version: String,
    /// The command line, without the program's folder.
    pub command: String,
    /// When the run began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// Processor, operating system and kernel.
    pub machine: Machine,
    /// CPUs this process may use.
    pub cores: usize,
    /// Compiler.
    pub compiler: String,
    /// Profile, optimisation level, target and extra compiler flags.
    pub flags: String,
    /// Versions of the crates that the result depends on.
    pub crates: BTreeMap<String, String>,
    /// Draws the order of the rounds.
    pub seed: u64,
    /// Kernel of every cell but the best sequential algorithm.
    pub kernel: String,
    /// How batches were cut.
    pub chunking: String,
    /// Whether persistent workers were bound to a CPU each.
    pub pin: bool,
    /// Time for the whole comparison.
    pub budget_s: f64,
    /// Confidence of the intervals, before the correction for several comparisons.
    pub confidence: f64,
    /// The backends beside the sequential baseline, in the order of the report.
    pub backends: Vec<String>,
    /// Their worker counts.
    pub workers: Vec<usize>,
    /// The scenarios, in the order of the report, with their sentence.
    pub scenarios: Vec<ScenarioHead>,
    /// How many cells of a scenario are compared at once.
    pub comparisons: usize,
}

/// What a reader must know of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioHead {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub summary: String,
    /// Whether the best sequential algorithm computes repeats once.
    pub best_shares: bool,
    /// Whether the kernel of the cells does.
    pub cells_share: bool,
}

/// The machine, as far as it tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Logical CPUs of the machine.
    pub logical_cpus: usize,
    /// Operating system.
    pub os: String,
    /// Kernel version.
    pub kernel: String,
    /// Architecture.
    pub arch: String,
    /// Load average over the minute before the run.
    pub load_1min: Option<f64>,
}

/// What a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The sequential baseline.
    Baseline,
    /// The baseline again: what separates it from the first is noise.
    Control,
    /// Independent copies of the baseline at once: what the hardware can give.
    Ceiling,
    /// A backend.
    Cell,
    /// The best sequential algorithm.
    Best,
    /// The baseline from call to result: layout and allocation included.
    Whole,
    /// From nothing to a backend that has answered once; belongs to no scenario.
    StartUp,
}

/// Whether a sample counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Timed and verified.
    #[default]
    Ok,
    /// The result was wrong: the time means nothing.
    Wrong,
    /// There was no result.
    Failed,
}

/// One timing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the scenario; empty for a start-up.
    pub scenario: String,
    /// What was timed.
    pub role: Role,
    /// Name of the backend.
    pub backend: String,
    /// Its workers; for the ceiling, the copies.
    pub workers: usize,
    /// Number of the round, from 0.
    pub round: usize,
    /// How many batches were run one after another.
    pub repeats: u32,
    /// Wall time of all of them together; for the ceiling, from the first start to the last end.
    pub wall_ns: u64,
    /// Whether it counts.
    pub status: Status,
    /// Why not, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Sample {
    /// Nanoseconds a batch.
    pub fn batch_ns(&self) -> f64 {
        self.wall_ns as f64 / f64::from(self.repeats)
    }
}
