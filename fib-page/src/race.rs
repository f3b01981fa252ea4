//! A race has no chart: its sizes are numbers that a reader compares one by one.

use crate::Section;
use crate::blocks::show_blocks;
use crate::figure::Item;
use fib_report::Analysis;
use fib_report::Findings;
use fib_report::report::findings;

pub(super) fn section(analyses: &[Analysis]) -> Option<Section> {
    let races = analyses.iter().filter(|analysis| matches!(analysis.findings, Findings::Race(_)));
    let items: Vec<Item> = races.map(|race| Item::Prose(show_blocks(&findings(race)))).collect();
    (!items.is_empty()).then_some(Section { id: "race", title: "How much in a given time", items })
}
