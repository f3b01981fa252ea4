//! Cells that each thread has for itself. All threads of a model run on one thread of the system.

use shuttle::thread::LocalKey;
use std::cell::Cell;

/// The methods of `std::thread::LocalKey<Cell<_>>` that `shuttle` lacks.
pub struct CellKey<C: 'static>(pub &'static LocalKey<C>);

impl<T: Copy> CellKey<Cell<T>> {
    /// The value.
    pub fn get(&'static self) -> T {
        self.0.with(Cell::get)
    }

    /// Sets the value.
    pub fn set(&'static self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    /// Sets the value and returns the one before.
    pub fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

/// `std::thread_local`, for cells.
#[macro_export]
macro_rules! thread_local {
    ($vis:vis static $name:ident: $cell:ty = const { $init:expr } $(;)?) => {
        $vis static $name: $crate::parts::CellKey<$cell> = {
            $crate::parts::thread_local!(static KEY: $cell = $init);
            $crate::parts::CellKey(&KEY)
        };
    };
}
