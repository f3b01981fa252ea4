//! Printing an analysis. Pure: the same analysis gives the same bytes.

mod conclusions;
mod document;
mod engines;
mod json;
mod losses;
mod matrix;
mod model;
mod numbers;
mod page;
mod scenario;
mod studies;

#[cfg(test)]
mod tests;

pub use json::{csv, json};
pub use numbers::{duration, percent, ratio, with_interval};
pub use page::Page;

use crate::analyse::Analysis;
use page::{Block, Table};

/// The report as plain text or in Markdown.
pub fn text(analysis: &Analysis, page: Page) -> String {
    page.print(&document::document(analysis, page.width))
}

/// A table with a paragraph above it and notes below it, for reports that are not about an analysis.
pub fn table(
    above: &str,
    heading: &[&str],
    rows: Vec<Vec<String>>,
    below: &str,
    page: Page,
) -> String {
    let mut table = Table::new(heading.iter().copied());
    rows.into_iter().for_each(|row| table.row(row));
    page.print(&[Block::Text(above.into()), Block::Table(table), Block::Text(below.into())])
}
