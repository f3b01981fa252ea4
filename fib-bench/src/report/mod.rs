//! Printing a matrix, one small file a format. Pure: the same matrix gives the same bytes.

mod csv;
mod json;
mod numbers;
mod table;
mod words;

pub use self::csv::csv;
pub use json::json;
pub use table::{markdown, table};
