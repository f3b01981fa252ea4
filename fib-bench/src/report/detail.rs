//! One scenario in full: backends down, every quantity across.

use super::block::missing;
use super::numbers::{duration, ratio, with_interval};
use super::style::Style;
use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::stats::Estimate;

const NOTES: &str = "cold: from nothing to the first results; CPUs: CPU time over time";

pub(super) fn detail(matrix: &Matrix, row: &Row, style: Style) -> String {
    let line = style.line;
    let heading = [
        "backend".into(),
        format!("work-{line}ers"),
        "time".into(),
        "speedup".into(),
        "cold".into(),
        "of ceiling".into(),
        format!("over-{line}head"),
        "CPUs".into(),
        "verdict".into(),
    ];
    let mut table = style.narrow().table(heading.into());
    let columns = |cell: &Cell, name: &str| columns(cell, name, matrix.header.cores, style);
    table.add_row(columns(&row.reference, &row.reference.backend));
    for (copies, ceiling) in &row.ceilings {
        table.add_row(["ceiling", &copies.to_string(), "", &with_interval(ceiling)]);
    }
    for cell in &row.cells {
        table.add_row(columns(cell, &cell.backend));
    }
    if row.best.kernel != matrix.header.kernel {
        table.add_row(columns(&row.best, &format!("({})", row.best.kernel)));
    }
    let over = match row.cells.iter().any(|cell| cell.workers > matrix.header.cores) {
        true => format!("* more workers than there are cores{}", style.end),
        false => String::new(),
    };
    let (name, summary) = (&row.scenario.name, &row.scenario.summary);
    let whole = row.whole_ns.map_or(String::new(), |ns| {
        format!(
            "{} sequentially from call to result, layout and allocation included{}",
            duration(ns),
            style.end
        )
    });
    let end = style.end;
    let (blank, table) = (style.blank(), table.trim_fmt());
    format!("{name}: {summary}{end}{whole}{blank}{table}\n{blank}{NOTES}{end}{over}")
}

/// Worker counts above the cores are marked, since such workers take turns.
fn columns(cell: &Cell, name: &str, cores: usize, style: Style) -> Vec<String> {
    let estimate = |e: Option<Estimate>| e.map_or(String::new(), |e| with_interval(&e));
    let time = |ns: Option<f64>| ns.map_or(String::new(), duration);
    let verdict = cell.verdict.map_or(missing(cell), Verdict::name);
    let shared = if cell.shared { format!("{}shared", style.line) } else { String::new() };
    vec![
        name.into(),
        format!("{}{}", cell.workers, if cell.workers > cores { "*" } else { "" }),
        time(cell.wall_ns),
        estimate(cell.speedup),
        cell.cold.map_or(String::new(), |cold| ratio(cold.median).replace('x', "")),
        estimate(cell.of_ceiling).replace('x', ""),
        time(cell.overhead_ns),
        cell.cpus.map_or(String::new(), |cpus| format!("{cpus:.2}")),
        format!("{verdict}{shared}"),
    ]
}
