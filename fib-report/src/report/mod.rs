//! Prints an analysis. The same analysis always gives the same bytes.
//!
//! The page of `fib-page` shows the same tables and sentences, so their parts are public.

mod conclusions;
mod difference;
mod document;
mod engines;
mod forks;
mod gantt;
mod json;
mod losses;
mod matrix;
mod model;
mod numbers;
mod page;
mod race;
mod scenario;
mod studies;
mod timelines;

#[cfg(test)]
mod tests;

pub use difference::{difference_csv, difference_text};
pub use json::{csv, difference_json, json, timelines_json};
pub use numbers::{duration, percent, ratio, with_interval};
pub use page::Page;

pub use conclusions::{leaders, list, name};
pub use document::{conclusions, faults, heading, noise_banner};
pub use engines::engines;
pub use losses::losses_of;
pub use matrix::{for_workers as all_scenarios, pool_starts};
pub use model::{checks, table as model_table};
pub use numbers::{margin_text, percent_up, spread};
pub use page::{Block, Line, TextTable, narrow, unbroken};
pub use race::thousands;
pub use scenario::{fault, rounds, scenario, verdict};
pub use studies::{findings, scaling as scaling_tables};
pub use timelines::reading_of;

use crate::analyse::Analysis;
use crate::timeline::Timeline;

/// The report as plain text or in Markdown.
pub fn text(analysis: &Analysis, page: Page) -> String {
    page.print(&document::document(analysis, page.width))
}

/// The runs whose chunks the record has, drawn: those of each scenario on one time axis. Empty if the record
/// has none.
pub fn timelines(analysis: &Analysis, page: Page) -> String {
    page.print(&timelines::all_timelines(&analysis.matrix, page))
}

/// These runs, drawn on one time axis below a title.
pub fn draw_timelines(title: &str, runs: &[Timeline], page: Page) -> String {
    page.print(&timelines::with_legend(title, runs, page))
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
    let mut table = TextTable::new(heading.iter().copied());
    if heading.len() > 6 {
        table = table.narrow();
    }
    rows.into_iter().for_each(|row| table.row(row));
    page.print(&[Block::Text(intro.into()), Block::Table(table), Block::Text(notes.into())])
}
