//! One scenario in full: backends down, every quantity across.

use super::block::missing;
use super::numbers::{duration, with_interval};
use super::style::Style;
use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::stats::Estimate;

pub(super) fn detail(matrix: &Matrix, row: &Row, style: Style) -> String {
    let start_up = format!("start-up{}a worker", style.line);
    let heading =
        ["backend", "workers", "time", "speedup", "of ceiling", "overhead", &start_up, "verdict"];
    let mut table = style.narrow().table(heading.map(Into::into).into());
    let line = |cell: &Cell, name: &str| line(cell, name, matrix.header.cores);
    table.add_row(line(&row.reference, &row.reference.backend));
    for (copies, ceiling) in &row.ceilings {
        let copies = copies.to_string();
        table.add_row(["ceiling", &copies, "", &with_interval(ceiling), "", "", "", ""]);
    }
    for cell in &row.cells {
        table.add_row(line(cell, &cell.backend));
    }
    if row.best.kernel != matrix.header.kernel {
        table.add_row(line(&row.best, &format!("({})", row.best.kernel)));
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
    format!("{name}: {summary}{}{whole}{}{}\n{over}", style.end, style.blank(), table.trim_fmt())
}

/// Worker counts above the cores are marked, since such workers take turns.
fn line(cell: &Cell, name: &str, cores: usize) -> Vec<String> {
    let estimate = |e: Option<Estimate>| e.map_or(String::new(), |e| with_interval(&e));
    let verdict = cell.verdict.map_or(missing(cell), Verdict::name);
    vec![
        name.into(),
        format!("{}{}", cell.workers, if cell.workers > cores { "*" } else { "" }),
        cell.wall_ns.map_or(String::new(), duration),
        estimate(cell.speedup),
        estimate(cell.of_ceiling).replace('x', ""),
        cell.overhead_ns.map_or(String::new(), duration),
        cell.start_up_ns.map_or(String::new(), |ns| duration(ns / cell.workers as f64)),
        if cell.shared { format!("{verdict}, shared") } else { verdict.into() },
    ]
}
