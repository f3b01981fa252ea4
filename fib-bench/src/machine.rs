//! The header of a record: the machine, and how this program was built.

use crate::engine::Engine;
use crate::host::host;
use crate::plan::Plan;
use crate::scenario::NamedBatch;
use fib::{Layout, MemoryLimit, kernels};
use fib_engine::protocol::Capabilities;
use fib_report::{EngineHead, Header, Machine, Resumed, SCHEMA_VERSION, ScenarioHead, Study};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{SystemTime, UNIX_EPOCH};
use sysinfo::{CpuRefreshKind, System};

mod built {
    #![allow(unreachable_pub)] // generated
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}

/// The crates whose versions affect the times.
const MEASURED: [&str; 4] = ["criterion", "crossbeam", "num-bigint", "rayon"];

/// Whether this program was built without optimisation. Its times mean nothing then.
pub fn is_debug_build() -> bool {
    cfg!(debug_assertions)
}

/// The first line of a record of `plan`.
pub fn header(plan: &Plan) -> Header {
    Header {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
        command: plan.command.clone(),
        started_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        machine: machine(),
        host: host(),
        label: plan.label.clone(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        compiler: built::RUSTC_VERSION.into(),
        flags: flags(),
        crates: crates(),
        seed: plan.seed,
        kernel: plan.kernels[0].into(),
        kernels: match plan.study {
            Study::Race => crate::race::kernels(plan),
            _ => plan.other_kernels(),
        },
        pin: plan.pin,
        budget_s: plan.budget.as_secs_f64(),
        margin: plan.margin,
        backends: plan.heads(),
        workers: plan.workers.iter().map(|workers| workers.get()).collect(),
        scenarios: plan.batches.iter().map(|batch| scenario_head(plan, batch)).collect(),
        comparisons: plan.comparisons(),
        study: plan.study,
        baseline: plan.baseline.clone(),
        engines: plan.engines.iter().enumerate().map(|(i, e)| engine_head(plan, i, e)).collect(),
        width: plan.width,
        explain: plan.explain,
        limit_s: plan.limit.map(|limit| limit.as_secs_f64()),
    }
}

/// The line which says that a run of `plan` adds samples to an earlier record.
pub fn resumed(plan: &Plan) -> Resumed {
    let Header { command, started_unix_s, budget_s, machine, .. } = header(plan);
    Resumed { command, started_unix_s, budget_s, load_1min: machine.load_1min }
}

fn engine_head(plan: &Plan, i: usize, engine: &Engine) -> EngineHead {
    let Capabilities { engine: name, version, .. } = &engine.capabilities;
    EngineHead {
        name: name.clone(),
        version: version.clone(),
        baseline: plan.baseline_of_engine(i, engine),
        backends: plan.labels_of_engine(i, engine),
        left_out: plan.left_out(engine),
    }
}

fn scenario_head(plan: &Plan, batch: &NamedBatch) -> ScenarioHead {
    let shares = |kernel| {
        Layout::new(kernel, &batch.indices, MemoryLimit::default())
            .is_ok_and(|l| l.slots() < l.len())
    };
    ScenarioHead {
        name: batch.name.clone(),
        summary: batch.summary.clone(),
        items: batch.indices.len(),
        modulus: batch.modulus.map(|modulus| modulus.to_string()),
        index: batch.indices.first().copied().filter(|n| batch.indices.iter().all(|m| m == n)),
        workers: batch.workers.map(NonZeroUsize::get),
        indices: plan.study.definition().keeps_indices.then(|| batch.indices.clone()),
        best_shares: shares(kernels::stepping()),
        cells_share: kernels::by_name(plan.kernels[0]).is_some_and(shares),
    }
}

fn flags() -> String {
    let extra = env!("FIB_RUSTFLAGS");
    let extra = if extra.is_empty() { "none" } else { extra };
    format!(
        "profile {}, opt-level {}, target {}, RUSTFLAGS {extra}",
        built::PROFILE,
        built::OPT_LEVEL,
        built::TARGET
    )
}

fn crates() -> BTreeMap<String, String> {
    let measured = built::DEPENDENCIES.iter().filter(|(name, _)| MEASURED.contains(name));
    measured.map(|&(name, version)| (name.into(), version.into())).collect()
}

fn machine() -> Machine {
    let cpus = System::new().map(|mut system| {
        system.refresh_cpu_specifics(CpuRefreshKind::nothing());
        let brand = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
        (brand.filter(|brand| !brand.is_empty()), system.cpus().len())
    });
    let (cpu, logical_cpus) = cpus.unwrap_or_default();
    let unknown = || "unknown".to_owned();
    Machine {
        cpu: cpu.unwrap_or_else(unknown),
        logical_cpus,
        os: System::long_os_version().unwrap_or_else(|_| unknown()),
        kernel: System::kernel_version().unwrap_or_else(|_| unknown()),
        arch: std::env::consts::ARCH.into(),
        load_1min: System::load_average().ok().map(|load| load.one),
    }
}
