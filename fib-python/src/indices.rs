//! Indices from Python: a range, an array of integers, or any iterable.

use crate::errors;
use fib::{MemoryLimit, table_bytes};
use pyo3::buffer::PyBuffer;
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
    if let Ok(unsigned) = PyBuffer::<u64>::get(source) {
        return unsigned.to_vec(source.py());
    }
    if let Ok(signed) = PyBuffer::<i64>::get(source) {
        let signed = signed.to_vec(source.py())?;
        let index = |(i, n): (usize, i64)| {
            u64::try_from(n).map_err(|_| out_of_range(&n.to_string(), Some(i)))
        };
        return signed.into_iter().enumerate().map(index).collect();
    }
    let items = source.try_iter()?.enumerate();
    items.map(|(i, item)| index(&item?, Some(i))).collect()
}

const MOST: i128 = u64::MAX as i128;

fn expand(range: &Bound<'_, PyRange>) -> PyResult<Vec<u64>> {
    let count = range.len()?;
    let bytes = table_bytes(count as u128);
    if let Err(limit) = MemoryLimit::default().check(bytes) {
        return Err(errors::exception(range.py(), &fib::Error::Limit { bytes, limit }));
    }
    // Bounds beyond isize are rare; Python's own iterator knows them.
    let (Ok(start), Ok(step)) = (range.start(), range.step()) else {
        return range.try_iter()?.enumerate().map(|(i, n)| index(&n?, Some(i))).collect();
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
            PyTypeError::new_err(format!("{}an index is an integer, not {kind}", at(position)))
        } else {
            error
        }
    })
}

fn out_of_range(number: &str, position: Option<usize>) -> PyErr {
    PyValueError::new_err(format!("{}an index is from 0 to 2**64 - 1, not {number}", at(position)))
}

fn at(position: Option<usize>) -> String {
    position.map_or_else(String::new, |i| format!("position {i}: "))
}
