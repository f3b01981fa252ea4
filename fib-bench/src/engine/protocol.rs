//! What a harness and a runner say to each other: one JSON object a line, a reply to every request.
//!
//! docs/engines.md tells it to authors of engines; these types are the same in Rust.

use serde::{Deserialize, Serialize};

/// The version of this protocol. A runner that knows another refuses the hello.
pub const PROTOCOL: u32 = 1;

/// What a harness asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Request {
    /// What can this engine do? Answered with [`Capabilities`].
    Hello {
        /// [`PROTOCOL`] of the harness.
        protocol: u32,
    },
    /// Make a backend ready, in place of any other. Answered with [`Built`].
    Build(Build),
    /// Take a batch, in place of any other. Answered with [`Loaded`].
    Load(Load),
    /// Run the batch on the backend. Answered with [`Measured`].
    Run(Run),
}

/// Which backend is wanted, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// One of [`Capabilities::backends`].
    pub backend: String,
    /// At most this many indices are computed at once.
    pub workers: usize,
    /// How batches are cut, as `fib` spells it; for engines that let it be chosen.
    pub chunking: String,
    /// Whether persistent workers are to be bound to a CPU each, where that can be.
    pub pin: bool,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// One of [`Capabilities::kernels`].
    pub kernel: String,
    /// The wanted indices; results are digested in this order.
    pub indices: Vec<u64>,
}

/// One timed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// How many times the batch is run, one after the other, within the time.
    pub repeats: u32,
    /// Whether the time begins with building the backend anew; repeats are 1 then.
    #[serde(default)]
    pub cold: bool,
    /// Whether the chunks of the batch are to be told; repeats are 1 then.
    #[serde(default)]
    pub timeline: bool,
}

/// An engine, in its own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// [`PROTOCOL`] of the engine.
    pub protocol: u32,
    /// Its name; rows are called `engine/backend`.
    pub engine: String,
    /// Its version and that of its language.
    pub version: String,
    /// The backend that computes one index after the other: what its others are compared with.
    pub baseline: String,
    /// Where it can compute.
    pub backends: Vec<Backend>,
    /// What it can compute with.
    pub kernels: Vec<String>,
    /// Whether it can tell the chunks of a run.
    #[serde(default)]
    pub timeline: bool,
}

/// A backend of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    pub summary: String,
    /// The most workers it can have; any number if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_workers: Option<usize>,
}

/// A backend is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// From nothing to a first answer of every worker.
    pub wall_ns: u64,
}

/// A batch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// How many indices it has.
    pub items: usize,
}

/// What a run came to. What an engine cannot tell, it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Wall time of all repeats together.
    pub wall_ns: u64,
    /// [`Digest`](super::Digest) of the last results, in decimal.
    pub digest: String,
    /// CPU time (user and system) in that time, worker processes included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ns: Option<u64>,
    /// Context switches because a thread had to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voluntary_switches: Option<u64>,
    /// Context switches because another thread was to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub involuntary_switches: Option<u64>,
    /// The most memory that was in use so far, worker processes included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// The chunks, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<Span>>,
}

/// A chunk of a run; times count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Which worker ran it, from 0.
    pub worker: usize,
    /// When it began.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// How long it waited in between, for a lock that it needs to compute.
    #[serde(default)]
    pub paused_ns: u64,
}

/// A line of a runner: what was asked for, or why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply<T> {
    /// It cannot or will not.
    Refused {
        /// Why, in one line.
        error: String,
    },
    /// Here it is.
    Done(T),
}
