//! A race and the cost of forks have no chart: their results are numbers that a reader compares one by one.

use crate::blocks::show_blocks;
use crate::figure::Item;
use fib_report::report::findings;
use fib_report::{Analysis, Findings};

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    match analysis.findings {
        Findings::Race(_) => vec![Item::Prose(show_blocks(&findings(analysis)))],
        _ => vec![],
    }
}

/// What forks cost.
pub(super) fn forks(_record: usize, analysis: &Analysis) -> Vec<Item> {
    match analysis.findings {
        Findings::Forks(_) => vec![Item::Prose(show_blocks(&findings(analysis)))],
        _ => vec![],
    }
}
