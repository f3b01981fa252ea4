//! Two comparisons side by side, in all formats.

use super::json::lines_of_csv;
use super::numbers::{duration, interval, margin_text, ratio};
use super::page::{Block, Line, Page, TextTable};
use super::scenario::fault;
use crate::analysis::Verdict;
use crate::difference::{CellDifference, Difference, ScenarioDifference};
use crate::sample::Status;
use crate::stats::Estimate;

const NOTE: &str = "new / old is the new speedup divided by the old one. Each record has its own baseline in every \
                    round, so a machine that was slower as a whole at one of the two moments changes neither \
                    speedup. The interval is made of the intervals of both speedups, which allow for the \
                    difference between two comparisons. All intervals of a scenario hold together in 99% of \
                    cases.";

const SINGLE: &str = "A record with a single run has no interval that holds for another comparison, so the verdict \
                      is unresolved.";

/// The difference as plain text or in Markdown, below `heading`.
pub fn difference_text(heading: &str, difference: &Difference, page: Page) -> String {
    let mut blocks = vec![Block::Text(heading.into()), Block::Table(table(difference))];
    if !difference.only_in_one.is_empty() {
        let text = format!("only in one record: {}", difference.only_in_one.join(", "));
        blocks.push(Block::Text(text));
    }
    let single = if difference.has_single_run { format!(" {SINGLE}") } else { String::new() };
    blocks.push(Block::Text(format!("{NOTE}{single}")));
    blocks.push(Block::Text(summary(difference)));
    page.print(&blocks)
}

/// The difference as CSV: one line for each cell.
pub fn difference_csv(difference: &Difference) -> String {
    lines_of_csv(difference.cells())
}

fn table(difference: &Difference) -> TextTable {
    let mut table = TextTable::new([
        "backend",
        "workers",
        "old",
        "new",
        "new / old",
        "[99% interval]",
        "verdict",
    ])
    .narrow();
    for scenario in &difference.scenarios {
        table.rows.push(Line::Section(section(scenario)));
        scenario.cells.iter().for_each(|cell| table.row(row(cell)));
    }
    table
}

/// The name of a scenario, and how long its baselines took.
fn section(scenario: &ScenarioDifference) -> String {
    let ScenarioDifference { name, old_baseline_ns, new_baseline_ns, .. } = scenario;
    match old_baseline_ns.zip(*new_baseline_ns) {
        Some((old, new)) => {
            format!("{name}: baseline {}, and then {}", duration(old), duration(new))
        }
        None => name.clone(),
    }
}

fn row(cell: &CellDifference) -> Vec<String> {
    let speedup = |estimate: Option<Estimate>, status: Status| match (estimate, status) {
        (Some(estimate), _) => ratio(estimate.median),
        (None, Status::Ok) => "-".into(),
        (None, status) => fault(status).into(),
    };
    let change = cell.change;
    vec![
        cell.backend.clone(),
        cell.workers.to_string(),
        speedup(cell.old_speedup, cell.old_status),
        speedup(cell.new_speedup, cell.new_status),
        change.map_or(String::new(), |change| ratio(change.median)),
        change.map_or(String::new(), |change| interval(&change)),
        cell.verdict.map_or(String::new(), verdict_text),
    ]
}

fn verdict_text(verdict: Verdict) -> String {
    match verdict {
        Verdict::Equal(margin) => format!("equal ±{}", margin_text(margin)),
        verdict => verdict.name().into(),
    }
}

/// How many cells have each verdict, and which are faster or slower.
fn summary(difference: &Difference) -> String {
    let with = |wanted: fn(Verdict) -> bool| -> Vec<&CellDifference> {
        difference.cells().filter(|cell| cell.verdict.is_some_and(wanted)).collect()
    };
    let faster = with(|verdict| verdict == Verdict::Faster);
    let slower = with(|verdict| verdict == Verdict::Slower);
    let equal = with(|verdict| matches!(verdict, Verdict::Equal(_))).len();
    let unresolved = with(|verdict| verdict == Verdict::Unresolved).len();
    let all = difference.cells().count();
    let failed = all - faster.len() - slower.len() - equal - unresolved;
    let mut text = format!(
        "Of {all} cells, {} {} faster, {} slower, {equal} equal, and {unresolved} unresolved",
        faster.len(),
        if faster.len() == 1 { "is" } else { "are" },
        slower.len()
    );
    text +=
        &if failed > 0 { format!("; {failed} failed in one of the records.") } else { ".".into() };
    for (word, cells) in [("faster", faster), ("slower", slower)] {
        if !cells.is_empty() {
            let name = |cell: &&CellDifference| {
                format!("{} {}/{}", cell.scenario, cell.backend, cell.workers)
            };
            let names: Vec<String> = cells.iter().map(name).collect();
            text += &format!("\n{word}: {}", names.join(", "));
        }
    }
    text
}
