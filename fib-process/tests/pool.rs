//! The pool as an executor: everything that its user sees besides results.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // a panic in a test helper fails the test

mod common;

use common::{
    TRANSPORTS, builder, failed_indices, keep_warnings, new_table, options, warnings_with,
};
use fib_core::{Error, Kernel, Options, Run, execute, kernels};
use fib_process::{Builder, Hooks, ProcessPool};
use std::collections::HashSet;
use std::num::NonZero;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Fills its slots with 1 if the process that computes has the environment variable `FIB_TEST`, and
/// with 0 otherwise.
struct Environment;

impl Kernel for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }
    fn limbs(&self, _n: u64) -> usize {
        1
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            slot.out[0] = u64::from(std::env::var_os("FIB_TEST").is_some());
        }
    }
}

/// A kernel that no worker knows.
struct Unknown;

impl Kernel for Unknown {
    fn name(&self) -> &'static str {
        "unknown"
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, _run: &mut Run<'_>) {}
}

fn initializer() -> Result<(), String> {
    match std::env::var("FIB_UNFIT") {
        Ok(reason) => Err(reason),
        Err(_) => Ok(()),
    }
}

fn kernel(name: &str) -> Option<Arc<dyn Kernel>> {
    (name == "environment").then(|| Arc::new(Environment) as Arc<dyn Kernel>)
}

/// Runs before `main`, because tests have no `main` of their own.
// SAFETY: in a worker this function serves the pool and exits; in any other process it sets a flag.
// On the systems that these tests run on, the arguments, threads and sockets of the standard
// library work before `main`.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init_with(Hooks { initializer, kernel });
}

fn pids(pool: &ProcessPool) -> HashSet<u32> {
    pool.statistics().iter().map(|worker| worker.pid).collect()
}

fn refusal(builder: Builder) -> String {
    match builder.build() {
        Ok(_) => panic!("the pool was built"),
        Err(Error::Backend { reason, .. }) => reason,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn statistics_count_what_was_done() {
    for shared in TRANSPORTS {
        let pool = builder(shared).build().unwrap();
        assert!(pool.statistics().iter().all(|worker| worker.chunks == 0 && worker.pid > 0));
        assert_eq!(failed_indices(&pool).unwrap(), []);
        let statistics = pool.statistics();
        assert_eq!(statistics.iter().map(|worker| worker.chunks).sum::<u64>(), 30);
        assert!(statistics.iter().all(|worker| worker.deaths == 0));
        assert!(statistics.iter().any(|worker| worker.busy > Duration::ZERO));
        assert_eq!(pids(&pool).len(), 2);
    }
}

#[test]
fn workers_are_replaced_after_their_tasks() {
    for shared in TRANSPORTS {
        let pool = builder(shared).tasks_per_worker(NonZero::new(4)).build().unwrap();
        let before = pids(&pool);
        assert_eq!(failed_indices(&pool).unwrap(), []);
        assert!(before.is_disjoint(&pids(&pool)));
        assert!(pool.statistics().iter().all(|worker| worker.deaths == 0));
    }
}

#[test]
fn an_idle_worker_that_ends_is_replaced_and_no_chunk_blamed() {
    keep_warnings();
    let pool = builder(false).build().unwrap();
    let pid = pool.statistics()[0].pid;
    let raw = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(failed_indices(&pool).unwrap(), []);
    let warnings = common::warnings_about(pid);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let said = format!("worker 0 (pid {pid}) was killed by SIGKILL (connection closed) while idle");
    assert!(warnings[0].ends_with(&said), "{warnings:?}");
}

/// After a cancellation, no worker begins another chunk, and a chunk that takes very long does not
/// delay the cancelled call.
#[test]
fn cancellation_does_not_wait_for_a_long_chunk() {
    for shared in TRANSPORTS {
        let pool = builder(shared).build().unwrap();
        let mut table = new_table(kernels::iterative(), &[10_000_000; 8]); // minutes each
        let options = Options { ..options("items:1") };
        let start = Instant::now();
        let cancelled = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(50));
                options.control.cancel();
            });
            execute(&pool, &mut table, &options)
        });
        assert!(matches!(cancelled, Err(Error::Cancelled)));
        assert!(start.elapsed() < Duration::from_secs(10), "the batch was computed to its end");
        assert_eq!(failed_indices(&pool).unwrap(), [], "the pool does not work any more");
    }
}

#[test]
fn workers_use_the_kernels_and_the_environment_of_the_program() {
    for (builder, expected) in [
        (builder(false), 0),
        (builder(true).env("FIB_TEST", "1"), 1),
        (builder(false).env("FIB_TEST", "1").env_remove("FIB_TEST"), 0),
    ] {
        let mut table = new_table(Arc::new(Environment), &[0; 10]);
        execute(&builder.build().unwrap(), &mut table, &Options::default()).unwrap();
        assert_eq!(table.arena(), [expected; 10]);
    }
}

#[test]
fn an_unknown_kernel_is_refused() {
    let pool = builder(true).build().unwrap();
    let mut table = new_table(Arc::new(Unknown), &[5]);
    let Err(Error::Failed(failures)) = execute(&pool, &mut table, &Options::default()) else {
        panic!("something was computed");
    };
    assert_eq!(
        failures[0].message,
        "the workers know no kernel named `unknown`; pass the kernel to `init_with`"
    );
}

#[test]
fn pools_that_cannot_be_built_say_why() {
    let advice = "the `main` of a worker program must begin with `fib_process::init()`";
    let unfit = refusal(builder(false).env("FIB_UNFIT", "no licence"));
    assert_eq!(unfit, "a worker's initializer failed: no licence");
    let missing = refusal(builder(false).program(Command::new("/no/such/program")));
    assert_eq!(missing, "no worker can be started: No such file or directory (os error 2)");
    let wrong = refusal(builder(true).program(Command::new("false")));
    assert!(wrong.starts_with("a worker exited with code 1 before it was ready"), "{wrong}");
    let start = Instant::now();
    let mut sleeper = Command::new("sh");
    sleeper.args(["-c", "exec sleep 100"]);
    let silent = refusal(builder(false).program(sleeper));
    assert_eq!(silent, format!("a worker was not ready in time; {advice}"));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_may_have_arguments_of_its_own() {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "nothing"]);
    let pool = builder(true).program(this).build().unwrap();
    assert_eq!(failed_indices(&pool).unwrap(), []);
}

#[test]
fn absurd_numbers_of_workers_are_refused() {
    let refused = refusal(Builder::new(NonZero::<usize>::MAX));
    assert!(refused.ends_with("workers are too many; the limit is 1024"), "{refused}");
}

/// If the system refuses shared memory, results go through pipes.
#[test]
fn a_pool_works_without_shared_memory() {
    keep_warnings();
    let program = std::env::current_exe().unwrap();
    // The limit on file sizes also applies to memory files. The other test runs below this limit.
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 0; exec \"$0\" --exact below_a_limit_on_file_sizes --nocapture"])
        .arg(program)
        .env("FIB_LIMITED", "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn below_a_limit_on_file_sizes() {
    if std::env::var_os("FIB_LIMITED").is_none() {
        return; // the test above runs this test with the variable set
    }
    keep_warnings();
    let pool = builder(true).build().unwrap();
    assert_eq!(failed_indices(&pool).unwrap(), []);
    assert_eq!(failed_indices(&pool).unwrap(), []);
    let warnings = warnings_with("refused shared memory");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].ends_with("results go through pipes"));
}

/// The requests and the results are longer than a socket buffer, and a shared segment must grow.
#[test]
fn long_requests_and_long_results() {
    for shared in TRANSPORTS {
        let pool = builder(shared).build().unwrap();
        let scattered: Vec<u64> = (0..200_000u64).map(|i| i * 7919 % 300).collect();
        let mut wanted = scattered.clone();
        wanted.extend([2_000_000; 6]);
        let mut table = new_table(kernels::doubling(), &wanted);
        execute(&pool, &mut table, &options("per-worker:2")).unwrap();
        let mut expected = new_table(kernels::doubling(), &wanted);
        execute(&fib_core::Sequential, &mut expected, &Options::default()).unwrap();
        assert!(table.arena() == expected.arena());
    }
}
