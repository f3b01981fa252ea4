//! Workers that fail on request, for tests; compiled in by the feature `fault-injection` alone.
//!
//! The environment variable `FIB_FAULTS` of a worker holds faults between blanks, each
//! `KIND@INDEX` or `KIND@INDEXxATTEMPTS`: it strikes when that index is computed, every time or in
//! the first attempts only. While computing: `panic`, `abort`, `exit:CODE`, `segv`, `hang`
//! (asleep), `spin` (busy). While answering the request that holds the index: `garbage`,
//! `truncate`, `flip`, `flip-limb`, `oversize`, `duplicate`, `wrong-id`, `slow`.

use crate::frame::{self, FrameError, HEAD};
use fib_core::{Kernel, Order, Run, Task};
use rustix::process::{Signal, getpid, kill_process};
use std::cell::Cell;
use std::io::PipeWriter;
use std::panic::resume_unwind;
use std::process::{abort, exit};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// What a worker does wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    kind: String,
    index: u64,
    attempts: u32,
}

/// The faults of this worker.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    all: Arc<[Fault]>,
    /// What is to go wrong with the next answer.
    next: Cell<Option<usize>>,
}

impl Faults {
    pub(crate) fn from_environment() -> Self {
        let text = std::env::var("FIB_FAULTS").unwrap_or_default();
        Faults { all: text.split_whitespace().filter_map(parse).collect(), next: Cell::new(None) }
    }

    /// `kernel`, with the faults that strike while computing.
    pub(crate) fn in_kernel(&self, kernel: Arc<dyn Kernel>, attempt: u32) -> Arc<dyn Kernel> {
        match self.all.is_empty() {
            true => kernel,
            false => Arc::new(Faulty { kernel, faults: Arc::clone(&self.all), attempt }),
        }
    }

    /// Notes what is to go wrong with the answer to this request.
    pub(crate) fn in_answer(&self, indices: &[u64], attempt: u32) {
        let strikes = |fault: &Fault| indices.contains(&fault.index) && attempt <= fault.attempts;
        self.next.set(self.all.iter().position(strikes));
    }

    /// The frame to send instead; `None` if something was sent already.
    pub(crate) fn spoil(
        &self,
        mut frame: Vec<u8>,
        limbs: &[u8],
        answers: &mut PipeWriter,
    ) -> Result<Option<Vec<u8>>, FrameError> {
        let Some(fault) = self.next.take().map(|at| &self.all[at]) else { return Ok(Some(frame)) };
        let mut send = |frame: &[u8], limbs: &[u8]| crate::wire::send_all(answers, frame, limbs);
        match fault.kind.as_str() {
            "garbage" => frame.fill(0x5a),
            "truncate" => {
                send(&frame[..frame.len() - 1], &[])?;
                exit(0);
            }
            "flip" => {
                let last = frame.len() - 1;
                frame[last] ^= 0x10;
            }
            "flip-limb" => {
                let mut limbs = limbs.to_vec();
                limbs.last_mut().into_iter().for_each(|byte| *byte ^= 1);
                send(&frame, &limbs)?;
                return Ok(None);
            }
            "oversize" => frame[16..20].copy_from_slice(&u32::MAX.to_le_bytes()),
            "duplicate" => send(&frame, limbs)?,
            "wrong-id" => {
                let id = u64::from_le_bytes([frame[8], frame[9], 0, 0, 0, 0, 0, 0]) + 1;
                frame[8..16].copy_from_slice(&id.to_le_bytes());
            }
            "slow" => {
                for byte in frame.iter().chain(limbs) {
                    send(&[*byte], &[])?;
                    sleep(Duration::from_micros(50));
                }
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some(frame))
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (kind, place) = text.split_once('@')?;
    let (index, attempts) = match place.split_once('x') {
        Some((index, attempts)) => (index, attempts.parse().ok()?),
        None => (place, u32::MAX),
    };
    Some(Fault { kind: kind.into(), index: index.parse().ok()?, attempts })
}

/// A kernel that fails at some indices.
struct Faulty {
    kernel: Arc<dyn Kernel>,
    faults: Arc<[Fault]>,
    attempt: u32,
}

impl Kernel for Faulty {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }
    fn order(&self) -> Order {
        self.kernel.order()
    }
    fn limbs(&self, n: u64) -> usize {
        self.kernel.limbs(n)
    }
    fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
        self.kernel.cost(n, previous)
    }
    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            let strikes = |f: &&Fault| f.index == slot.n && self.attempt <= f.attempts;
            self.faults.iter().filter(strikes).for_each(|fault| strike(&fault.kind));
            let _ = Task::new(Arc::clone(&self.kernel), vec![slot.n]).run_into(slot.out, 0);
        }
    }
}

fn strike(kind: &str) {
    match kind {
        "panic" => resume_unwind(Box::new("an injected panic")),
        "abort" => abort(),
        // Twice: the first only takes the standard library's handler for stack overflows away.
        "segv" => {
            for _ in 0..2 {
                let _ = kill_process(getpid(), Signal::SEGV);
            }
        }
        "hang" => sleep(Duration::MAX),
        "spin" => loop {
            std::hint::spin_loop();
        },
        _ => {
            if let Some(code) = kind.strip_prefix("exit:").and_then(|code| code.parse().ok()) {
                exit(code);
            }
        }
    }
}

// Frames spoiled here are spoiled by their layout.
const _: () = assert!(HEAD == 32 && frame::VERSION == 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_understood() {
        let fault =
            |kind: &str, index, attempts| Some(Fault { kind: kind.into(), index, attempts });
        assert_eq!(parse("abort@77"), fault("abort", 77, u32::MAX));
        assert_eq!(parse("exit:3@10x2"), fault("exit:3", 10, 2));
        assert_eq!(parse("abort"), None);
    }
}
