//! What `measure` writes and `analyse` reads: a header and flat samples, one JSON object a line.

pub use fib_predict::Lane;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format; a change that an older reader would misread raises it.
pub const SCHEMA_VERSION: u32 = 2;

/// One line of a record file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// Rounds were added to an earlier record.
    Resumed(Resumed),
    /// Any other line.
    Sample(Box<Sample>),
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
    /// The labels of the backends beside the baseline, in the order of the report.
    pub backends: Vec<String>,
    /// Their worker counts.
    pub workers: Vec<usize>,
    /// The scenarios, in the order of the report, with their sentence.
    pub scenarios: Vec<ScenarioHead>,
    /// How many cells of a scenario are compared at once.
    pub comparisons: usize,
    /// What it is for.
    #[serde(default)]
    pub study: Study,
    /// What everything is compared with.
    #[serde(default)]
    pub against: Reference,
    /// The engines beside our own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineHead>,
    /// How narrow every interval was to become, as a part of its median; rounds ended early then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Whether runs were also taken with their timeline.
    #[serde(default)]
    pub explain: bool,
}

/// A later run that added to the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// Its command line.
    pub command: String,
    /// When it began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// Time for it.
    pub budget_s: f64,
    /// Load average over the minute before it.
    pub load_1min: Option<f64>,
}

/// What a record is for, and so how it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Study {
    /// Every scenario by itself: the matrix.
    #[default]
    Compare,
    /// As many tasks, ever smaller: how small they may be.
    Granularity,
    /// Ever more items, and ever larger ones: how many and how large make it worth it.
    BreakEven,
    /// The same batch on more workers, and more work on more workers.
    Scaling,
    /// A batch as it would be on many more workers.
    Model,
}

/// The cell that everything is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its label.
    pub backend: String,
    /// Its workers.
    pub workers: usize,
}

impl Default for Reference {
    /// The sequential baseline.
    fn default() -> Self {
        Reference { backend: fib::SEQUENTIAL.name.into(), workers: 1 }
    }
}

/// An engine beside our own, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineHead {
    /// Its name.
    pub name: String,
    /// Its version and that of its language.
    pub version: String,
    /// The label of the backend that its others are compared with.
    pub baseline: String,
    /// The labels of its backends, in the order of the report.
    pub backends: Vec<String>,
}

/// What a reader must know of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioHead {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub summary: String,
    /// How many indices it has; not told in records of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// The index, if all are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The only worker count it was measured at, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// The indices, where they are needed to predict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indices: Option<Vec<u64>>,
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
    /// A backend from nothing to the results of a first batch.
    Cold,
    /// A backend with its timeline.
    Traced,
    /// The baseline in many pieces, each timed.
    Pieces,
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
    /// The engine ended, or answered nonsense.
    Crash,
    /// The engine did not answer in time.
    Hang,
    /// The engine said that it cannot.
    Refused,
    /// It was left out, because it would not have fitted the time.
    Omitted,
    /// There was no result; in records of version 1.
    Failed,
}

impl Status {
    /// As it stands in records.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Wrong => "wrong",
            Status::Crash => "crash",
            Status::Hang => "hang",
            Status::Refused => "refused",
            Status::Omitted => "omitted",
            Status::Failed => "failed",
        }
    }
}

/// One timing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the scenario; empty for a start-up.
    pub scenario: String,
    /// What was timed.
    pub role: Role,
    /// Label of the backend.
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
    /// What the runner used in that time, as far as it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What else happened on the machine meanwhile, as far as it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Surroundings>,
    /// What each worker did, where the timeline was asked for; one for every worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<Lane>>,
    /// How long each piece of the batch took, one after the other, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces_ns: Option<Vec<u64>>,
}

/// What a run used, worker processes included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu_ns: u64,
    /// Context switches because a thread had to wait.
    pub voluntary_switches: u64,
    /// Context switches because another thread was to run.
    pub involuntary_switches: u64,
    /// The most memory that was in use so far.
    pub peak_rss_bytes: u64,
}

/// What happened on the machine from the sample before to the end of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// How long this lasted.
    pub span_ns: u64,
    /// Time that CPUs could run nothing of this machine because its host was busy elsewhere.
    pub steal_ns: u64,
    /// Time that the control group was kept from running because its quota was used up.
    pub throttled_ns: u64,
    /// Time that some thread on the machine waited for a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_ns: Option<u64>,
    /// Load average over the last minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_1min: Option<f64>,
}

impl Sample {
    /// Nanoseconds a batch.
    pub fn batch_ns(&self) -> f64 {
        self.wall_ns as f64 / f64::from(self.repeats)
    }
}
