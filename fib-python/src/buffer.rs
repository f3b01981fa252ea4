//! 64-bit words that Python reads and gives through the buffer protocol, without an object for each.
//!
//! The protocol is made of raw pointers, so filling in its structure needs `unsafe` code.
#![allow(unsafe_code)]

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi::{
    Py_INCREF, Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND,
    PyBUF_STRIDES, PyBUF_WRITABLE, PyObject,
};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use std::borrow::Cow;
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr::null_mut;

/// 64-bit words from another object.
pub(crate) enum Received {
    /// The memory of an object that nobody writes to. The words may be at any address.
    Shared(PyBuffer<u8>),
    /// A copy, because others may write to the object, even if they have said that it is read-only.
    Copied(Vec<u64>),
}

impl Received {
    /// `is_ours`: nobody else has the object, so its memory needs no copy.
    ///
    /// # Errors
    /// `ValueError` if the memory is not a whole number of words in one piece.
    pub(crate) fn new(source: &Bound<'_, PyAny>, is_ours: bool) -> PyResult<Self> {
        let bytes = PyMemoryView::from(source)?.call_method1("cast", ("B",))?;
        let bytes = PyBuffer::<u8>::get(&bytes)?;
        if !bytes.is_c_contiguous() || !bytes.item_count().is_multiple_of(8) {
            let message = "the memory must be whole 64-bit words in one piece";
            return Err(PyValueError::new_err(message));
        }
        if is_ours {
            return Ok(Received::Shared(bytes));
        }
        let mut words = vec![0u64; bytes.item_count() / 8];
        bytes.copy_to_slice(source.py(), bytemuck::cast_slice_mut(&mut words))?;
        Ok(Received::Copied(words))
    }

    /// The number of words.
    pub(crate) fn len(&self) -> usize {
        match self {
            Received::Shared(bytes) => bytes.item_count() / 8,
            Received::Copied(words) => words.len(),
        }
    }

    /// Some of the words.
    ///
    /// # Panics
    /// If the range is not within the words.
    pub(crate) fn get(&self, range: Range<usize>) -> Cow<'_, [u64]> {
        assert!(range.start <= range.end && range.end <= self.len());
        let bytes = match self {
            Received::Copied(words) => return words[range].into(),
            Received::Shared(bytes) => bytes,
        };
        let mut words = vec![0u64; range.len()];
        let source = bytes.buf_ptr().cast::<u8>();
        // SAFETY: the buffer is in one piece and has all of these bytes, and `words` has room for them.
        // Bytes need no alignment. Nobody else has the object, so nobody writes to its memory.
        unsafe {
            let first = source.add(8 * range.start);
            first.copy_to_nonoverlapping(words.as_mut_ptr().cast(), 8 * range.len());
        }
        words.into()
    }

    fn address(&self) -> *const c_void {
        match self {
            Received::Shared(bytes) => bytes.buf_ptr(),
            Received::Copied(words) => words.as_ptr().cast(),
        }
    }
}

/// Words that are not part of a table.
#[pyclass(frozen, module = "fib_parallel._core")]
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
        // SAFETY: `view` is Python's. The view keeps the object alive, and a frozen object neither moves
        // nor changes.
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
    let asked = |flag| flags & flag == flag;
    let is_by_columns = asked(PyBUF_F_CONTIGUOUS) && !asked(PyBUF_C_CONTIGUOUS);
    let refusal = match shape.axes {
        _ if asked(PyBUF_WRITABLE) => Some("the results are read-only"),
        2 if is_by_columns => Some("the results are in C order"),
        _ => None,
    };
    if let Some(message) = refusal {
        // SAFETY: `view` is valid for writing, as the caller promises.
        unsafe { (*view).obj = null_mut() };
        return Err(PyBufferError::new_err(message));
    }
    let object: *mut PyObject = owner.as_ptr();
    let (lengths, strides) = (shape.lengths.as_ptr(), shape.strides.as_ptr());
    let filled = Py_buffer {
        buf: address.cast_mut(),
        obj: object,
        len: 8 * words as isize,
        itemsize: 8,
        readonly: 1,
        ndim: if asked(PyBUF_ND) { shape.axes } else { 1 },
        format: if asked(PyBUF_FORMAT) { c"Q".as_ptr().cast_mut() } else { null_mut() },
        shape: if asked(PyBUF_ND) { lengths.cast_mut() } else { null_mut() },
        strides: if asked(PyBUF_STRIDES) { strides.cast_mut() } else { null_mut() },
        suboffsets: null_mut(),
        internal: null_mut(),
    };
    // SAFETY: `view` is valid for writing, as the caller promises. The object is alive; the view owns the new
    // reference to it, and Python gives it back.
    unsafe {
        Py_INCREF(object);
        view.write(filled);
    }
    Ok(())
}
