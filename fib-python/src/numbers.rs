//! The iterator over a table. It is apart from the table because it adds numbers, which is much faster than
//! converting limbs.

use crate::table::Table;
use pyo3::prelude::*;
use pyo3::types::PyInt;

/// An iterator over the numbers of a table.
#[pyclass(module = "fib_parallel._core")]
pub(crate) struct Numbers {
    pub(crate) table: Py<Table>,
    pub(crate) position: usize,
    /// The last two numbers, the older one first.
    pub(crate) last: Option<(Py<PyInt>, Py<PyInt>)>,
}

#[pymethods]
impl Numbers {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyInt>>> {
        let (table, i) = (self.table.get(), self.position);
        if i == table.len() {
            return Ok(None);
        }
        let number = match &self.last {
            Some((a, b)) if table.is_sum(i) => a.bind(py).add(b)?.cast_into()?,
            _ => table.int(py, i)?,
        };
        let newest = number.clone().unbind();
        let before = self.last.take().map_or_else(|| newest.clone_ref(py), |(_, before)| before);
        self.last = Some((before, newest));
        self.position += 1;
        Ok(Some(number))
    }
}
