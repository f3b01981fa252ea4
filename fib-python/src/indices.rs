//! Indices from Python: a range, an array of integers, or any iterable.

use crate::errors;
use crate::table::Table;
use fib::{MemoryLimit, table_bytes};
use pyo3::buffer::{PyBuffer, PyUntypedBuffer};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyRange, PyRangeMethods};

/// The indices in the order of `source`. Ranges and arrays are read without a Python object for each
/// index.
///
/// # Errors
/// `TypeError` and `ValueError`, with the position of the index that is wrong.
pub(crate) fn indices(source: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    if let Ok(range) = source.cast::<PyRange>() {
        return expand(range);
    }
    if source.is_instance_of::<Table>() {
        return iterated(source); // its memory holds limbs
    }
    if let Ok(unsigned) = PyBuffer::<u64>::get(source)
        && is_native_line(&unsigned)
    {
        return unsigned.to_vec(source.py());
    }
    if let Ok(signed) = PyBuffer::<i64>::get(source)
        && is_native_line(&signed)
    {
        let signed = signed.to_vec(source.py())?;
        let index = |(i, n): (usize, i64)| {
            u64::try_from(n).map_err(|_| out_of_range(&n.to_string(), Some(i)))
        };
        return signed.into_iter().enumerate().map(index).collect();
    }
    iterated(source)
}

/// Whether the items are in one line and in the byte order of this machine.
fn is_native_line(buffer: &PyUntypedBuffer) -> bool {
    let order = buffer.format().to_bytes().first();
    let is_native = match order {
        Some(b'<') => cfg!(target_endian = "little"),
        Some(b'>' | b'!') => cfg!(target_endian = "big"),
        _ => true,
    };
    buffer.dimensions() == 1 && is_native
}

/// The indices one by one. Now and then this looks for signals, and whether there is memory for so many.
fn iterated(source: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    const LOOK: usize = 1 << 16;
    let (py, mut indices) = (source.py(), vec![]);
    for item in source.try_iter()? {
        indices.push(index(&item?, Some(indices.len()))?);
        if indices.len().is_multiple_of(LOOK) {
            py.check_signals()?;
            check_memory(py, 2 * indices.len())?; // the vector may double
        }
    }
    Ok(indices)
}

fn check_memory(py: Python<'_>, count: usize) -> PyResult<()> {
    let bytes = table_bytes(count as u128);
    let checked = MemoryLimit::default().check(bytes);
    checked.map_err(|limit| errors::exception(py, &fib::Error::Limit { bytes, limit }))
}

const MOST: i128 = u64::MAX as i128;

fn expand(range: &Bound<'_, PyRange>) -> PyResult<Vec<u64>> {
    let Ok(count) = range.len() else {
        return iterated(range); // more than isize::MAX, so this ends at the memory limit
    };
    check_memory(range.py(), count)?;
    // Bounds beyond isize are rare; Python's own iterator knows them.
    let (Ok(start), Ok(step)) = (range.start(), range.step()) else {
        return iterated(range);
    };
    let number = |i: usize| start as i128 + i as i128 * step as i128;
    match (start, number(count.saturating_sub(1))) {
        (0.., 0..=MOST) => {
            let number =
                |i: usize| (start as u64).wrapping_add((i as u64).wrapping_mul(step as u64));
            Ok((0..count).map(number).collect())
        }
        _ => {
            let first = (0..count).find(|&i| !(0..=MOST).contains(&number(i))).unwrap_or(0);
            Err(out_of_range(&number(first).to_string(), Some(first)))
        }
    }
}

/// One index; `position` is where it stands in a batch.
pub(crate) fn index(item: &Bound<'_, PyAny>, position: Option<usize>) -> PyResult<u64> {
    item.extract().map_err(|error: PyErr| {
        let py = item.py();
        if error.is_instance_of::<PyOverflowError>(py) {
            let text = item.str().map_or_else(|_| "it".into(), |text| text.to_string());
            out_of_range(&text, position)
        } else if error.is_instance_of::<PyTypeError>(py) {
            let kind = item.get_type().name().map_or_else(|_| "it".into(), |name| name.to_string());
            PyTypeError::new_err(format!("{}an index must be an integer, not {kind}", at(position)))
        } else {
            error
        }
    })
}

fn out_of_range(number: &str, position: Option<usize>) -> PyErr {
    PyValueError::new_err(format!(
        "{}an index must be from 0 to 2**64 - 1, not {number}",
        at(position)
    ))
}

fn at(position: Option<usize>) -> String {
    position.map_or_else(String::new, |i| format!("position {i}: "))
}
