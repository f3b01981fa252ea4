//! What takes turns in a round: a backend in a runner of its own, or one of the controls.

use crate::engine::protocol::{Build, Built, Load, Loaded, Measured, Request, Run};
use crate::engine::{Digest, Fault, Runner};
use crate::plan::{Entrant, Plan};
use crate::record::{Role, Status};
use crate::scenario::Batch;
use crate::studies::PIECES;
use fib::kernels;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// A start-up is measured this often, unless that takes longer than `START_UP_TIME`.
const START_UPS: usize = 5;
const START_UP_TIME: Duration = Duration::from_millis(100);

/// A batch as it is sent, and what it must come to.
pub(crate) struct Task {
    load: Request,
    expected: String,
}

impl Task {
    /// With the kernel of the plan.
    pub(crate) fn of_cells(plan: &Plan, batch: &Batch) -> Self {
        let kernel = plan.kernel.name;
        let gives_numbers = kernel != kernels::empty().name();
        let digest = || Digest::expected(&batch.indices);
        Task::new(kernel, batch, if gives_numbers { digest() } else { Digest::default() })
    }

    /// With the best sequential algorithm.
    pub(crate) fn of_best(batch: &Batch) -> Self {
        Task::new(kernels::stepping().name(), batch, Digest::expected(&batch.indices))
    }

    fn new(kernel: &str, batch: &Batch, expected: Digest) -> Self {
        let load = Load { kernel: kernel.into(), indices: batch.indices.clone() };
        Task { load: Request::Load(load), expected: expected.to_string() }
    }
}

pub(crate) struct Contender {
    pub(crate) role: Role,
    pub(crate) entrant: Entrant,
    command: Vec<OsString>,
    build: Request,
    /// How long one request may take.
    limit: Duration,
    runner: Option<Runner>,
    /// Set once it went wrong; it takes no more turns with this batch.
    fault: Option<Fault>,
}

impl Contender {
    pub(crate) fn new(plan: &Plan, role: Role, entrant: Entrant) -> Self {
        let command = match entrant.engine {
            Some(engine) => plan.engines[engine].command.clone(),
            None => plan.runner.clone(),
        };
        let build = Build {
            backend: entrant.backend.clone(),
            workers: entrant.workers.get(),
            chunking: if role == Role::Pieces { PIECES } else { plan.chunking }.to_string(),
            pin: plan.pin,
        };
        let (build, limit) = (Request::Build(build), plan.cell_limit);
        Contender { role, entrant, command, build, limit, runner: None, fault: None }
    }

    /// Starts the runner and builds the backend, a few times for the sake of its start-up; the last
    /// one is kept.
    pub(crate) fn start(&mut self) -> Vec<Built> {
        let begin = Instant::now();
        let mut all = vec![];
        if let Err(fault) = self.revive() {
            self.fault = Some(fault);
            return all;
        }
        while all.len() < START_UPS && (all.is_empty() || begin.elapsed() < START_UP_TIME) {
            let build = self.build.clone();
            match self.ask(&build) {
                Ok(built) => all.push(built),
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        all
    }

    /// Whether it has not gone wrong with its batch.
    pub(crate) fn is_well(&self) -> bool {
        self.fault.is_none()
    }

    /// Ends its runner; the next batch starts another.
    pub(crate) fn stop(&mut self) {
        self.runner = None;
    }

    /// Gives it another batch, and another chance if it went wrong with the one before.
    pub(crate) fn enter(&mut self, task: &Task) {
        let entered = self.revive().and_then(|again| {
            if again {
                let build = self.build.clone();
                self.ask::<Built>(&build)?;
            }
            self.ask::<Loaded>(&task.load).map(drop)
        });
        self.fault = entered.err();
    }

    /// Whether a runner had to be started.
    fn revive(&mut self) -> Result<bool, Fault> {
        let alive = self.runner.is_some();
        if !alive {
            self.runner = Some(Runner::start(&self.command)?.0);
        }
        Ok(!alive)
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<T, Fault> {
        let gone = || Fault::new(Status::Crash, "it is gone");
        let answer = self.runner.as_mut().ok_or_else(gone)?.ask(request, self.limit);
        if answer.as_ref().is_err() {
            self.runner = None; // it may have no backend; the next batch starts another
        }
        answer
    }

    /// One sample, verified. Once it went wrong there are no more with this batch.
    pub(crate) fn run(&mut self, run: Run, task: &Task) -> Result<Measured, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let answer = self.ask::<Measured>(&Request::Run(run));
        let answer = answer.and_then(|measured| match measured.digest == task.expected {
            true if measured.wall_ns > 0 => Ok(measured),
            true => Err(Fault::new(Status::Crash, "it took no time")),
            false => Err(Fault::new(Status::Wrong, "the result is wrong")),
        });
        self.fault = answer.as_ref().err().cloned();
        answer
    }
}
