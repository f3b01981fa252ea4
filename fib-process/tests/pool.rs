//! The pool as an executor: what its user meets besides results.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod common;

use common::{TRANSPORTS, builder, failed, keep_warnings, laid_out, options, warnings_with};
use fib_core::{Error, Kernel, Options, Run, execute, kernels};
use fib_process::{Builder, Hooks, ProcessPool};
use std::collections::HashSet;
use std::num::NonZero;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Fills its slots with the number of environment variables named `FIB_TEST`, in its own process.
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

/// Of these kernels no worker has heard.
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

/// Tests have no `main` of their own: this runs before it.
// SAFETY: in a worker it serves and exits, elsewhere it sets a flag; the standard library's
// arguments, threads and sockets work before `main` on the systems these tests run on.
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
        assert_eq!(failed(&pool).unwrap(), []);
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
        assert_eq!(failed(&pool).unwrap(), []);
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
    assert_eq!(failed(&pool).unwrap(), []);
    let warnings = common::warnings_about(pid);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let said =
        format!("worker 0 (pid {pid}) ended by signal 9 (KILL) (it hung up) with nothing to do");
    assert!(warnings[0].ends_with(&said), "{warnings:?}");
}

/// Chunks that wait are not begun, and one that takes for ever does not hold up the cancelled call.
#[test]
fn cancellation_does_not_wait_for_a_long_chunk() {
    for shared in TRANSPORTS {
        let pool = builder(shared).build().unwrap();
        let mut table = laid_out(kernels::iterative(), &[10_000_000; 8]); // minutes each
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
        assert!(start.elapsed() < Duration::from_secs(10), "it computed to the end");
        assert_eq!(failed(&pool).unwrap(), [], "the pool works again");
    }
}

#[test]
fn kernels_and_environment_of_the_programs_own() {
    for (builder, expected) in [
        (builder(false), 0),
        (builder(true).env("FIB_TEST", "1"), 1),
        (builder(false).env("FIB_TEST", "1").env_remove("FIB_TEST"), 0),
    ] {
        let mut table = laid_out(Arc::new(Environment), &[0; 10]);
        execute(&builder.build().unwrap(), &mut table, &Options::default()).unwrap();
        assert_eq!(table.arena(), [expected; 10]);
    }
}

#[test]
fn an_unknown_kernel_is_refused() {
    let pool = builder(true).build().unwrap();
    let mut table = laid_out(Arc::new(Unknown), &[5]);
    let Err(Error::Failed(failures)) = execute(&pool, &mut table, &Options::default()) else {
        panic!("something was computed");
    };
    assert_eq!(failures[0].message, "its workers know no kernel `unknown`");
}

#[test]
fn pools_that_cannot_be_built_say_why() {
    let begins = "`main` of a worker's program begins with `fib_process::init()`";
    let unfit = refusal(builder(false).env("FIB_UNFIT", "no licence"));
    assert_eq!(unfit, "a worker's initializer failed: no licence");
    let missing = refusal(builder(false).program(Command::new("/no/such/program")));
    assert_eq!(missing, "no worker can be started: No such file or directory (os error 2)");
    let wrong = refusal(builder(true).program(Command::new("false")));
    assert!(wrong.starts_with("a worker ended with exit code 1 before it was ready"), "{wrong}");
    let start = Instant::now();
    let mut sleeper = Command::new("sh");
    sleeper.args(["-c", "exec sleep 100"]);
    let silent = refusal(builder(false).program(sleeper));
    assert_eq!(silent, format!("a worker was not ready in time; {begins}"));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_may_have_arguments_of_its_own() {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "nothing"]);
    let pool = builder(true).program(this).build().unwrap();
    assert_eq!(failed(&pool).unwrap(), []);
}

#[test]
fn absurd_numbers_of_workers_are_refused() {
    let refused = refusal(Builder::new(NonZero::<usize>::MAX));
    assert_eq!(refused, "more than 1024 workers");
}

/// Results that shared memory cannot take go through pipes.
#[test]
fn shared_memory_that_is_refused_is_done_without() {
    keep_warnings();
    let program = std::env::current_exe().unwrap();
    // The limit on file sizes holds for memory files too; a test of its own lives under it.
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 0; exec \"$0\" --exact below_a_limit_on_file_sizes --nocapture"])
        .arg(program)
        .env("FIB_LIMITED", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn below_a_limit_on_file_sizes() {
    if std::env::var_os("FIB_LIMITED").is_none() {
        return; // run by the test above
    }
    keep_warnings();
    let pool = builder(true).build().unwrap();
    assert_eq!(failed(&pool).unwrap(), []);
    assert_eq!(failed(&pool).unwrap(), []);
    let warnings = warnings_with("no shared memory");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].ends_with("results go through pipes"));
}

/// More than one socket buffer in both directions, and a segment that has to grow.
#[test]
fn long_requests_and_long_results() {
    for shared in TRANSPORTS {
        let pool = builder(shared).build().unwrap();
        let scattered: Vec<u64> = (0..200_000u64).map(|i| i * 7919 % 300).collect();
        let mut wanted = scattered.clone();
        wanted.extend([2_000_000; 6]);
        let mut table = laid_out(kernels::doubling(), &wanted);
        execute(&pool, &mut table, &options("per-worker:2")).unwrap();
        let mut expected = laid_out(kernels::doubling(), &wanted);
        execute(&fib_core::Sequential, &mut expected, &Options::default()).unwrap();
        assert!(table.arena() == expected.arena());
    }
}
