//! A call on a backend: it releases the GIL, and Ctrl-C ends it.

use crate::errors;
use fib::{
    Chunking, Control, Descriptor, Error, FibBackend, Kernel, Layout, Options, REGISTRY,
    SEQUENTIAL, Sequential, Settings, Table, execute,
};
use fib_predict::AUTO;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// The backends that Python may choose.
pub(crate) fn registry() -> impl Iterator<Item = &'static Descriptor> {
    REGISTRY.iter().chain([&AUTO])
}

/// A batch with a larger predicted cost (about nanoseconds) runs on a thread of its own, because the calling
/// thread must look for signals meanwhile.
const LONG: f64 = 2_000_000.0;

/// To lay out this many indices takes some milliseconds, so they run on such a thread too.
const MANY: usize = 100_000;

/// How often the calling thread looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// How long a cancelled batch may take to end. Only a large number takes longer; its thread then ends before
/// its next multiplication, or with `iterative` when the number is computed.
const GRACE: Duration = Duration::from_millis(100);

/// What to run, and where.
pub(crate) struct Call {
    /// `None` for the backend `sequential`.
    pool: Option<Arc<Pool>>,
    kernel: Arc<dyn Kernel>,
    options: Options,
}

impl Call {
    /// # Errors
    /// `ValueError` for an unknown name, `BackendError` if the backend cannot be built, `ForkedError` in a
    /// process that was forked.
    pub(crate) fn new(
        py: Python<'_>,
        backend: &str,
        workers: Option<i64>,
        chunking: Option<&str>,
        kernel: Arc<dyn Kernel>,
    ) -> PyResult<Self> {
        let Some(entry) = registry().find(|entry| entry.name == backend) else {
            let names: Vec<_> = registry().map(|entry| entry.name).collect();
            let expected = names.join(", ");
            return Err(PyValueError::new_err(format!(
                "backend: expected one of {expected}, not {backend:?}"
            )));
        };
        let chunking = chunking.map_or(Ok(Chunking::default()), str::parse);
        let chunking = chunking.map_err(|e| PyValueError::new_err(format!("chunking: {e}")))?;
        let workers = workers.map(|number| positive(number, "workers")).transpose()?;
        if entry.name == SEQUENTIAL.name {
            return Ok(Call::sequential(kernel));
        }
        check_process(py)?;
        let settings = workers.map_or_else(all_cpus, Settings::workers);
        let pool = py.detach(|| pool(entry, settings));
        let pool = Some(pool.map_err(|error| errors::exception(py, &error))?);
        Ok(Call { pool, kernel, options: Options { chunking, ..Options::default() } })
    }

    /// A call on one thread, without a pool.
    pub(crate) fn sequential(kernel: Arc<dyn Kernel>) -> Self {
        Call { pool: None, kernel, options: Options::default() }
    }

    /// Computes F(n) for every index, without the GIL.
    ///
    /// # Errors
    /// The errors of the library, and whatever a signal handler raises, such as `KeyboardInterrupt`.
    pub(crate) fn run(self, py: Python<'_>, indices: Vec<u64>) -> PyResult<Table> {
        let Call { pool, kernel, options } = self;
        // On a busy pool even a short batch can take long.
        let is_short = indices.len() < MANY && pool.as_ref().is_none_or(|pool| pool.is_idle());
        let (memory, control) = (options.memory, options.control.clone());
        let lay_out = move || Table::new(Layout::new(kernel, &indices, memory)?);
        let compute = move |mut table: Table| match &pool {
            None => execute(&Sequential, &mut table, &options).map(|_| table),
            Some(pool) => pool.execute(&mut table, &options).map(|()| table),
        };
        let outcome = py.detach(move || {
            if !is_short {
                return attended(move || compute(lay_out()?), &control);
            }
            let table = lay_out()?;
            let cost = table.layout().costs().last().copied().unwrap_or(0.0);
            let compute = move || compute(table);
            if cost < LONG { caught(compute) } else { attended(compute, &control) }
        });
        outcome.map_err(|stop| stop.raised(py))
    }
}

/// Calls `work` without the GIL. Ctrl-C ends this call, but not `work`.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> PyResult<T> {
    py.detach(|| attended(work, &Control::default())).map_err(|stop| stop.raised(py))
}

/// Why a call has no result.
enum Stop {
    /// A signal handler raised this.
    Signal(PyErr),
    Error(Error),
    /// Code that must not panic did.
    Defect(String),
}

impl Stop {
    fn raised(self, py: Python<'_>) -> PyErr {
        match self {
            Stop::Signal(raised) => raised,
            Stop::Error(error) => errors::exception(py, &error),
            Stop::Defect(message) => errors::new(py, "BackendError", &message),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

/// Calls `work` here.
fn caught(work: impl FnOnce() -> Result<Table, Error>) -> Result<Table, Stop> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| defect())?.map_err(Stop::Error)
}

fn defect() -> Stop {
    Stop::Defect("a defect of fib_parallel: a thread panicked (its message is on stderr)".into())
}

/// Calls `work` on a thread of its own, and lets Python handle signals meanwhile.
fn attended<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    control: &Control,
) -> Result<T, Stop> {
    let (sender, receiver) = channel();
    let named = thread::Builder::new().name("fib_parallel".into());
    let thread = named.spawn(move || {
        let _ = sender.send(work()); // fails only if the caller has given up
    });
    thread.map_err(|error| Error::Backend {
        backend: "fib_parallel",
        reason: format!("the system refuses a thread: {error}"),
    })?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(outcome) => return outcome.map_err(Stop::Error),
            Err(RecvTimeoutError::Disconnected) => return Err(defect()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(raised) = Python::attach(|py| py.check_signals()) {
            control.cancel();
            let _ = receiver.recv_timeout(GRACE);
            return Err(Stop::Signal(raised));
        }
    }
}

/// # Errors
/// `ValueError`, with the name of the argument.
pub(crate) fn positive(number: i64, name: &str) -> PyResult<NonZeroUsize> {
    let positive = usize::try_from(number).ok().and_then(NonZeroUsize::new);
    positive
        .ok_or_else(|| PyValueError::new_err(format!("{name} must be at least 1, not {number}")))
}

/// As many workers as CPUs. The system is asked once, because reading the limits of control groups takes
/// about 30 us: the first ratio of `examples/python/ratios.py` would be 1.5.
fn all_cpus() -> Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    *SETTINGS.get_or_init(Settings::default)
}

/// A backend that was built once, and how many calls it runs now.
struct Pool {
    backend: Box<dyn FibBackend>,
    calls: AtomicUsize,
}

impl Pool {
    fn is_idle(&self) -> bool {
        self.calls.load(Relaxed) == 0
    }

    fn execute(&self, table: &mut Table, options: &Options) -> Result<(), Error> {
        self.calls.fetch_add(1, Relaxed);
        let outcome = execute(&*self.backend, table, options);
        self.calls.fetch_sub(1, Relaxed);
        outcome.map(drop)
    }
}

/// The pool of a backend, which is started once. Meanwhile only calls on the same pool wait: to start `auto`
/// takes about two seconds on a machine where it has not run before.
fn pool(entry: &Descriptor, settings: Settings) -> Result<Arc<Pool>, Error> {
    type Place = Arc<Mutex<Option<Arc<Pool>>>>;
    static POOLS: Mutex<BTreeMap<(&str, NonZeroUsize), Place>> = Mutex::new(BTreeMap::new());
    let place = Arc::clone(locked(&POOLS).entry((entry.name, settings.workers)).or_default());
    let mut place = locked(&place);
    if let Some(pool) = &*place {
        return Ok(Arc::clone(pool));
    }
    let pool = Arc::new(Pool { backend: entry.build(settings)?, calls: AtomicUsize::new(0) });
    Ok(Arc::clone(place.insert(pool)))
}

/// A panic while a pool was built leaves its place empty, so the next call builds it again.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process that imported this module.
static IMPORTER: OnceLock<u32> = OnceLock::new();

/// Called when the module is imported. In a worker process of a pool this does not return.
pub(crate) fn start() {
    fib::init();
    IMPORTER.get_or_init(std::process::id);
}

/// A fork copies the memory of this process and not its threads, so a call on a pool would wait forever.
fn check_process(py: Python<'_>) -> PyResult<()> {
    match IMPORTER.get() {
        Some(importer) if *importer != std::process::id() => Err(errors::new(
            py,
            "ForkedError",
            "this process was forked after fib_parallel was imported, so the threads of its pools are \
             missing here; start processes with the method 'spawn' or 'forkserver', or import \
             fib_parallel in the child only",
        )),
        _ => Ok(()),
    }
}
