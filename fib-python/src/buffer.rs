//! 64-bit words that Python reads and gives through the buffer protocol, without an object for each.
//!
//! The protocol is made of raw pointers, so filling in its structure needs `unsafe` code.
#![allow(unsafe_code)]

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi::{
    Py_INCREF, Py_buffer, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE, PyObject,
};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

/// A copy of the memory of an object with the buffer protocol.
///
/// # Errors
/// `ValueError` if this is not a whole number of words.
pub(crate) fn words_of_bytes(source: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let bytes = PyMemoryView::from(source)?.call_method1("cast", ("B",))?;
    let bytes = PyBuffer::<u8>::get(&bytes)?;
    if bytes.item_count() % 8 != 0 {
        return Err(PyValueError::new_err("expected whole 64-bit words"));
    }
    let mut words = vec![0u64; bytes.item_count() / 8];
    bytes.copy_to_slice(source.py(), bytemuck::cast_slice_mut(&mut words))?;
    Ok(words)
}

/// Words that are not part of a table.
#[pyclass(frozen)]
pub(crate) struct Words {
    words: Vec<u64>,
    shape: Shape,
}

/// The shape of a view and the distance from item to item in bytes, for each axis.
pub(crate) struct Shape {
    axes: c_int,
    lengths: [isize; 2],
    strides: [isize; 2],
}

impl Shape {
    /// One axis of `length` words.
    pub(crate) fn line(length: usize) -> Self {
        Shape { axes: 1, lengths: [length as isize, 1], strides: [8, 8] }
    }

    /// `rows` rows of two words.
    fn pairs(rows: usize) -> Self {
        Shape { axes: 2, lengths: [rows as isize, 2], strides: [16, 8] }
    }
}

impl Words {
    /// A memoryview of these words, in one line.
    pub(crate) fn line(py: Python<'_>, words: Vec<u64>) -> PyResult<Bound<'_, PyMemoryView>> {
        let shape = Shape::line(words.len());
        PyMemoryView::from(Bound::new(py, Words { words, shape })?.as_any())
    }

    /// A memoryview of these words, in rows of two.
    pub(crate) fn pairs(py: Python<'_>, words: Vec<u64>) -> PyResult<Bound<'_, PyMemoryView>> {
        let shape = Shape::pairs(words.len() / 2);
        PyMemoryView::from(Bound::new(py, Words { words, shape })?.as_any())
    }
}

#[pymethods]
impl Words {
    /// # Safety
    /// Python calls this, with a structure to fill in.
    unsafe fn __getbuffer__(
        this: Bound<'_, Self>,
        view: *mut Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let Words { words, shape } = this.get();
        // SAFETY: `view` is Python's. A frozen object neither moves nor changes while `this`, which the
        // view keeps alive, lives.
        unsafe { export(this.as_any(), words, shape, view, flags) }
    }
}

/// Fills in a read-only view of `words`.
///
/// # Safety
/// `view` must be valid for writing, and `words` and `shape` must stay where they are, unchanged, for as long
/// as `owner` lives.
pub(crate) unsafe fn export(
    owner: &Bound<'_, PyAny>,
    words: &[u64],
    shape: &Shape,
    view: *mut Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    if view.is_null() {
        return Err(PyBufferError::new_err("there is no view to fill in"));
    }
    // SAFETY: `view` is valid for writing, as the caller promises.
    let view = unsafe { &mut *view };
    view.obj = null_mut();
    if flags & PyBUF_WRITABLE == PyBUF_WRITABLE {
        return Err(PyBufferError::new_err("the results are read-only"));
    }
    let asked = |flag| flags & flag == flag;
    view.buf = words.as_ptr().cast_mut().cast::<c_void>();
    view.len = size_of_val(words) as isize;
    view.readonly = 1;
    view.itemsize = 8;
    view.format = if asked(PyBUF_FORMAT) { c"Q".as_ptr().cast_mut() } else { null_mut() };
    view.ndim = if asked(PyBUF_ND) { shape.axes } else { 1 };
    let lengths = shape.lengths.as_ptr().cast_mut();
    view.shape = if asked(PyBUF_ND) { lengths } else { null_mut() };
    let strides = shape.strides.as_ptr().cast_mut();
    view.strides = if asked(PyBUF_STRIDES) { strides } else { null_mut() };
    view.suboffsets = null_mut();
    view.internal = null_mut();
    let object: *mut PyObject = owner.as_ptr();
    // SAFETY: the object is alive. The view owns this reference, and Python gives it back.
    unsafe { Py_INCREF(object) };
    view.obj = object;
    Ok(())
}
