//! Prints an analysis. The same analysis always gives the same bytes.

mod conclusions;
mod document;
mod engines;
mod json;
mod losses;
mod matrix;
mod model;
mod numbers;
mod page;
mod race;
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

/// A table with a paragraph above it and notes below it, for reports that do not come from an
/// analysis.
pub fn table(
    intro: &str,
    heading: &[&str],
    rows: Vec<Vec<String>>,
    notes: &str,
    page: Page,
) -> String {
    let mut table = Table::new(heading.iter().copied());
    if heading.len() > 6 {
        table = table.narrow();
    }
    rows.into_iter().for_each(|row| table.row(row));
    page.print(&[Block::Text(intro.into()), Block::Table(table), Block::Text(notes.into())])
}
