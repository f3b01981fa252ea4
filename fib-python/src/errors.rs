//! Errors of the library as Python exceptions. The classes are in `python/fib_parallel/_errors.py`.

use fib::Error;
use pyo3::prelude::*;
use pyo3::types::PyModule;

/// The exception for an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Limit { .. } | Error::Index { .. } | Error::Allocation { .. } => "LimitError",
        Error::Failed(_) => "ComputeError",
        _ => "BackendError",
    };
    let made = new(py, class, &error.to_string());
    if let Error::Failed(failures) = error {
        let pairs: Vec<_> = failures.iter().map(|f| (f.index, f.message.as_str())).collect();
        if let Err(other) = made.value(py).setattr("failures", pairs) {
            return other;
        }
    }
    made
}

/// An exception of this class of ours.
pub(crate) fn new(py: Python<'_>, class: &str, message: &str) -> PyErr {
    // Each interpreter of a process has its own classes, so they are not kept.
    let class =
        PyModule::import(py, "fib_parallel._errors").and_then(|module| module.getattr(class));
    match class.and_then(|class| class.call1((message,))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}
