//! The plan of a measurement: what to measure, and how.

use crate::engine::{Engine, one_line};
use crate::scenario::NamedBatch;
use fib::kernels::{self, KERNELS};
use fib::{Chunking, Descriptor, Forking, SEQUENTIAL, Settings};
use fib_engine::COPIES;
use fib_engine::protocol::{Capabilities, OfferedBackend};
use fib_report::{BackendHead, BaselineCell, LeftOut, MARGIN, Study, visible};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

/// A measurement: every backend at every worker count, with every kernel and every chunking, on every
/// batch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the measurement is for.
    pub study: Study,
    /// The batches: all of them of numbers, or all of residues.
    pub batches: Vec<NamedBatch>,
    /// The command that starts a runner of our own engine.
    pub runner: Vec<OsString>,
    /// Our own backends. A backend that is listed again is measured again, under its own label.
    pub backends: Vec<Descriptor>,
    /// Other engines.
    pub engines: Vec<Engine>,
    /// The cell that all cells are compared with.
    pub baseline: BaselineCell,
    /// The worker counts, ascending.
    pub workers: Vec<NonZeroUsize>,
    /// The names of the kernels. The baseline has the first.
    pub kernels: Vec<&'static str>,
    /// How to cut batches. With several chunkings, the baseline has the default chunking.
    pub chunkings: Vec<Chunking>,
    /// Whether to bind each worker of a pool to one CPU.
    pub pin: bool,
    /// Whether to record timelines too.
    pub explain: bool,
    /// Random seed for the orders of the rounds.
    pub seed: u64,
    /// The number of runs; `None` for as many as the time allows. Each run has new runners, because two
    /// runners of one program may differ for as long as they live.
    pub runs: Option<u32>,
    /// Total time budget of all runs, preparation included.
    pub budget: Duration,
    /// In a race: the time that a run may take.
    pub limit: Option<Duration>,
    /// Target half-width of every interval, relative to its median. A batch stops when all its
    /// intervals reach it.
    pub width: Option<f64>,
    /// A speedup within this share of 1 is equal to 1.
    pub margin: f64,
    /// The most time that a runner may take for one reply.
    pub cell_limit: Duration,
    /// What the user calls the measurement.
    pub label: Option<String>,
    /// The command line, as a user would repeat it.
    pub command: String,
}

impl Plan {
    /// A plan for `study` of these batches with the default settings: no backends, all CPUs, the
    /// kernel `iterative`, the default chunking, a budget of 27 s. `runner` starts a runner of our
    /// own engine.
    pub fn new(study: Study, batches: Vec<NamedBatch>, runner: Vec<OsString>) -> Self {
        Plan {
            study,
            batches,
            runner,
            backends: vec![],
            engines: vec![],
            baseline: BaselineCell::default(),
            workers: vec![Settings::default().workers],
            kernels: vec![KERNELS[0].name],
            chunkings: vec![Chunking::default()],
            pin: false,
            explain: false,
            seed: 1,
            runs: None,
            budget: Duration::from_secs(27),
            limit: None,
            width: None,
            margin: MARGIN,
            cell_limit: Duration::from_secs(20),
            label: None,
            command: command_line(),
        }
    }

    /// Our own backends as the record lists them: once for each kernel and chunking. The second `rayon`
    /// has the label `rayon#2`; with several kernels or chunkings a label ends with them, as
    /// `rayon@lanes` or `rayon@items:64`.
    pub fn heads(&self) -> Vec<BackendHead> {
        let heads = self.kernels.iter().flat_map(|kernel| self.heads_with(kernel));
        heads.map(|(head, _)| head).collect()
    }

    /// Our own backends with one kernel, each with the name of the kernel.
    fn heads_with<'k>(&self, kernel: &'k str) -> Vec<(BackendHead, &'k str)> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut heads = vec![];
        for backend in &self.backends {
            let count = seen.entry(backend.name).or_default();
            *count += 1;
            let number = if *count > 1 { format!("#{count}") } else { String::new() };
            let kernel_suffix = suffix(&self.kernels, kernel);
            heads.extend(self.chunkings.iter().map(|&chunking| {
                let chunking_suffix = suffix(&self.chunkings, chunking);
                let label = format!("{}{number}{kernel_suffix}{chunking_suffix}", backend.name);
                let (name, scheduling) = (backend.name.into(), backend.scheduling);
                let forks_in_turn = backend.forking == Forking::Sequential
                    && kernels::by_name(kernel).is_some_and(|kernel| kernel.forks());
                (BackendHead { label, name, scheduling, chunking, forks_in_turn }, kernel)
            }));
        }
        heads
    }

    /// The kernels of the labels whose kernel is not that of the baseline.
    pub fn other_kernels(&self) -> BTreeMap<String, String> {
        let specs = self.all_cells().into_iter().chain(self.copies_specs());
        let others = specs.filter(|spec| spec.kernel != self.kernels[0]);
        others.map(|spec| (spec.label, spec.kernel)).collect()
    }

    /// Copies of the sequential backend, with each kernel and for each worker count, but at most one copy
    /// for each CPU.
    pub(crate) fn copies_specs(&self) -> Vec<CellSpec> {
        if !self.study.definition().has_ceiling {
            return vec![];
        }
        let cpus = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let mut counts: Vec<_> = self.workers.iter().map(|&workers| workers.min(cpus)).collect();
        counts.dedup();
        let with_kernel = |&kernel: &&'static str| {
            let spec = self.named(COPIES, kernel);
            counts.iter().map(move |&workers| CellSpec { workers, ..spec.clone() })
        };
        self.kernels.iter().flat_map(with_kernel).collect()
    }

    /// What our engine can build besides its backends, with one worker.
    pub(crate) fn named(&self, name: &str, kernel: &str) -> CellSpec {
        let label = match kernel == self.kernels[0] {
            true => name.to_owned(),
            false => format!("{name}@{kernel}"),
        };
        CellSpec {
            label,
            engine: None,
            backend: name.into(),
            kernel: kernel.into(),
            workers: NonZeroUsize::MIN,
            chunking: self.baseline_chunking(),
        }
    }

    /// The number of cells that a reader compares at once.
    pub fn comparisons(&self) -> usize {
        if self.study.definition().compares_cells { self.cells().len() } else { 1 }
    }

    /// The cell that all cells are compared with; `None` if the plan does not have it.
    pub(crate) fn baseline_spec(&self) -> Option<CellSpec> {
        self.all_cells()
            .into_iter()
            .chain([self.sequential()])
            .find(|cell| cell.matches(&self.baseline))
    }

    /// Whether the plan has the cell that all cells are compared with.
    pub fn has_baseline(&self) -> bool {
        self.baseline_spec().is_some()
    }

    /// All cells but the baseline.
    pub(crate) fn cells(&self) -> Vec<CellSpec> {
        let mut cells = self.all_cells();
        if self.baseline != BaselineCell::default() {
            cells.insert(0, self.sequential()); // the ceiling needs its times
        }
        cells.retain(|cell| !cell.matches(&self.baseline));
        cells
    }

    /// Whether the engine of this cell has timelines.
    pub(crate) fn can_trace(&self, cell: &CellSpec) -> bool {
        let can = |engine: usize| self.engines[engine].capabilities.timeline;
        cell.engine.is_none_or(can)
    }

    pub(crate) fn sequential(&self) -> CellSpec {
        self.named(SEQUENTIAL.name, self.kernels[0])
    }

    fn baseline_chunking(&self) -> Chunking {
        match self.chunkings[..] {
            [only] => only,
            _ => Chunking::default(),
        }
    }

    fn all_cells(&self) -> Vec<CellSpec> {
        let other_kernels = self.kernels[1..].iter();
        let sequential = other_kernels.map(|kernel| self.named(SEQUENTIAL.name, kernel));
        let heads: Vec<_> =
            self.kernels.iter().flat_map(|kernel| self.heads_with(kernel)).collect();
        let our_cells = |&workers: &NonZeroUsize| {
            heads.iter().map(move |(head, kernel)| CellSpec {
                label: head.label.clone(),
                engine: None,
                backend: head.name.clone(),
                kernel: (*kernel).into(),
                workers,
                chunking: head.chunking,
            })
        };
        let engines = self.engines.iter().enumerate();
        let engine_cells = engines.flat_map(|(i, engine)| self.cells_of_engine(i, engine));
        sequential.chain(self.workers.iter().flat_map(our_cells)).chain(engine_cells).collect()
    }

    /// The backends of engine number `i`, each with every kernel of the plan that the backend has, at every
    /// worker count that the backend can have.
    fn cells_of_engine(&self, i: usize, engine: &Engine) -> Vec<CellSpec> {
        let backends = engine.capabilities.backends.iter();
        let cells = backends.flat_map(|backend| {
            let kernels = self.kernels_of(engine, backend);
            let most_workers = backend.max_workers.unwrap_or(usize::MAX);
            let mut counts: Vec<_> =
                self.workers.iter().map(|p| p.get().min(most_workers)).collect();
            counts.dedup();
            let counts: Vec<_> = counts.into_iter().filter_map(NonZeroUsize::new).collect();
            let cells_with = |kernel: &&str| {
                let label = engine.label(&backend.name) + &suffix(&kernels, kernel);
                let spec = CellSpec {
                    engine: Some(i),
                    label,
                    backend: backend.name.clone(),
                    ..self.named("", kernel)
                };
                counts.iter().map(move |&workers| CellSpec { workers, ..spec.clone() })
            };
            kernels.iter().flat_map(cells_with).collect::<Vec<_>>()
        });
        cells.collect()
    }

    /// The labels of the backends of an engine, in the order of the report.
    pub(crate) fn labels_of_engine(&self, i: usize, engine: &Engine) -> Vec<String> {
        let mut labels: Vec<_> =
            self.cells_of_engine(i, engine).into_iter().map(|cell| cell.label).collect();
        labels.dedup();
        labels
    }

    /// The label of the baseline of an engine, with the first kernel that it is measured with.
    pub(crate) fn baseline_of_engine(&self, i: usize, engine: &Engine) -> String {
        let baseline = &engine.capabilities.baseline;
        let cells = self.cells_of_engine(i, engine);
        let first = cells.into_iter().find(|cell| cell.backend == *baseline);
        first.map_or_else(|| engine.label(baseline), |cell| cell.label)
    }

    /// The backends of an engine that take no part: this machine lacks something for them, or they have
    /// none of the kernels.
    pub(crate) fn left_out(&self, engine: &Engine) -> Vec<LeftOut> {
        let left_out = |name: &str, reason: &str| LeftOut {
            label: engine.label(name),
            reason: one_line(reason),
        };
        let Capabilities { backends, left_out: missing, .. } = &engine.capabilities;
        let missing = missing.iter().map(|backend| left_out(&backend.name, &backend.reason));
        let without_kernel = backends.iter().filter(|own| self.kernels_of(engine, own).is_empty());
        let reason = format!("it has no kernel {}", self.kernels.join(" and no kernel "));
        missing.chain(without_kernel.map(|own| left_out(&own.name, &reason))).collect()
    }

    /// The kernels of the plan that a backend of an engine has.
    fn kernels_of(&self, engine: &Engine, backend: &OfferedBackend) -> Vec<&'static str> {
        let offered = &engine.capabilities.kernels;
        let has = |kernel: &&'static str| {
            offered.iter().any(|own| own == *kernel) && backend.has_kernel(kernel)
        };
        self.kernels.iter().copied().filter(has).collect()
    }
}

/// The end of a label: the value, if there are several to choose from.
fn suffix<T>(all: &[T], value: impl Display) -> String {
    if all.len() > 1 { format!("@{value}") } else { String::new() }
}

/// A backend of an engine with one kernel, at one worker count and one chunking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellSpec {
    /// The label in records.
    pub(crate) label: String,
    /// The number of the engine, if it is not our own.
    pub(crate) engine: Option<usize>,
    /// The name of the backend in its engine.
    pub(crate) backend: String,
    /// The name of the kernel.
    pub(crate) kernel: String,
    pub(crate) workers: NonZeroUsize,
    pub(crate) chunking: Chunking,
}

impl CellSpec {
    pub(crate) fn matches(&self, baseline: &BaselineCell) -> bool {
        self.label == baseline.label && self.workers.get() == baseline.workers
    }
}

/// The command line as a user would repeat it, without the folder of the program. Control characters are
/// made visible.
fn command_line() -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let words = ["fib".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>();
    visible(&words.join(" ")).into_owned()
}
