//! Printing a matrix, one small file a format. Pure: the same matrix gives the same bytes.

mod advice;
mod block;
mod csv;
mod detail;
mod engines;
mod json;
mod json_studies;
mod losses;
mod model;
mod numbers;
mod studies;
mod style;
mod table;
mod words;

#[cfg(test)]
mod tests;

pub use self::advice::{advice, advice_json};
pub use self::csv::csv;
pub use json::json;
pub use table::{markdown, table};
