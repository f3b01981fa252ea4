//! Sends signals to workers at random moments. Every batch must still end, with correct results.
#![cfg(unix)]

mod common;

use common::{TRANSPORTS, builder, failed_indices};
use fib_process::ProcessPool;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Runs before `main`, because tests have no `main` of their own.
// SAFETY: in a worker this function serves the pool and exits; in any other process it sets a flag.
// On the systems that these tests run on, the arguments, threads and sockets of the standard
// library work before `main`.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init();
}

/// The number of signals that each pool gets.
const KILLS: usize = 120;

/// The next random number, by SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sends one signal after another until `KILLS` signals have reached a worker.
fn send_signals(pool: &ProcessPool, seed: u64, delivered: &AtomicUsize) {
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
fn signals_at_random_moments_spoil_no_result() {
    for (shared, seed) in TRANSPORTS.into_iter().zip(1..) {
        let pool = builder(shared).stall_limit(Duration::from_millis(80)).respawn_limit(1000);
        let pool = pool.build().unwrap();
        let (delivered, still_sending) = (AtomicUsize::new(0), AtomicBool::new(true));
        let batches = scope(|scope| {
            scope.spawn(|| {
                send_signals(&pool, seed, &delivered);
                still_sending.store(false, SeqCst);
            });
            let mut batches = 0;
            while still_sending.load(SeqCst) {
                let outcome = failed_indices(&pool);
                if !matches!(&outcome, Ok(failures) if failures.is_empty()) {
                    delivered.store(KILLS, SeqCst); // the other thread stops sending
                    panic!("seed {seed}, batch {batches}: {outcome:?}");
                }
                batches += 1;
            }
            batches
        });
        let deaths: u64 = pool.statistics().iter().map(|worker| worker.deaths).sum();
        assert!(deaths as usize > KILLS / 3 && batches > 0, "{deaths} deaths, {batches} batches");
        assert_eq!(failed_indices(&pool).unwrap(), [], "after the last signal");
    }
}
