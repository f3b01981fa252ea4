//! A call on a backend: without the GIL, and so that Ctrl-C ends it.

use crate::errors;
use fib::{
    Chunking, Control, Descriptor, Error, FibBackend, Kernel, Layout, Options, REGISTRY,
    Sequential, Settings, Table, execute,
};
use fib_predict::AUTO;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// The backends that Python may choose.
pub(crate) fn registry() -> impl Iterator<Item = &'static Descriptor> {
    REGISTRY.iter().chain([&AUTO])
}

/// A batch with a larger predicted cost (about nanoseconds) runs on a thread of its own, because the calling
/// thread must look for signals meanwhile.
const LONG: f64 = 2_000_000.0;

/// How often the calling thread looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// How long a cancelled batch may take to end. Only a single large number takes longer; its thread then ends by
/// itself, and its result is dropped.
const GRACE: Duration = Duration::from_millis(100);

/// What to run, and where.
pub(crate) struct Call {
    backend: Arc<dyn FibBackend>,
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
        workers: Option<NonZeroUsize>,
        chunking: Option<&str>,
        kernel: Arc<dyn Kernel>,
    ) -> PyResult<Self> {
        check_process(py)?;
        let Some(entry) = registry().find(|entry| entry.name == backend) else {
            let names: Vec<_> = registry().map(|entry| entry.name).collect();
            let expected = names.join(", ");
            return Err(PyValueError::new_err(format!("backend: expected one of {expected}")));
        };
        let chunking = chunking.map_or(Ok(Chunking::default()), str::parse);
        let chunking = chunking.map_err(|e| PyValueError::new_err(format!("chunking: {e}")))?;
        let settings = workers.map_or_else(all_cpus, Settings::workers);
        let backend = py.detach(|| pool(entry, settings));
        let backend = backend.map_err(|error| errors::exception(py, &error))?;
        Ok(Call { backend, kernel, options: Options { chunking, ..Options::default() } })
    }

    /// A call on the calling thread.
    pub(crate) fn sequential(py: Python<'_>, kernel: Arc<dyn Kernel>) -> PyResult<Self> {
        check_process(py)?;
        Ok(Call { backend: Arc::new(Sequential), kernel, options: Options::default() })
    }

    /// Computes F(n) for every index, without the GIL.
    ///
    /// # Errors
    /// The errors of the library, and whatever a signal handler raises, such as `KeyboardInterrupt`.
    pub(crate) fn run(self, py: Python<'_>, indices: Vec<u64>) -> PyResult<Table> {
        let Call { backend, kernel, options } = self;
        let outcome = py.detach(move || {
            let mut table = Table::new(Layout::new(kernel, &indices, options.memory)?)?;
            drop(indices);
            let cost = table.layout().costs().last().copied().unwrap_or(0.0);
            let control = options.control.clone();
            let work = move || execute(&*backend, &mut table, &options).map(|_| table);
            if cost < LONG { caught(work) } else { attended(work, &control) }
        });
        outcome.map_err(|stop| match stop {
            Stop::Signal(raised) => raised,
            Stop::Error(error) => errors::exception(py, &error),
            Stop::Defect(message) => errors::new(py, "BackendError", &message),
        })
    }
}

/// Why there is no table.
enum Stop {
    /// A signal handler raised this.
    Signal(PyErr),
    Error(Error),
    /// Code that must not panic did.
    Defect(String),
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
fn attended(
    work: impl FnOnce() -> Result<Table, Error> + Send + 'static,
    control: &Control,
) -> Result<Table, Stop> {
    let (sender, receiver) = channel();
    let named = thread::Builder::new().name("fib_parallel".into());
    let thread = named.spawn(move || {
        let _ = sender.send(work()); // fails only if the caller has given up
    });
    thread.map_err(|error| Stop::Defect(format!("the system refuses a thread: {error}")))?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(table) => return table.map_err(Stop::Error),
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

/// As many workers as CPUs. The system is asked once, because reading the limits of control groups takes half
/// as long as F(0) to F(5000).
fn all_cpus() -> Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    *SETTINGS.get_or_init(Settings::default)
}

/// The pool of a backend, which is started once.
fn pool(entry: &Descriptor, settings: Settings) -> Result<Arc<dyn FibBackend>, Error> {
    type Pools = HashMap<(&'static str, NonZeroUsize), Arc<dyn FibBackend>>;
    static POOLS: OnceLock<Mutex<Pools>> = OnceLock::new();
    let pools = POOLS.get_or_init(Mutex::default);
    let mut pools = pools.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (entry.name, settings.workers);
    if let Some(pool) = pools.get(&key) {
        return Ok(Arc::clone(pool));
    }
    let pool: Arc<dyn FibBackend> = entry.build(settings)?.into();
    pools.insert(key, Arc::clone(&pool));
    Ok(pool)
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
