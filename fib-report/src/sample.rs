//! A sample: one timing, and what is known of the moment in which it was taken.

use fib_simulate::{ChunkTrace, PauseTrace, WorkerTrace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a sample measures.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The baseline.
    Baseline,
    /// The baseline a second time. The difference from the first is noise.
    Control,
    /// Independent copies of the sequential baseline at once.
    Ceiling,
    /// A backend.
    Cell,
    /// The fastest kernel, on one core.
    Best,
    /// Sequential calls with layout and allocation.
    Whole,
    /// From nothing until every worker of a backend has answered once. Belongs to no scenario.
    StartUp,
    /// A backend from nothing to the results of its first batch.
    Cold,
    /// A backend with its timeline.
    Traced,
    /// The baseline in many pieces, each timed.
    Pieces,
    /// A moment after a batch, in which the runner has nothing to do.
    Idle,
    /// A run of a race that looks for the largest size.
    Probe,
    /// A run of a race with the size that was found.
    Confirmation,
}

/// Whether a sample counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Timed and verified.
    #[default]
    Ok,
    /// The result was wrong, so the time means nothing.
    Wrong,
    /// The engine ended or sent an invalid reply.
    Crash,
    /// The engine did not reply in time.
    Hang,
    /// The engine refused.
    Refused,
    /// Left out, because it would have taken more than its share of the time.
    Omitted,
}

/// One timing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The name of the scenario; empty for a pool start.
    pub scenario: String,
    /// What was timed.
    pub role: Role,
    /// The label of the backend.
    pub backend: String,
    /// Its number of workers; for the ceiling, the number of copies.
    pub workers: usize,
    /// The number of the run, from 0. Each run has its own runners and its own orders.
    #[serde(default)]
    pub run: usize,
    /// The number of the round, from 0. It goes on from run to run.
    pub round: usize,
    /// How many times the batch was run, one run after another.
    pub repeats: u32,
    /// In a race: the size that was tried, which is a number of indices or an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Wall time of all repeats together. For the ceiling: from the first start to the last end.
    pub wall_ns: u64,
    /// For the ceiling: the time of each copy, all repeats together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies_ns: Option<Vec<u64>>,
    /// Whether the sample counts.
    pub status: Status,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the runner used during the sample, if the engine can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<SampleUsage>,
    /// What else happened on the machine, if the system can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Surroundings>,
    /// What each worker did, if a timeline was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces: Option<Vec<WorkerTrace>>,
    /// Every chunk, in the order of the batch, for a few of the runs with a timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<ChunkTrace>>,
    /// When workers waited for a lock inside these chunks, if they did and the engine can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses: Option<Vec<PauseTrace>>,
    /// The number of chunks, if `chunks` would have been kept but is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out_chunks: Option<usize>,
    /// How long each piece of the batch took, if pieces were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces_ns: Option<Vec<u64>>,
}

/// The numbers of a run and of a round.
pub type Round = (usize, usize);

impl Sample {
    /// The run and the round.
    pub fn moment(&self) -> Round {
        (self.run, self.round)
    }

    /// A sample of `wall_ns` in the first round, about which nothing else is known.
    pub fn new(role: Role, backend: &str, workers: usize, wall_ns: u64) -> Self {
        Sample {
            scenario: String::new(),
            role,
            backend: backend.into(),
            workers,
            run: 0,
            round: 0,
            repeats: 1,
            size: None,
            wall_ns,
            copies_ns: None,
            status: Status::Ok,
            message: None,
            usage: None,
            surroundings: None,
            traces: None,
            chunks: None,
            pauses: None,
            left_out_chunks: None,
            pieces_ns: None,
        }
    }

    /// Nanoseconds for each batch.
    pub fn batch_ns(&self) -> f64 {
        self.wall_ns as f64 / f64::from(self.repeats.max(1))
    }
}

/// What a sample used, worker processes included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleUsage {
    /// CPU time, user and system together.
    pub cpu_ns: u64,
    /// Context switches because a thread had to wait.
    pub voluntary_switches: u64,
    /// Context switches because the system gave the CPU to another thread.
    pub involuntary_switches: u64,
    /// The most memory that was in use so far.
    pub peak_rss_bytes: u64,
}

/// What happened on the machine from the end of the sample before to the end of this sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Surroundings {
    /// The length of that time.
    pub span_ns: u64,
    /// Time that CPUs of this virtual machine had to wait because the host ran something else.
    pub steal_ns: u64,
    /// Time that the control group was stopped because its CPU quota was used up.
    pub throttled_ns: u64,
    /// Time that some thread on the machine waited for a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_ns: Option<u64>,
    /// Load average over the last minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_1min: Option<f64>,
}
