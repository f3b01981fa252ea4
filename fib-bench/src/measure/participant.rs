//! A participant of the rounds, with its own runner process: a cell, the baseline, or anything else
//! that takes a turn.

use crate::engine::{Fault, RunnerProcess, distinct_bytes, doubt};
use crate::plan::{CellSpec, Plan};
use crate::scenario::NamedBatch;
use fib::kernels;
use fib_engine::Digest;
use fib_engine::protocol::{
    BuildRequest, Built, LoadRequest, Loaded, Measured, Request, RunRequest,
};
use fib_report::{PIECES, Role, Status};
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// A trial run may take at least this long, its digest included.
const SHORTEST_TRIAL: Duration = Duration::from_millis(500);

/// A batch, and the digest that its results must have.
pub(crate) struct PreparedBatch<'a> {
    batch: &'a NamedBatch,
    expected: String,
    /// The size of the distinct results.
    bytes: u64,
}

impl<'a> PreparedBatch<'a> {
    pub(crate) fn new(batch: &'a NamedBatch) -> Self {
        let (expected, bytes) = match batch.modulus {
            None => (Digest::expected(&batch.indices), distinct_bytes(&batch.indices)),
            Some(modulus) => (Digest::expected_residues(&batch.indices, modulus), 0),
        };
        PreparedBatch { batch, expected: expected.to_string(), bytes }
    }

    /// The request that loads the batch.
    fn load(&self, kernel: &str) -> Request {
        Request::Load(LoadRequest {
            kernel: kernel.into(),
            indices: self.batch.indices.clone(),
            modulus: self.batch.modulus.map(|modulus| modulus.decimal()),
        })
    }

    /// The digest that this kernel must have, and the bytes that it must have written.
    fn expected(&self, kernel: &str) -> (&str, u64) {
        match kernel == kernels::empty().name() {
            true => ("0", 0),
            false => (&self.expected, self.bytes),
        }
    }
}

pub(crate) struct Participant {
    pub(crate) role: Role,
    pub(crate) spec: CellSpec,
    command: Vec<OsString>,
    build: Request,
    /// The most time for one reply.
    limit: Duration,
    runner: Option<RunnerProcess>,
    /// Why the participant failed, if it did. It then takes no more turns with this batch.
    fault: Option<Fault>,
}

impl Participant {
    pub(crate) fn new(plan: &Plan, role: Role, spec: CellSpec) -> Self {
        let command = match spec.engine {
            Some(engine) => plan.engines[engine].command.clone(),
            None => plan.runner.clone(),
        };
        let build = BuildRequest {
            backend: spec.backend.clone(),
            workers: spec.workers.get(),
            chunking: if role == Role::Pieces { PIECES } else { spec.chunking }.to_string(),
            pin: plan.pin,
        };
        let (build, limit) = (Request::Build(build), plan.cell_limit);
        Participant { role, spec, command, build, limit, runner: None, fault: None }
    }

    /// Starts a new runner and has it build the backend, which is the pool start. `None` if that failed.
    pub(crate) fn start(&mut self) -> Option<Built> {
        self.runner = None;
        let built = self.revive().and_then(|_| self.build());
        self.fault = built.as_ref().err().cloned();
        built.ok()
    }

    /// Whether the participant has not failed with this batch.
    pub(crate) fn is_well(&self) -> bool {
        self.fault.is_none()
    }

    /// Loads another batch. A participant that failed with the previous batch gets another chance.
    pub(crate) fn load(&mut self, batch: &PreparedBatch<'_>) {
        let loaded = self.revive().and_then(|is_new| {
            if is_new {
                self.build()?;
            }
            self.ask::<Loaded>(&batch.load(&self.spec.kernel)).map(drop)
        });
        self.fault = loaded.err();
    }

    /// Starts a runner if there is none, and returns whether it did.
    fn revive(&mut self) -> Result<bool, Fault> {
        let alive = self.runner.is_some();
        if !alive {
            self.runner = Some(RunnerProcess::start(&self.command)?.0);
        }
        Ok(!alive)
    }

    /// Has the runner build the backend.
    fn build(&mut self) -> Result<Built, Fault> {
        let build = self.build.clone();
        let asked = Instant::now();
        let built: Built = self.ask(&build)?;
        if u128::from(built.wall_ns) <= asked.elapsed().as_nanos() {
            return Ok(built);
        }
        self.runner = None;
        let message = "it reports a longer time for the build than its reply took";
        Err(Fault::new(Status::Crash, message))
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<T, Fault> {
        let gone = || Fault::new(Status::Crash, "the runner has ended");
        let runner = self.runner.as_mut().ok_or_else(gone)?;
        let reply = runner.ask(request, self.limit);
        // Our own runners sleep. What another engine does between its turns is not known.
        if self.spec.engine.is_some() {
            runner.freeze();
        }
        if reply.as_ref().is_err() {
            self.runner = None; // the next load starts another one
        }
        reply
    }

    /// Runs the batch once and returns the time. After `limit` the runner is ended, and the fault is a
    /// [`Status::Hang`], which this participant may do better next time.
    pub(crate) fn try_once(
        &mut self,
        limit: Duration,
        batch: &PreparedBatch<'_>,
    ) -> Result<Duration, Fault> {
        let usual = std::mem::replace(&mut self.limit, limit.max(SHORTEST_TRIAL));
        let run = RunRequest { repeats: 1, cold: false, timeline: false };
        let outcome = self.run(run, batch);
        self.limit = usual;
        outcome.map(|measured| Duration::from_nanos(measured.wall_ns))
    }

    /// Runs the batch, waits for a moment, and returns this moment and the CPU time that the runner used
    /// in it.
    pub(crate) fn idle_cpu(&mut self, batch: &PreparedBatch<'_>) -> Option<(Duration, Duration)> {
        let run = RunRequest { repeats: 1, cold: false, timeline: false };
        self.run(run, batch).ok()?;
        self.runner.as_mut()?.idle_cpu()
    }

    /// Takes one sample and verifies it.
    pub(crate) fn run(
        &mut self,
        run: RunRequest,
        batch: &PreparedBatch<'_>,
    ) -> Result<Measured, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let asked = Instant::now();
        let reply = self.ask::<Measured>(&Request::Run(run));
        let observed = asked.elapsed();
        let (expected, bytes) = batch.expected(&self.spec.kernel);
        let reply = reply.and_then(|measured| match measured.digest == expected {
            false => Err(Fault::new(Status::Wrong, "the result is wrong")),
            true => match doubt(&measured, run, observed, bytes) {
                Some(doubt) => Err(Fault::new(Status::Crash, doubt)),
                None => Ok(measured),
            },
        });
        self.fault = reply.as_ref().err().cloned();
        reply
    }
}
