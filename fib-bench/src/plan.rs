//! The plan of a measurement: what to measure, and how.

use crate::engine::Engine;
use crate::scenario::NamedBatch;
use fib::kernels::{KERNELS, KernelEntry};
use fib::{Chunking, Descriptor, SEQUENTIAL, Settings};
use fib_report::{BackendHead, BaselineCell, Study};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::time::Duration;

/// A measurement: every backend at every worker count and every chunking, on every batch, with one
/// kernel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the measurement is for.
    pub study: Study,
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
    pub kernel: KernelEntry,
    /// How to cut batches. With several chunkings, the baseline has the default chunking.
    pub chunkings: Vec<Chunking>,
    /// Whether to bind each worker of a pool to one CPU.
    pub pin: bool,
    /// Whether to record timelines too.
    pub explain: bool,
    /// Random seed for the order of rounds.
    pub seed: u64,
    /// Total time budget, preparation included.
    pub budget: Duration,
    /// Target half-width of every interval, relative to its median. A batch stops when all its
    /// intervals reach it.
    pub width: Option<f64>,
    /// The most time that a runner may take for one reply.
    pub cell_limit: Duration,
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
            kernel: KERNELS[0],
            chunkings: vec![Chunking::default()],
            pin: false,
            explain: false,
            seed: 1,
            budget: Duration::from_secs(27),
            width: None,
            cell_limit: Duration::from_secs(20),
            command: command_line(),
        }
    }

    /// Our own backends as the record lists them: once for each chunking. The second `rayon` has
    /// the label `rayon#2`; with several chunkings a label ends with the chunking, as
    /// `rayon@items:64`.
    pub fn heads(&self) -> Vec<BackendHead> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut heads = vec![];
        for backend in &self.backends {
            let count = seen.entry(backend.name).or_default();
            *count += 1;
            let number = if *count > 1 { format!("#{count}") } else { String::new() };
            heads.extend(self.chunkings.iter().map(|&chunking| {
                let suffix =
                    if self.chunkings.len() > 1 { format!("@{chunking}") } else { String::new() };
                let label = format!("{}{number}{suffix}", backend.name);
                let (name, scheduling) = (backend.name.into(), backend.scheduling);
                BackendHead { label, name, scheduling, chunking }
            }));
        }
        heads
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

    /// Whether timelines of this cell are recorded.
    pub(crate) fn traces(&self, cell: &CellSpec) -> bool {
        let can = |engine: usize| self.engines[engine].capabilities.timeline;
        self.explain && cell.engine.is_none_or(can)
    }

    pub(crate) fn sequential(&self) -> CellSpec {
        CellSpec {
            label: SEQUENTIAL.name.into(),
            engine: None,
            backend: SEQUENTIAL.name.into(),
            workers: NonZeroUsize::MIN,
            chunking: self.baseline_chunking(),
        }
    }

    fn baseline_chunking(&self) -> Chunking {
        match self.chunkings[..] {
            [only] => only,
            _ => Chunking::default(),
        }
    }

    fn all_cells(&self) -> Vec<CellSpec> {
        let heads = self.heads();
        let our_cells = |&workers: &NonZeroUsize| {
            heads.iter().map(move |head| CellSpec {
                label: head.label.clone(),
                engine: None,
                backend: head.name.clone(),
                workers,
                chunking: head.chunking,
            })
        };
        let engines = self.engines.iter().enumerate();
        let engine_cells = engines.flat_map(|(i, engine)| self.cells_of_engine(i, engine));
        self.workers.iter().flat_map(our_cells).chain(engine_cells).collect()
    }

    /// The backends of engine number `i`, each at every worker count that the backend can have.
    fn cells_of_engine(&self, i: usize, engine: &Engine) -> Vec<CellSpec> {
        let cells = engine.capabilities.backends.iter().flat_map(|backend| {
            let most_workers = backend.max_workers.unwrap_or(usize::MAX);
            let mut counts: Vec<_> =
                self.workers.iter().map(|p| p.get().min(most_workers)).collect();
            counts.dedup();
            let counts = counts.into_iter().filter_map(NonZeroUsize::new);
            counts.map(move |workers| CellSpec {
                label: engine.label(&backend.name),
                engine: Some(i),
                backend: backend.name.clone(),
                workers,
                chunking: self.baseline_chunking(),
            })
        });
        cells.collect()
    }
}

/// A backend of an engine at one worker count and one chunking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellSpec {
    /// The label in records.
    pub(crate) label: String,
    /// The number of the engine, if it is not our own.
    pub(crate) engine: Option<usize>,
    /// The name of the backend in its engine.
    pub(crate) backend: String,
    pub(crate) workers: NonZeroUsize,
    pub(crate) chunking: Chunking,
}

impl CellSpec {
    pub(crate) fn matches(&self, baseline: &BaselineCell) -> bool {
        self.label == baseline.label && self.workers.get() == baseline.workers
    }
}

/// The command line as a user would repeat it, without the folder of the program.
fn command_line() -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    ["fib".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}
