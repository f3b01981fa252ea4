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
use std::ops::Range;
use std::ptr::null_mut;

/// The memory of another object, as 64-bit words. They may be at any address, and the object may change them.
pub(crate) struct Received(PyBuffer<u8>);

impl Received {
    /// # Errors
    /// `ValueError` if the memory is not a whole number of words in one piece.
    pub(crate) fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = PyMemoryView::from(source)?.call_method1("cast", ("B",))?;
        let bytes = PyBuffer::<u8>::get(&bytes)?;
        match bytes.is_c_contiguous() && bytes.item_count().is_multiple_of(8) {
            true => Ok(Received(bytes)),
            false => Err(PyValueError::new_err("expected whole 64-bit words")),
        }
    }

    /// The number of words.
    pub(crate) fn len(&self) -> usize {
        self.0.item_count() / 8
    }

    /// A copy of some of the words.
    ///
    /// # Panics
    /// If the range is not within the words.
    pub(crate) fn copy(&self, range: Range<usize>) -> Vec<u64> {
        assert!(range.start <= range.end && range.end <= self.len());
        let mut words = vec![0u64; range.len()];
        let source = self.0.buf_ptr().cast::<u8>();
        // SAFETY: the buffer is in one piece and has all of these bytes, and `words` has room for them.
        // Bytes need no alignment. Python's objects change only under the GIL, which every caller holds.
        unsafe {
            let first = source.add(8 * range.start);
            first.copy_to_nonoverlapping(words.as_mut_ptr().cast(), 8 * range.len());
        }
        words
    }

    fn address(&self) -> *const c_void {
        self.0.buf_ptr()
    }
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
        unsafe { export(this.as_any(), Memory::of(words), shape, view, flags) }
    }
}

/// Where words are that a view shows, and how many.
pub(crate) struct Memory(*const c_void, usize);

impl Memory {
    pub(crate) fn of(words: &[u64]) -> Self {
        Memory(words.as_ptr().cast(), words.len())
    }

    pub(crate) fn of_received(received: &Received) -> Self {
        Memory(received.address(), received.len())
    }
}

/// Fills in a read-only view.
///
/// # Safety
/// `view` must be valid for writing, and the words and `shape` must stay where they are for as long as `owner`
/// lives.
pub(crate) unsafe fn export(
    owner: &Bound<'_, PyAny>,
    Memory(address, words): Memory,
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
    view.buf = address.cast_mut();
    view.len = 8 * words as isize;
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
