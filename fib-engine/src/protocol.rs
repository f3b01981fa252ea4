//! The messages between a harness and a runner: one JSON object on each line, one reply to each
//! request.
//!
//! docs/engines.md describes the protocol for authors of engines. These types are the protocol in
//! Rust.

use serde::{Deserialize, Serialize};

/// The version of this protocol. A runner with another version refuses the hello.
pub const PROTOCOL: u32 = 1;

/// A request of the harness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Request {
    /// Asks what the engine can do. The reply is [`Capabilities`].
    Hello {
        /// The [`PROTOCOL`] of the harness.
        protocol: u32,
    },
    /// Builds a backend and drops the backend before it. The reply is [`Built`].
    Build(BuildRequest),
    /// Loads a batch and drops the batch before it. The reply is [`Loaded`].
    Load(LoadRequest),
    /// Runs the batch on the backend. The reply is [`Measured`].
    Run(RunRequest),
}

/// Which backend to build, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildRequest {
    /// One of [`Capabilities::backends`].
    pub backend: String,
    /// The most indices that may be computed at once.
    pub workers: usize,
    /// How to cut batches, in the syntax of `--chunking`, for engines that can choose.
    pub chunking: String,
    /// Whether to bind each worker of a pool to one CPU, where that is possible.
    pub pin: bool,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadRequest {
    /// One of [`Capabilities::kernels`].
    pub kernel: String,
    /// The indices. The digest takes the results in this order.
    pub indices: Vec<u64>,
    /// The modulus in decimal, for a kernel of residues. `None` for exact numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulus: Option<String>,
}

/// One timed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// How many times to run the batch, one run after another, within the time.
    pub repeats: u32,
    /// Whether the time includes building the backend anew. `repeats` is 1 then.
    #[serde(default)]
    pub cold: bool,
    /// Whether the reply lists the chunks of the run. `repeats` is 1 then.
    #[serde(default)]
    pub timeline: bool,
}

/// What an engine says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The [`PROTOCOL`] of the engine.
    pub protocol: u32,
    /// The name of the engine. Its rows in a report are called `engine/backend`.
    pub engine: String,
    /// The version of the engine and of its language.
    pub version: String,
    /// The backend that computes one index after another. The other backends of the engine are
    /// compared with it.
    pub baseline: String,
    pub backends: Vec<OfferedBackend>,
    /// The kernels that at least one backend has.
    pub kernels: Vec<String>,
    /// The backends that the engine would have on another machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<MissingBackend>,
    /// Whether the engine can list the chunks of a run.
    #[serde(default)]
    pub timeline: bool,
}

/// A backend of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedBackend {
    pub name: String,
    /// How the backend works, in one sentence.
    pub summary: String,
    /// The most workers that the backend can have; `None` means any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_workers: Option<usize>,
    /// The kernels that the backend has; `None` means all kernels of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Vec<String>>,
}

impl OfferedBackend {
    /// Whether the backend has this kernel, if its engine has it.
    pub fn has_kernel(&self, kernel: &str) -> bool {
        self.kernels.as_ref().is_none_or(|kernels| kernels.iter().any(|own| own == kernel))
    }
}

/// A backend that this machine lacks something for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingBackend {
    pub name: String,
    /// What is missing, in one line.
    pub reason: String,
}

/// The reply to a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// The time from nothing until every worker has answered once.
    pub wall_ns: u64,
}

/// The reply to a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// The number of indices in the batch.
    pub items: usize,
}

/// The reply to a run. An engine leaves out what it does not know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The wall time of all repeats together.
    pub wall_ns: u64,
    /// The wall time of each copy, if the backend is copies of the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies_ns: Option<Vec<u64>>,
    /// The [`Digest`](crate::Digest) of the results of the last run, in decimal.
    pub digest: String,
    /// What the run used, if the engine can tell.
    #[serde(flatten)]
    pub usage: Option<Usage>,
    /// The chunks of the run, if the request asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<TimelineSpan>>,
    /// When workers waited inside these chunks for a lock, if the engine can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses: Option<Vec<PauseSpan>>,
}

/// What a run used, worker processes included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, user and system together.
    pub cpu_ns: u64,
    /// Context switches because a thread had to wait.
    #[serde(default)]
    pub voluntary_switches: u64,
    /// Context switches because the system gave the CPU to another thread.
    #[serde(default)]
    pub involuntary_switches: u64,
    /// The most memory that was in use so far.
    #[serde(default)]
    pub peak_rss_bytes: u64,
}

/// A chunk of a run. Times count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineSpan {
    /// The worker that ran the chunk, counted from 0.
    pub worker: usize,
    /// When the chunk started.
    pub start_ns: u64,
    /// When the chunk ended.
    pub end_ns: u64,
    /// How long the worker waited during the chunk for a lock that it needs to compute.
    #[serde(default)]
    pub paused_ns: u64,
}

/// A time in which a worker waited inside a chunk for a lock. Times count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseSpan {
    /// The worker, counted from 0.
    pub worker: usize,
    pub start_ns: u64,
    pub end_ns: u64,
}

/// A line of a runner: the reply to a request, or a refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply<T> {
    /// The engine cannot or will not do what the request asks.
    Refused {
        /// The reason, in one line.
        error: String,
    },
    Done(T),
}
