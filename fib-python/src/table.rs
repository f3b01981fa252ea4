//! The results of a batch, as Python sees them.

use crate::buffer::{Memory, Received, Shape, Words, export};
use crate::numbers::Numbers;
use fib::{Form, Kernel, Layout, from_limbs};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::ffi::Py_buffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyMemoryView, PySlice, PyString, PyTuple};
use std::borrow::Cow;
use std::ffi::c_int;
use std::ops::Range;

/// The Fibonacci numbers of one batch, in the order of its indices.
///
/// A table is a sequence of Python integers, which are made when they are asked for. Its memory is an array
/// of uint64, the limbs (base 2**64 digits) of all numbers: `memoryview(table)`, or
/// `numpy.asarray(table)`, reads it without a copy, and `limbs` tells which limbs belong to which number.
///
/// Two tables are equal if they have the same numbers in the same order. A table does not equal a list, as a
/// tuple does not. A table has no hash, because a hash would read all of its memory.
#[pyclass(frozen, sequence, module = "fib_parallel")]
pub(crate) struct Table {
    results: Results,
    shape: Shape,
}

/// Where the results are. They are complete.
enum Results {
    /// Computed here.
    Own(fib::Table),
    /// Computed elsewhere, in the order of this layout.
    Received(Layout, Received),
}

impl Table {
    /// `table` has every result.
    pub(crate) fn new(table: fib::Table) -> Self {
        let shape = Shape::line(table.arena().len());
        Table { results: Results::Own(table), shape }
    }

    /// A table of results that another process has computed.
    ///
    /// # Errors
    /// `ValueError` if `limbs` do not belong to `layout`.
    pub(crate) fn received(layout: Layout, limbs: Received) -> PyResult<Self> {
        if limbs.len() != layout.limbs() {
            return Err(PyValueError::new_err("the pickle is damaged"));
        }
        let shape = Shape::line(limbs.len());
        Ok(Table { results: Results::Received(layout, limbs), shape })
    }

    fn layout(&self) -> &Layout {
        match &self.results {
            Results::Own(table) => table.layout(),
            Results::Received(layout, _) => layout,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.layout().len()
    }

    fn index(&self, i: usize) -> u64 {
        let layout = self.layout();
        layout.indices()[layout.slot_of(i)]
    }

    /// Where the limbs of number `i` are.
    fn range(&self, i: usize) -> Range<usize> {
        let layout = self.layout();
        layout.range(layout.slot_of(i))
    }

    fn limbs_of(&self, i: usize) -> Cow<'_, [u64]> {
        match &self.results {
            Results::Own(table) => table.arena()[self.range(i)].into(),
            Results::Received(_, limbs) => limbs.get(self.range(i)),
        }
    }

    /// Number `i`.
    pub(crate) fn int<'py>(&self, py: Python<'py>, i: usize) -> PyResult<Bound<'py, PyInt>> {
        let limbs = self.limbs_of(i);
        let bytes: Cow<'_, [u8]> = match &*limbs {
            [] => return Ok(0.into_pyobject(py)?),
            [limb] => return Ok(limb.into_pyobject(py)?),
            limbs if cfg!(target_endian = "little") => bytemuck::cast_slice(limbs).into(),
            limbs => limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect(),
        };
        let arguments = (PyBytes::new(py, &bytes), intern!(py, "little"));
        let number = py.get_type::<PyInt>().call_method1(intern!(py, "from_bytes"), arguments)?;
        Ok(number.cast_into()?)
    }

    /// Whether number `i` equals a Python object.
    fn equals(&self, i: usize, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let_signals_in(value.py(), i)?;
        self.int(value.py(), i)?.as_any().eq(value)
    }

    /// Whether number `i` is the sum of the two before it in the table. Python adds two numbers much faster
    /// than it converts limbs.
    pub(crate) fn is_sum(&self, i: usize) -> bool {
        i >= 2 && self.modulus().is_none() && follow(&[i - 2, i - 1, i].map(|i| self.index(i)))
    }

    fn kernel(&self) -> &dyn Kernel {
        &**self.layout().kernel()
    }

    fn all_indices(&self) -> Vec<u64> {
        (0..self.len()).map(|i| self.index(i)).collect()
    }

    /// Whether both tables have the same numbers. A residue of 0 has a limb, and F(0) has none.
    fn has_numbers_of(&self, other: &Table) -> bool {
        let is_same = |i| without_zeros(&self.limbs_of(i)) == without_zeros(&other.limbs_of(i));
        self.len() == other.len() && (0..self.len()).all(is_same)
    }
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.len()
    }

    /// Number `i` for an integer, a list of numbers for a slice.
    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        position: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let len = self.len() as isize;
        if let Ok(slice) = position.cast::<PySlice>() {
            let slice = slice.indices(len)?;
            let nth = |i: usize| (slice.start + i as isize * slice.step) as usize;
            let numbers = (0..slice.slicelength).map(|i| self.int(py, nth(i)));
            return Ok(PyList::new(py, numbers.collect::<PyResult<Vec<_>>>()?)?.into_any());
        }
        let Ok(i) = position.extract::<isize>() else {
            // Python says what is wrong with it, as for a list.
            return PyList::empty(py).as_any().get_item(position);
        };
        let from_start = if i < 0 { i + len } else { i };
        if !(0..len).contains(&from_start) {
            return Err(PyIndexError::new_err(format!(
                "position {i} is out of range: the table has {len} numbers"
            )));
        }
        Ok(self.int(py, from_start as usize)?.into_any())
    }

    fn __iter__(this: Bound<'_, Self>) -> Numbers {
        Numbers { table: this.unbind(), position: 0, last: None }
    }

    fn __eq__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> bool {
        let other = &*other;
        py.detach(|| self.has_numbers_of(other))
    }

    /// The first position of a number that equals `value`, from `start` up to but not including `stop`.
    ///
    /// :raises ValueError: there is no such number
    #[pyo3(name = "index", signature = (value, start=None, stop=None))]
    fn first_position<'py>(
        &self,
        value: &Bound<'py, PyAny>,
        start: Option<Bound<'py, PyAny>>,
        stop: Option<Bound<'py, PyAny>>,
    ) -> PyResult<usize> {
        let py = value.py();
        let slice = py.get_type::<PySlice>().call1((start, stop))?.cast_into::<PySlice>()?;
        let within = slice.indices(self.len() as isize)?;
        for i in within.start as usize..within.stop as usize {
            if self.equals(i, value)? {
                return Ok(i);
            }
        }
        Err(PyValueError::new_err("the value is not in the table"))
    }

    /// How many numbers equal `value`.
    fn count(&self, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        (0..self.len()).try_fold(0, |count, i| Ok(count + usize::from(self.equals(i, value)?)))
    }

    fn __repr__(&self) -> String {
        format!("<fib_parallel.Table of {} numbers, {} bytes>", self.len(), self.nbytes())
    }

    /// The indices: a memoryview of uint64 with shape (len,).
    #[getter]
    fn indices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        Words::line(py, self.all_indices())
    }

    /// The modulus if this table has residues; otherwise None.
    #[getter]
    fn modulus(&self) -> Option<u128> {
        match self.kernel().form() {
            Form::Residue(modulus) => Some(modulus.get().map_or(1 << 64, u128::from)),
            _ => None,
        }
    }

    /// The size of all limbs in bytes.
    #[getter]
    fn nbytes(&self) -> usize {
        8 * self.layout().limbs()
    }

    /// The limbs of all numbers and the bounds of each number, without a copy of the limbs.
    ///
    /// :returns: two read-only memoryviews of uint64: `limbs` with shape (m,), and `bounds` with shape
    ///     (len, 2). Number `i` is `limbs[bounds[i, 0]:bounds[i, 1]]`, the least significant limb first.
    ///     The limbs are not always in the order of the indices, and equal indices can share them. In a
    ///     table of numbers F(0) has no limbs; in a table of residues each number has one
    fn limbs<'py>(
        this: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyMemoryView>, Bound<'py, PyMemoryView>)> {
        let (py, table) = (this.py(), this.get());
        let bounds = (0..table.len()).flat_map(|i| {
            let range = table.range(i);
            [range.start as u64, range.end as u64]
        });
        Ok((PyMemoryView::from(this.as_any())?, Words::pairs(py, bounds.collect())?))
    }

    /// All numbers as a list of integers.
    fn to_ints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let indices = self.all_indices();
        let has_sums = self.modulus().is_none();
        let mut numbers: Vec<Bound<'py, PyAny>> = Vec::with_capacity(indices.len());
        for i in 0..indices.len() {
            let_signals_in(py, i)?;
            let number = match &numbers[..] {
                [.., a, b] if has_sums && follow(&indices[i - 2..=i]) => a.add(b)?,
                _ => self.int(py, i)?.into_any(),
            };
            numbers.push(number);
        }
        PyList::new(py, numbers)
    }

    /// All numbers as a list of decimal strings. `fib_parallel.text` computes them without a
    /// conversion.
    fn to_strings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, self.len(), |i| {
            let limbs = self.limbs_of(i);
            py.detach(|| from_limbs(&limbs).to_string()).into()
        })
    }

    /// Pickle keeps the indices and the limbs. From protocol 5 on it can take the limbs without a copy.
    fn __reduce_ex__<'py>(
        this: &Bound<'py, Self>,
        protocol: u32,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, table) = (this.py(), this.get());
        let limbs = match protocol {
            5.. => py.import("pickle")?.getattr("PickleBuffer")?.call1((this,))?,
            _ => PyMemoryView::from(this.as_any())?.call_method0("tobytes")?,
        };
        let indices = Words::line(py, table.all_indices())?.call_method0("tobytes")?;
        let modulus = table.modulus().map(|m| m.to_string());
        let arguments = (table.kernel().name(), modulus, indices, limbs).into_pyobject(py)?;
        Ok((py.import("fib_parallel._core")?.getattr("_table")?, arguments))
    }

    /// # Safety
    /// Python calls this, with a structure to fill in.
    #[allow(unsafe_code)]
    unsafe fn __getbuffer__(
        this: Bound<'_, Self>,
        view: *mut Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let Table { results, shape } = this.get();
        let memory = match results {
            Results::Own(table) => Memory::of(table.arena()),
            Results::Received(_, limbs) => Memory::of_received(limbs),
        };
        // SAFETY: `view` is Python's. The view keeps the object alive, and a frozen object neither moves
        // nor frees its memory.
        unsafe { export(this.as_any(), memory, shape, view, flags) }
    }
}

/// A number without leading zero limbs.
fn without_zeros(limbs: &[u64]) -> &[u64] {
    let len = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
    &limbs[..len]
}

/// Whether each index is the one after the index before.
fn follow(indices: &[u64]) -> bool {
    indices.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]))
}

/// The text of each result of a kernel that writes text.
pub(crate) fn strings<'py>(py: Python<'py>, table: &fib::Table) -> PyResult<Bound<'py, PyList>> {
    list(py, table.len(), |i| table.text(i).unwrap_or_default()) // every result is there
}

fn list<'py, 'a>(
    py: Python<'py>,
    len: usize,
    text: impl Fn(usize) -> Cow<'a, str>,
) -> PyResult<Bound<'py, PyList>> {
    let string = |i| {
        let_signals_in(py, i)?;
        Ok(PyString::new(py, &text(i)))
    };
    PyList::new(py, (0..len).map(string).collect::<PyResult<Vec<_>>>()?)
}

/// Called before number `i` of a long list is made: lets Python handle signals now and then.
fn let_signals_in(py: Python<'_>, i: usize) -> PyResult<()> {
    if i.is_multiple_of(64) { py.check_signals() } else { Ok(()) }
}
