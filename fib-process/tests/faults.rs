//! Tests with workers that crash, hang and lie: the pool keeps every promise that it makes about
//! lost workers.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // a panic in a test helper fails the test

mod common;

use common::{TRANSPORTS, builder, failed_indices, keep_warnings, warnings_about};
use fib_process::{Error, ProcessPool};
use std::time::{Duration, Instant};

/// Runs before `main`, because tests have no `main` of their own.
// SAFETY: in a worker this function serves the pool and exits; in any other process it sets a flag.
// On the systems that these tests run on, the arguments, threads and sockets of the standard
// library work before `main`.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init();
}

fn faulty(shared: bool, faults: &str) -> ProcessPool {
    let builder = builder(shared).env("FIB_FAULTS", faults);
    let builder = builder.stall_limit(Duration::from_millis(150));
    builder.reply_limit(Some(Duration::from_millis(400))).build().unwrap()
}

fn deaths(pool: &ProcessPool) -> u64 {
    pool.statistics().iter().map(|worker| worker.deaths).sum()
}

/// Each way to lose a worker once, by accident, and a part of the warning about it.
const ACCIDENTS: [(&str, &str); 12] = [
    ("abort", "was killed by SIGABRT"),
    ("exit:0", "exited with code 0"),
    ("exit:3", "exited with code 3"),
    ("segv", "was killed by SIGSEGV"),
    ("hang", "was killed by the pool (no CPU time used for 150ms)"),
    ("spin", "was killed by the pool (no reply within 400ms)"),
    ("garbage", "received garbage instead of a frame"),
    ("truncate", "connection closed in the middle of a frame"),
    ("flip", "received a frame with a wrong checksum"),
    ("oversize", "received a frame of the wrong size: 4294967295 control bytes"),
    ("wrong-id", "received a reply to request"),
    ("flip-limb", "received a frame with a wrong checksum"),
];

#[test]
fn an_accident_costs_a_worker_and_nothing_else() {
    keep_warnings();
    for shared in TRANSPORTS {
        for (kind, text) in ACCIDENTS {
            if shared && kind == "flip-limb" {
                continue; // limbs in shared memory are not part of a frame
            }
            let pool = faulty(shared, &format!("{kind}@77x1"));
            let pids: Vec<u32> = pool.statistics().iter().map(|worker| worker.pid).collect();
            assert_eq!(failed_indices(&pool).unwrap(), [], "{kind}");
            assert_eq!(deaths(&pool), 1, "{kind}");
            let warnings: Vec<String> = pids.into_iter().flat_map(warnings_about).collect();
            let [warning] = &warnings[..] else { panic!("{kind}: {warnings:?}") };
            assert!(warning.contains(text), "{kind}: {warning}");
            let work = "while computing chunk 7 (F(70) to F(79), 10 indices), attempt 1 of 3";
            assert!(warning.ends_with(work), "{kind}: {warning}");
            assert_eq!(
                failed_indices(&pool).unwrap(),
                [],
                "{kind}: the pool does not work any more"
            );
        }
    }
}

/// The pool notices the surplus reply when it reads the next reply. If there is no other reply in
/// the batch, it notices the surplus reply when the next batch begins.
#[test]
fn a_surplus_reply_costs_its_worker() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "duplicate@77");
        for _ in 0..3 {
            assert_eq!(failed_indices(&pool).unwrap(), []);
        }
        assert!((2..=3).contains(&deaths(&pool)), "{} deaths", deaths(&pool));
    }
}

#[test]
fn an_index_that_always_kills_its_worker_is_the_only_failure() {
    for shared in TRANSPORTS {
        for kind in ["abort", "exit:0", "segv", "hang", "garbage", "truncate", "flip", "wrong-id"] {
            let pool = faulty(shared, &format!("{kind}@77"));
            let failures = failed_indices(&pool).unwrap();
            let [(77, message)] = &failures[..] else { panic!("{kind}: {failures:?}") };
            let start = "3 workers were lost while computing it; the last ";
            assert!(message.starts_with(start), "{message}");
            assert_eq!(deaths(&pool), 6, "not three on the chunk and three on the index");
        }
    }
}

#[test]
fn several_indices_that_kill_are_found() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "abort@0 exit:0@77 abort@78 abort@299");
        let indices: Vec<u64> =
            failed_indices(&pool).unwrap().into_iter().map(|(n, _)| n).collect();
        assert_eq!(indices, [0, 77, 78, 299]);
    }
}

#[test]
fn a_panic_costs_its_index_and_no_worker() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "panic@77");
        assert_eq!(failed_indices(&pool).unwrap(), [(77, "an injected panic".into())]);
        assert_eq!(deaths(&pool), 0);
    }
}

#[test]
fn a_slow_reply_is_accepted() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "slow@77");
        assert_eq!(failed_indices(&pool).unwrap(), []);
        assert_eq!(deaths(&pool), 0);
    }
}

/// When every request kills its worker, the pool gives up the batch after several pauses. The pool
/// can still run the next batch.
#[test]
fn a_batch_that_only_loses_workers_is_given_up() {
    let everything: Vec<String> = (0..300).map(|n| format!("abort@{n}")).collect();
    for shared in TRANSPORTS {
        let pool = builder(shared).env("FIB_FAULTS", everything.join(" ")).respawn_limit(12);
        let pool = pool.build().unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            let Err(Error::Backend { reason, .. }) = failed_indices(&pool) else {
                panic!("not given up")
            };
            assert!(
                reason.starts_with("13 workers were lost in a row (the respawn limit is 12)"),
                "{reason}"
            );
            assert!(start.elapsed() > Duration::from_millis(500), "there were no pauses");
        }
        assert_eq!(deaths(&pool), 26);
    }
}
