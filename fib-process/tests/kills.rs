//! Real signals at random moments: no hang, no wrong byte.
#![cfg(unix)]

mod common;

use common::{TRANSPORTS, builder, failed};
use fib_process::ProcessPool;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Tests have no `main` of their own: this runs before it.
// SAFETY: in a worker it serves and exits, elsewhere it sets a flag; the standard library's
// arguments, threads and sockets work before `main` on the systems these tests run on.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init();
}

const KILLS: usize = 120;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sends one signal after another until `KILLS` have reached a worker.
fn torment(pool: &ProcessPool, seed: u64, delivered: &AtomicUsize) {
    let mut state = seed;
    while delivered.load(SeqCst) < KILLS {
        let workers = pool.statistics();
        let worker = workers[random(&mut state) as usize % workers.len()];
        let signals = [Signal::KILL, Signal::STOP, Signal::SEGV, Signal::TERM];
        let signal = signals[random(&mut state) as usize % 4];
        let reached =
            Pid::from_raw(worker.pid as i32).is_some_and(|p| kill_process(p, signal).is_ok());
        delivered.fetch_add(usize::from(reached), SeqCst);
        sleep(Duration::from_micros(random(&mut state) % 6000));
    }
}

#[test]
fn two_hundred_kills() {
    for (shared, seed) in TRANSPORTS.into_iter().zip(1..) {
        let pool = builder(shared).stall_limit(Duration::from_millis(80)).respawn_limit(1000);
        let pool = pool.build().unwrap();
        let (delivered, tormented) = (AtomicUsize::new(0), AtomicBool::new(true));
        let batches = scope(|scope| {
            scope.spawn(|| {
                torment(&pool, seed, &delivered);
                tormented.store(false, SeqCst);
            });
            let mut batches = 0;
            while tormented.load(SeqCst) {
                let outcome = failed(&pool);
                if !matches!(&outcome, Ok(failures) if failures.is_empty()) {
                    delivered.store(KILLS, SeqCst); // no more of it
                    panic!("seed {seed}, batch {batches}: {outcome:?}");
                }
                batches += 1;
            }
            batches
        });
        let deaths: u64 = pool.statistics().iter().map(|worker| worker.deaths).sum();
        assert!(deaths as usize > KILLS / 3 && batches > 0, "{deaths} deaths, {batches} batches");
        assert_eq!(failed(&pool).unwrap(), [], "and afterwards");
    }
}
