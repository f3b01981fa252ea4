//! Workers that fail on request, for tests. This module is part of a build only with the feature
//! `fault-injection`.
//!
//! The environment variable `FIB_FAULTS` of a worker lists faults, separated by blanks. Each fault
//! is `KIND@INDEX` or `KIND@INDEXxATTEMPTS`. It strikes when a worker computes this index: every
//! time, or only in the first ATTEMPTS attempts.
//!
//! These kinds strike while the worker computes the index: `panic`, `abort`, `exit:CODE`, `segv`,
//! `hang` (the worker sleeps), `spin` (the worker is busy).
//!
//! These kinds strike while the worker replies to the request that holds the index: `garbage`,
//! `truncate`, `flip`, `flip-limb`, `oversize`, `duplicate`, `wrong-id`, `slow`.

use crate::frame::{self, FrameError, HEAD};
use fib_core::{Form, Kernel, Order, Run, Task};
use rustix::process::{Signal, getpid, kill_process};
use std::cell::Cell;
use std::io::PipeWriter;
use std::panic::resume_unwind;
use std::process::{abort, exit};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// A fault of a worker: what goes wrong, at which index, and in how many attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InjectedFault {
    kind: String,
    index: u64,
    attempts: u32,
}

/// Injects the faults of this worker.
#[derive(Debug, Default)]
pub(crate) struct FaultInjector {
    faults: Arc<[InjectedFault]>,
    /// The position, in `faults`, of the fault that spoils the next reply.
    reply_fault: Cell<Option<usize>>,
}

impl FaultInjector {
    pub(crate) fn from_environment() -> Self {
        let text = std::env::var("FIB_FAULTS").unwrap_or_default();
        let faults = text.split_whitespace().filter_map(parse_fault).collect();
        FaultInjector { faults, reply_fault: Cell::new(None) }
    }

    /// Adds the faults to `kernel` that strike while the worker computes.
    pub(crate) fn wrap_kernel(&self, kernel: Arc<dyn Kernel>, attempt: u32) -> Arc<dyn Kernel> {
        match self.faults.is_empty() {
            true => kernel,
            false => Arc::new(FaultyKernel { kernel, faults: Arc::clone(&self.faults), attempt }),
        }
    }

    /// Chooses the fault that spoils the reply to this request.
    pub(crate) fn choose_reply_fault(&self, indices: &[u64], attempt: u32) {
        let strikes =
            |fault: &InjectedFault| indices.contains(&fault.index) && attempt <= fault.attempts;
        self.reply_fault.set(self.faults.iter().position(strikes));
    }

    /// Returns the frame that the worker must send instead of `frame`; `None` if everything is sent
    /// already.
    pub(crate) fn spoil_reply(
        &self,
        mut frame: Vec<u8>,
        limbs: &[u8],
        pipe: &mut PipeWriter,
    ) -> Result<Option<Vec<u8>>, FrameError> {
        let Some(position) = self.reply_fault.take() else { return Ok(Some(frame)) };
        let fault = &self.faults[position];
        let mut send = |frame: &[u8], limbs: &[u8]| crate::wire::send_all(pipe, frame, limbs);
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

fn parse_fault(text: &str) -> Option<InjectedFault> {
    let (kind, target) = text.split_once('@')?;
    let (index, attempts) = match target.split_once('x') {
        Some((index, attempts)) => (index, attempts.parse().ok()?),
        None => (target, u32::MAX),
    };
    Some(InjectedFault { kind: kind.into(), index: index.parse().ok()?, attempts })
}

/// A kernel that fails at some indices.
struct FaultyKernel {
    kernel: Arc<dyn Kernel>,
    faults: Arc<[InjectedFault]>,
    attempt: u32,
}

impl Kernel for FaultyKernel {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }
    fn form(&self) -> Form {
        self.kernel.form()
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
            let strikes = |f: &&InjectedFault| f.index == slot.n && self.attempt <= f.attempts;
            self.faults.iter().filter(strikes).for_each(|fault| strike(&fault.kind));
            let _ = Task::new(Arc::clone(&self.kernel), vec![slot.n]).run_into(slot.out, 0);
        }
    }
}

fn strike(kind: &str) {
    match kind {
        "panic" => resume_unwind(Box::new("an injected panic")),
        "abort" => abort(),
        // The first signal only removes the handler of the standard library for stack overflows.
        // The second signal kills the process.
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

// `spoil_reply` relies on the layout of frames. If the layout changes, this line fails to compile.
const _: () = assert!(HEAD == 32 && frame::VERSION == 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_parsed() {
        let fault = |kind: &str, index, attempts| {
            Some(InjectedFault { kind: kind.into(), index, attempts })
        };
        assert_eq!(parse_fault("abort@77"), fault("abort", 77, u32::MAX));
        assert_eq!(parse_fault("exit:3@10x2"), fault("exit:3", 10, 2));
        assert_eq!(parse_fault("abort"), None);
    }
}
