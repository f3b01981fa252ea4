//! The Python package `fib_parallel`: Fibonacci batches on every backend, without the GIL.
//!
//! This crate only translates: indices from Python (`indices.rs`), a call on a backend that releases the GIL
//! and can be interrupted (`call.rs`), results as a table that Python reads without a copy
//! (`table.rs`, `numbers.rs`, `buffer.rs`), and errors as exceptions (`errors.rs`). What is Python itself, the executor
//! and Dask, is in `python/fib_parallel`.
#![deny(unsafe_code)]

mod buffer;
mod call;
mod errors;
mod indices;
mod numbers;
mod table;

use buffer::{Received, Words};
use call::Call;
use fib::{Chunking, Layout, MemoryLimit, Modulus, ResidueMethod, kernels, residues};
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyMemoryView};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use table::Table;

/// F(n), exactly.
///
/// :param n: the index, from 0 to 2**64 - 1
/// :raises TypeError: `n` is not an integer
/// :raises ValueError: `n` is negative or too large
/// :raises LimitError: the number would take more than half of the available memory
/// :raises Error: anything else that went wrong
#[pyfunction]
#[pyo3(name = "fib")]
fn number<'py>(n: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyInt>> {
    let py = n.py();
    let kernel = kernels::doubling();
    let table = Call::sequential(kernel).run(py, vec![indices::index(n, None)?])?;
    Table::new(table).int(py, 0)
}

/// F(n) for every index, exactly.
///
/// :param indices: `k` integers from 0 to 2**64 - 1: a range, an array of integers, or any iterable
/// :param backend: a name from `backends()`. "auto" runs each batch on the calling thread or on
///     the pool that is predicted to be faster; its first call on a machine measures the machine, which takes
///     about two seconds
/// :param workers: the number of workers; by default the number of CPUs that this process may use. The pool
///     stays until the program ends, for later calls with the same backend and number
/// :param chunking: "per-worker:K", "balanced:K" or "items:N"; by default "balanced:8", which
///     "auto" may cut finer
/// :param kernel: "stepping" (the default), "doubling" or "iterative"
/// :returns: a `Table` of `k` numbers, in the order of `indices`
/// :raises TypeError: an index is not an integer
/// :raises ValueError: an index is negative or too large, or a name is unknown
/// :raises LimitError: the numbers would take more than half of the available memory
/// :raises Error: anything else that went wrong
#[pyfunction]
#[pyo3(signature = (indices, backend="auto", workers=None, chunking=None, kernel=None))]
fn batch(
    indices: &Bound<'_, PyAny>,
    backend: &str,
    workers: Option<i64>,
    chunking: Option<&str>,
    kernel: Option<&str>,
) -> PyResult<Table> {
    let py = indices.py();
    let call = Call::new(py, backend, workers, chunking, number_kernel(kernel)?)?;
    Ok(Table::new(call.run(py, indices::indices(indices)?)?))
}

/// F(n) modulo `m` for every index.
///
/// :param m: the modulus, from 1 to 2**63, or 2**64
/// :param indices: as in `batch`
/// :param kernel: "lanes" (the default: many indices side by side in vector registers) or "scalar"
/// :returns: a `Table` of residues, one for each index; its limbs are one uint64 for each residue
/// :raises TypeError: `m` is not an integer, or as in `batch`
/// :raises ValueError: `m` is not a modulus, or as in `batch`
#[pyfunction]
#[pyo3(name = "mod", signature = (m, indices, backend="auto", workers=None, chunking=None, kernel=None))]
fn modulo(
    m: &Bound<'_, PyAny>,
    indices: &Bound<'_, PyAny>,
    backend: &str,
    workers: Option<i64>,
    chunking: Option<&str>,
    kernel: Option<&str>,
) -> PyResult<Table> {
    let py = indices.py();
    let m =
        m.extract::<u128>().map_err(|error| match error.is_instance_of::<PyOverflowError>(py) {
            true => PyValueError::new_err("modulus: expected 1 to 2**63, or 2**64"),
            false => error,
        })?;
    let modulus = parse_modulus(&m.to_string())?;
    let kernel = kernel.unwrap_or("lanes");
    let method = ResidueMethod::by_name(kernel).ok_or_else(|| {
        PyValueError::new_err(format!("kernel: expected lanes or scalar, not {kernel:?}"))
    })?;
    let call = Call::new(py, backend, workers, chunking, residues(modulus, method))?;
    Ok(Table::new(call.run(py, indices::indices(indices)?)?))
}

/// F(n) in decimal digits for every index. The digits are computed in a decimal base, so no number is
/// converted. Unlike `str`, this has no limit of 4300 digits.
///
/// :returns: a list of strings, one for each index, in the order of `indices`
///
/// The parameters and errors are those of `batch`.
#[pyfunction]
#[pyo3(signature = (indices, backend="auto", workers=None, chunking=None, kernel=None))]
fn text<'py>(
    indices: &Bound<'py, PyAny>,
    backend: &str,
    workers: Option<i64>,
    chunking: Option<&str>,
    kernel: Option<&str>,
) -> PyResult<Bound<'py, PyList>> {
    let py = indices.py();
    let kernel = kernels::in_text(&number_kernel(kernel)?);
    let call = Call::new(py, backend, workers, chunking, kernel)?;
    table::strings(py, &call.run(py, indices::indices(indices)?)?)
}

/// Cuts a batch into consecutive chunks of about the same predicted cost.
///
/// :param indices: as in `batch`
/// :param chunks: the most chunks. There are fewer if there are fewer indices, if one index costs more than a
///     chunk should, or if more chunks would not pay
/// :param kernel: as in `batch`
/// :returns: for each chunk its start and stop, which are positions in `indices`, and the memory in bytes
///     that computing it takes
#[pyfunction]
#[pyo3(signature = (indices, chunks, kernel=None))]
fn cut(
    indices: &Bound<'_, PyAny>,
    chunks: i64,
    kernel: Option<&str>,
) -> PyResult<Vec<(usize, usize, u128)>> {
    let py = indices.py();
    let chunks = call::positive(chunks, "chunks")?;
    let indices = indices::indices(indices)?;
    let kernel = number_kernel(kernel)?;
    // Where indices are not ascending, each is sought by itself, and `doubling` says what that costs.
    let ascending = indices.is_sorted_by(|a, b| a < b);
    let costly = if ascending { kernel.clone() } else { kernels::doubling() };
    let limit = MemoryLimit::Bytes(u64::MAX);
    call::interruptible(py, move || {
        let layout = Layout::new(costly, &indices, limit)?;
        let ends = Chunking::Balanced(chunks).cut(&layout, NonZeroUsize::MIN);
        let mut start = 0;
        let chunk = |stop| {
            let part = Layout::new(kernel.clone(), &indices[start..stop], limit)?;
            let bytes = part.bytes() + part.scratch_bytes();
            Ok((std::mem::replace(&mut start, stop), stop, bytes))
        };
        ends.into_iter().map(chunk).collect()
    })
}

/// The backends: `(name, how it works)`.
#[pyfunction]
fn backends() -> Vec<(&'static str, &'static str)> {
    call::registry().map(|entry| (entry.name, entry.summary)).collect()
}

/// A table from what pickle keeps of it. `is_ours` promises that nobody else has the object `limbs`.
#[pyfunction]
#[pyo3(signature = (kernel, modulus, indices, limbs, is_ours=false))]
fn _table(
    kernel: &str,
    modulus: Option<&str>,
    indices: &Bound<'_, PyAny>,
    limbs: &Bound<'_, PyAny>,
    is_ours: bool,
) -> PyResult<Table> {
    let py = limbs.py();
    let kernel = match modulus {
        None => number_kernel(Some(kernel))?,
        Some(modulus) => {
            let method = ResidueMethod::by_name(kernel).unwrap_or(ResidueMethod::Lanes);
            residues(parse_modulus(modulus)?, method)
        }
    };
    let (indices, limbs) = (Received::new(indices, false)?, Received::new(limbs, is_ours)?);
    let indices = indices.get(0..indices.len());
    let layout = Layout::new(kernel, &indices, MemoryLimit::Bytes(u64::MAX));
    let layout = layout.map_err(|error| errors::exception(py, &error))?;
    Table::received(layout, limbs)
}

/// Indices as a memoryview of uint64.
#[pyfunction]
fn _indices<'py>(source: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyMemoryView>> {
    Words::line(source.py(), indices::indices(source)?)
}

/// The seconds that the batch F(0) to F(n-1) takes in Rust on one thread, for `examples/python/ratios.py`.
#[pyfunction]
fn _rust_seconds(py: Python<'_>, n: u64) -> PyResult<f64> {
    let indices: Vec<u64> = (0..n).collect();
    let (start, options) = (Instant::now(), fib::Options::default());
    let table = fib::compute(&fib::Sequential, &kernels::stepping(), &indices, &options);
    drop(table.map_err(|error| errors::exception(py, &error))?); // Python frees its table too
    Ok(start.elapsed().as_secs_f64())
}

/// Sets the command that starts worker processes.
#[pyfunction]
fn _set_worker_command(command: Vec<OsString>) {
    fib::set_worker_command(command);
}

fn number_kernel(name: Option<&str>) -> PyResult<Arc<dyn fib::Kernel>> {
    let name = name.unwrap_or("stepping");
    let known = kernels::unlimited().find(|entry| entry.name == name);
    known.map(|entry| (entry.get)()).ok_or_else(|| {
        PyValueError::new_err(format!(
            "kernel: expected stepping, doubling or iterative, not {name:?}"
        ))
    })
}

fn parse_modulus(text: &str) -> PyResult<Modulus> {
    text.parse().map_err(|error| PyValueError::new_err(format!("modulus: {error}")))
}

#[pymodule(gil_used = false)]
#[pyo3(name = "_core")]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    call::start();
    module.add_class::<Table>()?;
    module.add_function(wrap_pyfunction!(number, module)?)?;
    module.add_function(wrap_pyfunction!(batch, module)?)?;
    module.add_function(wrap_pyfunction!(modulo, module)?)?;
    module.add_function(wrap_pyfunction!(text, module)?)?;
    module.add_function(wrap_pyfunction!(cut, module)?)?;
    module.add_function(wrap_pyfunction!(backends, module)?)?;
    module.add_function(wrap_pyfunction!(_table, module)?)?;
    module.add_function(wrap_pyfunction!(_indices, module)?)?;
    module.add_function(wrap_pyfunction!(_rust_seconds, module)?)?;
    module.add_function(wrap_pyfunction!(_set_worker_command, module)?)
}
