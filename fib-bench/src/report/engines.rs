//! Other engines: each against its own baseline, and against ours.

use super::block::missing;
use super::numbers::{duration, ratio, spread};
use super::style::Style;
use crate::analysis::{Cell, Matrix, Row};
use crate::record::EngineHead;

/// A table for every engine beside our own and every worker count.
pub(super) fn engines(matrix: &Matrix, style: Style) -> String {
    let mut workers = matrix.header.workers.clone();
    workers.dedup();
    let engines = matrix.header.engines.iter();
    let each = |engine| workers.iter().map(move |&workers| (engine, workers));
    let tables =
        engines.flat_map(each).map(|(engine, workers)| table(matrix, engine, workers, style));
    tables.collect::<Vec<_>>().join("\n")
}

fn table(matrix: &Matrix, engine: &EngineHead, workers: usize, style: Style) -> String {
    let line = style.line;
    let own = format!("{}/", engine.name);
    let short = |label: &str| label.trim_start_matches(&own).replacen('-', style.hyphen, 1);
    let others = || engine.backends.iter().filter(|label| **label != engine.baseline);
    let mut heading = vec!["scenario".into(), format!("{}{line}time", short(&engine.baseline))];
    heading.extend(others().map(|label| short(label)));
    heading.push(format!("best{line}of ours"));
    let mut table = style.narrow().ruled().table(heading);
    for row in &matrix.rows {
        let find = |label: &str| {
            let all = row.cells.iter().chain([&row.reference]);
            let mut cells = all.filter(|cell| cell.backend == label);
            cells.find(|cell| cell.workers == workers || label == engine.baseline)
        };
        let mut cells = vec![row.scenario.name.clone()];
        cells.push(find(&engine.baseline).map_or("-".into(), |cell| baseline(cell, style)));
        cells.extend(others().map(|label| find(label).map_or("-".into(), |c| compact(c, style))));
        cells.push(best_of_ours(row, workers, style));
        table.add_row(cells);
    }
    let EngineHead { name, version, baseline, .. } = engine;
    let title = format!(
        "{name} ({version}), {workers} worker{}: speedup over {baseline}; (cold, new pool); over {}",
        if workers == 1 { "" } else { "s" },
        matrix.header.against.backend
    );
    format!("{title}\n{}{}\n", style.blank(), table.trim_fmt())
}

/// The engine's own baseline: its time, and what it is of ours.
fn baseline(cell: &Cell, style: Style) -> String {
    match (cell.wall_ns, cell.speedup) {
        (Some(ns), Some(speedup)) => {
            format!("{}{2}{2}{2}{1}", duration(ns), ratio(speedup.median), style.line)
        }
        _ => missing(cell).into(),
    }
}

fn compact(cell: &Cell, style: Style) -> String {
    let (Some(own), Some(speedup)) = (cell.own_speedup, cell.speedup) else {
        return missing(cell).into();
    };
    let line = style.line;
    // From the ratio to what is compared with, that of a cold start to its own baseline.
    let cold = cell.cold.map_or(String::new(), |cold| {
        let cold = own.median * cold.median / speedup.median;
        format!("{line}({})", ratio(cold).replace('x', ""))
    });
    let (own_speedup, all) = (ratio(own.median), ratio(speedup.median));
    format!("{own_speedup}{line}{}{cold}{line}{all}", spread(&own))
}

fn best_of_ours(row: &Row, workers: usize, style: Style) -> String {
    let ours = row.cells.iter().filter(|cell| cell.engine.is_none() && cell.workers == workers);
    let with_speedup = ours.filter_map(|cell| Some((cell.speedup?.median, cell)));
    let best = with_speedup.max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or("-".into(), |(speedup, cell)| {
        format!("{}{}{}", cell.backend, style.line, ratio(speedup))
    })
}
