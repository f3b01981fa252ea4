//! Workers that crash, hang and lie: every row of what the pool promises.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod common;

use common::{TRANSPORTS, builder, failed, keep_warnings, warnings_about};
use fib_process::{Error, ProcessPool};
use std::time::{Duration, Instant};

/// Tests have no `main` of their own: this runs before it.
// SAFETY: in a worker it serves and exits, elsewhere it sets a flag; the standard library's
// arguments, threads and sockets work before `main` on the systems these tests run on.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init();
}

fn faulty(shared: bool, faults: &str) -> ProcessPool {
    let builder = builder(shared).env("FIB_FAULTS", faults);
    let builder = builder.stall_limit(Duration::from_millis(150));
    builder.answer_limit(Some(Duration::from_millis(400))).build().unwrap()
}

fn deaths(pool: &ProcessPool) -> u64 {
    pool.statistics().iter().map(|worker| worker.deaths).sum()
}

/// How a worker can be lost once, by accident, and what is said about it.
const ACCIDENTS: [(&str, &str); 12] = [
    ("abort", "ended by signal 6 (ABRT)"),
    ("exit:0", "ended with exit code 0"),
    ("exit:3", "ended with exit code 3"),
    ("segv", "ended by signal 11 (SEGV)"),
    ("hang", "it stalled"),
    ("spin", "it did not answer in time"),
    ("garbage", "it sent garbage"),
    ("truncate", "it hung up in the middle of a frame"),
    ("flip", "the checksum of its frame is wrong"),
    ("oversize", "it announced 4294967295 bytes"),
    ("wrong-id", "it answered request"),
    ("flip-limb", "the checksum of its frame is wrong"),
];

#[test]
fn an_accident_costs_a_worker_and_nothing_else() {
    keep_warnings();
    for shared in TRANSPORTS {
        for (kind, said) in ACCIDENTS {
            if shared && kind == "flip-limb" {
                continue; // there its limbs do not travel
            }
            let pool = faulty(shared, &format!("{kind}@77x1"));
            let pids: Vec<u32> = pool.statistics().iter().map(|worker| worker.pid).collect();
            assert_eq!(failed(&pool).unwrap(), [], "{kind}");
            assert_eq!(deaths(&pool), 1, "{kind}");
            let warnings: Vec<String> = pids.into_iter().flat_map(warnings_about).collect();
            let [warning] = &warnings[..] else { panic!("{kind}: {warnings:?}") };
            assert!(warning.contains(said), "{kind}: {warning}");
            let place = "on chunk 7 (F(70) to F(79), 10 indices), attempt 1 of 3";
            assert!(warning.ends_with(place), "{kind}: {warning}");
            assert_eq!(failed(&pool).unwrap(), [], "{kind}: the pool works again");
        }
    }
}

/// It is noticed at the next answer, or, after the last of a batch, when the next begins.
#[test]
fn an_answer_too_many_costs_its_worker() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "duplicate@77");
        for _ in 0..3 {
            assert_eq!(failed(&pool).unwrap(), []);
        }
        assert!((2..=3).contains(&deaths(&pool)), "{} deaths", deaths(&pool));
    }
}

#[test]
fn an_index_that_always_kills_is_blamed_alone() {
    for shared in TRANSPORTS {
        for kind in ["abort", "exit:0", "segv", "hang", "garbage", "truncate", "flip", "wrong-id"] {
            let pool = faulty(shared, &format!("{kind}@77"));
            let failures = failed(&pool).unwrap();
            let [(77, message)] = &failures[..] else { panic!("{kind}: {failures:?}") };
            assert!(message.starts_with("3 workers were lost on it; the last "), "{message}");
            assert_eq!(deaths(&pool), 6, "three on the chunk, three on the index");
        }
    }
}

#[test]
fn several_killers_are_found() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "abort@0 exit:0@77 abort@78 abort@299");
        let named: Vec<u64> = failed(&pool).unwrap().into_iter().map(|(n, _)| n).collect();
        assert_eq!(named, [0, 77, 78, 299]);
    }
}

#[test]
fn a_panic_costs_its_index_and_no_worker() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "panic@77");
        assert_eq!(failed(&pool).unwrap(), [(77, "an injected panic".into())]);
        assert_eq!(deaths(&pool), 0);
    }
}

#[test]
fn a_slow_answer_is_an_answer() {
    for shared in TRANSPORTS {
        let pool = faulty(shared, "slow@77");
        assert_eq!(failed(&pool).unwrap(), []);
        assert_eq!(deaths(&pool), 0);
    }
}

/// Nothing but deaths: the batch is given up, after pauses, and the pool is there for the next.
#[test]
fn endless_deaths_end() {
    let everything: Vec<String> = (0..300).map(|n| format!("abort@{n}")).collect();
    for shared in TRANSPORTS {
        let pool = builder(shared).env("FIB_FAULTS", everything.join(" ")).respawn_limit(12);
        let pool = pool.build().unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            let Err(Error::Backend { reason, .. }) = failed(&pool) else { panic!("it went on") };
            assert!(reason.starts_with("13 workers were lost in a row"), "{reason}");
            assert!(start.elapsed() > Duration::from_millis(500), "a storm");
        }
        assert_eq!(deaths(&pool), 26);
    }
}
