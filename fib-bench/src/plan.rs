//! What is to be compared.

use crate::engine::Engine;
use crate::record::{Reference, Study};
use crate::scenario::Batch;
use fib::{Chunking, kernels};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::time::Duration;

/// One comparison: every backend at every worker count on every batch, with one kernel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is for.
    pub study: Study,
    /// The batches.
    pub batches: Vec<Batch>,
    /// The command that starts a runner of our own.
    pub runner: Vec<OsString>,
    /// Names of our own backends. One that is named again is measured again, under a label of its
    /// own.
    pub backends: Vec<String>,
    /// The other engines.
    pub engines: Vec<Engine>,
    /// What everything is compared with: a label, and its workers.
    pub against: Reference,
    /// The worker counts, ascending.
    pub workers: Vec<NonZeroUsize>,
    /// The arithmetic.
    pub kernel: kernels::Entry,
    /// How batches are cut.
    pub chunking: Chunking,
    /// Whether persistent workers are bound to a CPU each.
    pub pin: bool,
    /// Whether runs are also taken with their timeline.
    pub explain: bool,
    /// Draws the order of the rounds.
    pub seed: u64,
    /// Time for everything, preparation included.
    pub budget: Duration,
    /// How narrow every interval is to become, as a part of its median; a batch whose intervals
    /// are has no more rounds.
    pub width: Option<f64>,
    /// How long one request to a runner may take.
    pub cell_limit: Duration,
    /// The command line, as a user would repeat it.
    pub command: String,
}

/// A backend of an engine at a worker count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entrant {
    /// What it is called in records.
    pub(crate) label: String,
    /// The engine beside our own it belongs to.
    pub(crate) engine: Option<usize>,
    /// Its name there.
    pub(crate) backend: String,
    pub(crate) workers: NonZeroUsize,
}

impl Entrant {
    pub(crate) fn is(&self, reference: &Reference) -> bool {
        self.label == reference.backend && self.workers.get() == reference.workers
    }
}

impl Plan {
    /// Our own backends with their labels: the second `rayon` is `rayon#2`.
    pub fn labels(&self) -> Vec<(String, &str)> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut labels = vec![];
        for name in &self.backends {
            let times = seen.entry(name).or_default();
            *times += 1;
            let label = if *times == 1 { name.clone() } else { format!("{name}#{times}") };
            labels.push((label, name.as_str()));
        }
        labels
    }

    /// How many cells one reader compares at once: those of one scenario; in a search, each is
    /// looked for alone.
    pub fn comparisons(&self) -> usize {
        match self.study {
            Study::BreakEven => 1,
            _ => self.cells().len(),
        }
    }

    /// What everything is compared with; `None` if it is not among what is measured.
    pub(crate) fn reference(&self) -> Option<Entrant> {
        let baseline = self.sequential();
        self.entrants().into_iter().chain([baseline]).find(|entrant| entrant.is(&self.against))
    }

    /// Whether there is such a cell to compare with.
    pub fn has_reference(&self) -> bool {
        self.reference().is_some()
    }

    /// The cells: everything but what it is compared with.
    pub(crate) fn cells(&self) -> Vec<Entrant> {
        let mut cells = self.entrants();
        if self.against != Reference::default() {
            cells.insert(0, self.sequential()); // without it there were no ceiling
        }
        cells.retain(|entrant| !entrant.is(&self.against));
        cells
    }

    /// Whether runs of this entrant are also taken with their timeline.
    pub(crate) fn traces(&self, entrant: &Entrant) -> bool {
        let can = |engine: usize| self.engines[engine].capabilities.timeline;
        self.explain && entrant.engine.is_none_or(can)
    }

    pub(crate) fn sequential(&self) -> Entrant {
        let Reference { backend, .. } = Reference::default();
        let workers = NonZeroUsize::MIN;
        Entrant { label: backend.clone(), engine: None, backend, workers }
    }

    fn entrants(&self) -> Vec<Entrant> {
        let labels = self.labels();
        let own = |&workers: &NonZeroUsize| {
            labels.iter().map(move |(label, name)| Entrant {
                label: label.clone(),
                engine: None,
                backend: (*name).into(),
                workers,
            })
        };
        let others = self.engines.iter().enumerate().flat_map(|(i, engine)| self.others(i, engine));
        self.workers.iter().flat_map(own).chain(others).collect()
    }

    /// The backends of another engine, each at every worker count that it can have.
    fn others(&self, i: usize, engine: &Engine) -> Vec<Entrant> {
        let entrants = engine.capabilities.backends.iter().flat_map(|backend| {
            let most = backend.max_workers.unwrap_or(usize::MAX);
            let mut counts: Vec<_> = self.workers.iter().map(|p| p.get().min(most)).collect();
            counts.dedup();
            let counts = counts.into_iter().filter_map(NonZeroUsize::new);
            counts.map(move |workers| Entrant {
                label: engine.label(&backend.name),
                engine: Some(i),
                backend: backend.name.clone(),
                workers,
            })
        });
        entrants.collect()
    }
}
