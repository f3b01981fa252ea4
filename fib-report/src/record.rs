//! The record file: a header and flat samples, one JSON object on each line.
//!
//! `docs/records.schema.json` is generated from these types; a test compares the two.

use crate::sample::Sample;
use fib_core::{Chunking, SEQUENTIAL, Scheduling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the record format. A change that an older reader would misread raises it.
pub const SCHEMA_VERSION: u32 = 5;

/// The oldest version that is still read. Version 4 added kernels of single labels, moduli, and backends
/// that are left out. Version 5 added runs, the times of single copies, and the margin. An older record is
/// read as one run.
pub const OLDEST_VERSION: u32 = 3;

/// One line of a record file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// A later measurement added the samples that follow.
    Resumed(Resumed),
    /// One timing.
    Sample(Box<Sample>),
}

/// Where and how the samples were taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// The format version of the program that wrote the file.
    pub schema_version: u32,
    /// The version of that program.
    pub version: String,
    /// The command line, without the folder of the program.
    pub command: String,
    /// When the measurement started, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// Processor, operating system and kernel.
    pub machine: Machine,
    /// A short hash that differs between machines, even of the same model. The machine is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the user calls this measurement, at most 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The number of CPUs that the process was allowed to use.
    pub cores: usize,
    /// Compiler version.
    pub compiler: String,
    /// Build profile, optimisation level, target and extra compiler flags.
    pub flags: String,
    /// Versions of the crates that the results depend on.
    pub crates: BTreeMap<String, String>,
    /// Random seed for the order of rounds.
    pub seed: u64,
    /// The kernel of the baseline, and of every cell that is not among `kernels`.
    pub kernel: String,
    /// The kernels of labels that have another kernel than the baseline.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kernels: BTreeMap<String, String>,
    /// Whether each worker of a pool was bound to one CPU.
    pub pin: bool,
    /// Total time budget in seconds.
    pub budget_s: f64,
    /// A speedup within this share of 1 is equal to 1.
    #[serde(default = "default_margin")]
    pub margin: f64,
    /// The backends except the baseline, in the order of the report.
    pub backends: Vec<BackendHead>,
    /// Their worker counts, ascending.
    pub workers: Vec<usize>,
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<ScenarioHead>,
    /// How many cells of a scenario are compared at once.
    pub comparisons: usize,
    /// What the measurement is for.
    pub study: Study,
    /// The cell that all cells are compared with.
    pub baseline: BaselineCell,
    /// Engines other than `fib` itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineHead>,
    /// Target half-width of every interval, relative to its median. Rounds stopped when all
    /// intervals had reached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Whether timelines were recorded.
    pub explain: bool,
    /// In a race: the time that a run may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_s: Option<f64>,
}

/// The margin of a measurement that names none, as of records of older versions.
pub const MARGIN: f64 = 0.01;

fn default_margin() -> f64 {
    MARGIN
}

/// A backend of our own engine, with one chunking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendHead {
    /// The label in samples and reports: the name, with `#2` if the backend is measured twice, and
    /// with `@chunking` if several chunkings are measured.
    pub label: String,
    /// The name of the backend.
    pub name: String,
    /// Who decides which worker runs a chunk.
    #[serde(with = "SchedulingName")]
    #[schemars(with = "SchedulingName")]
    pub scheduling: Scheduling,
    /// How batches were cut.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub chunking: Chunking,
    /// Whether its kernel forks, and the backend runs the halves of a fork one after the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forks_in_turn: bool,
}

/// [`Scheduling`] as it stands in records.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Scheduling", rename_all = "lowercase")]
enum SchedulingName {
    Serial,
    Static,
    Dynamic,
    Exclusive,
}

/// A value that is written as its text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A later measurement that added samples to the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// The command line of that measurement.
    pub command: String,
    /// When that measurement started, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// Its time budget in seconds.
    pub budget_s: f64,
    /// Load average over the minute before it.
    pub load_1min: Option<f64>,
}

/// What a measurement is for. [`Study::definition`](crate::Study::definition) says how it is
/// measured and read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Study {
    /// The speedup matrix.
    #[default]
    Compare,
    /// Sweep over task sizes.
    Granularity,
    /// Sweep over batch sizes and item sizes.
    BreakEven,
    /// Sweep over worker counts.
    Scaling,
    /// Sweep over chunkings.
    Chunking,
    /// Sweep over the cutoffs of a tree of forks.
    Forks,
    /// Prediction for many more workers.
    Model,
    /// The largest batches and numbers in a given time.
    Race,
}

/// The cell that all cells are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineCell {
    /// The label of the backend.
    pub label: String,
    /// Its number of workers.
    pub workers: usize,
}

impl Header {
    /// The kernel of a label.
    pub fn kernel_of(&self, label: &str) -> &str {
        self.kernels.get(label).unwrap_or(&self.kernel)
    }
}

impl Default for BaselineCell {
    /// The sequential backend.
    fn default() -> Self {
        BaselineCell { label: SEQUENTIAL.name.into(), workers: 1 }
    }
}

/// An engine other than `fib` itself, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineHead {
    /// The name of the engine.
    pub name: String,
    /// The version of the engine and of its language.
    pub version: String,
    /// The label of the backend that the other backends of the engine are compared with.
    pub baseline: String,
    /// The labels of all its backends, in the order of the report.
    pub backends: Vec<String>,
    /// Its backends that took no part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A backend of an engine that took no part in the measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The label that it would have had.
    pub label: String,
    /// Why it took no part.
    pub reason: String,
}

/// What a reader needs to know about a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioHead {
    /// The name of the scenario.
    pub name: String,
    /// What the scenario shows.
    pub summary: String,
    /// The number of indices.
    pub items: usize,
    /// The modulus, if residues were computed instead of numbers. A speedup compares times of one
    /// scenario only, so it never compares numbers with residues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulus: Option<String>,
    /// The index, if all indices are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The only worker count at which the scenario was measured, if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// The indices, if the study needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indices: Option<Vec<u64>>,
    /// Whether the fastest kernel computes repeats once.
    pub best_shares: bool,
    /// Whether the kernel of the cells computes repeats once.
    pub cells_share: bool,
}

/// The machine, as the system describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Load average over the minute before the measurement.
    pub load_1min: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapbox::{assert_data_eq, file};

    /// `SNAPSHOTS=overwrite cargo test -p fib-report` writes the file again.
    #[test]
    fn the_schema_in_the_documentation_is_the_schema_of_these_types() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Record)).unwrap() + "\n";
        assert_data_eq!(schema, file!["../../docs/records.schema.json"].raw());
    }
}
