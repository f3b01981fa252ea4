//! Sweeps as tables: where something happens, and the curve it is read from.

use super::model::model;
use super::numbers::{duration, percent, ratio, with_interval};
use super::style::Style;
use crate::analysis::Matrix;
use crate::laws::{Bracket, Refusal};
use crate::record::Study;
use crate::stats::Estimate;
use crate::studies::{Curve, EFFICIENCIES, Scaling, TASKS, curves, scalings};

/// The tables of a study; `None` for the matrix itself.
pub(super) fn study(matrix: &Matrix, style: Style) -> Option<String> {
    match matrix.header.study {
        Study::Compare => None,
        Study::Granularity => Some(granularity(matrix, style)),
        Study::BreakEven => Some(break_even(matrix, style)),
        Study::Scaling => Some(scaling(matrix, style)),
        Study::Model => Some(model(matrix, style)),
    }
}

pub(super) fn titled(title: &str, table: &comfy_table::Table, style: Style) -> String {
    format!("{title}{}{}{}\n", style.end, style.blank(), table.trim_fmt())
}

fn granularity(matrix: &Matrix, style: Style) -> String {
    let curves = curves(matrix);
    let mut heading = vec!["backend".into(), "workers".into()];
    heading.extend(EFFICIENCIES.map(|x| format!("METG({})", percent(x))));
    let mut table = style.narrow().table(heading);
    for curve in &curves {
        let mut line = vec![curve.backend.into(), curve.workers.to_string()];
        line.extend(EFFICIENCIES.map(|x| bracket(&curve.metg(x), |ns| duration(*ns))));
        table.add_row(line);
    }
    let title = format!(
        "the smallest tasks that are worth a part of the workers' time (METG), {TASKS} tasks a batch"
    );
    titled(&title, &table, style) + "\n" + &efficiencies(matrix, style)
}

/// Efficiency by task: sizes down, backends across.
fn efficiencies(matrix: &Matrix, style: Style) -> String {
    let mut counts = matrix.header.workers.clone();
    counts.retain(|&workers| workers <= matrix.header.cores);
    let table = |workers: usize| {
        let mut heading = vec!["task".into(), format!("takes{}alone", style.line)];
        heading.extend(matrix.header.backends.iter().map(|b| b.replacen('-', style.hyphen, 1)));
        let mut table = style.narrow().table(heading);
        for row in &matrix.rows {
            let index = row.scenario.index.map_or(String::new(), |n| format!("F({n})"));
            let alone = row.reference.wall_ns.zip(row.scenario.items);
            let alone = alone.map_or("-".into(), |(ns, items)| duration(ns / items as f64));
            let mut line = vec![index, alone];
            line.extend(matrix.header.backends.iter().map(|backend| {
                let of_it = |c: &&crate::Cell| c.backend == *backend && c.workers == workers;
                let cell = row.cells.iter().find(of_it).and_then(|cell| cell.speedup);
                cell.map_or("-".into(), |speedup| percent(speedup.median / workers as f64))
            }));
            table.add_row(line);
        }
        let title =
            format!("efficiency with {workers} workers, the part of their time that is used");
        titled(&title, &table, style)
    };
    counts.into_iter().map(table).collect::<Vec<_>>().join("\n")
}

fn break_even(matrix: &Matrix, style: Style) -> String {
    let heading = ["backend", "workers", "items of F(1000)", "index of 16 items"];
    let mut table = style.table(heading.map(Into::into).into());
    for curve in &curves(matrix) {
        let Curve { backend, workers, .. } = curve;
        let batch = bracket(&curve.break_even_batch(), |k| format!("{k:.0}"));
        let item = bracket(&curve.break_even_item(), |n| format!("{n:.0}"));
        table.add_row([(*backend).into(), workers.to_string(), batch, item]);
    }
    titled("break-even: the smallest batch that is not slower than sequentially", &table, style)
}

/// A crossing with its interval; beyond the points, on which side of them.
fn bracket(bracket: &Bracket, show: impl Fn(&f64) -> String) -> String {
    match bracket {
        Bracket::At { value, low, high } => {
            let end = |end: &Option<f64>| end.as_ref().map_or("?".into(), &show);
            format!("{} [{},{}]", show(value), end(low), end(high))
        }
        Bracket::Below(smallest) => format!("< {}", show(smallest)),
        Bracket::Above(largest) => format!("never up to {}", show(largest)),
        Bracket::Nothing => "-".into(),
    }
}

fn scaling(matrix: &Matrix, style: Style) -> String {
    let scalings = scalings(matrix);
    let line = style.line;
    let heading =
        ["backend".into(), "workers".into(), "speedup".into(), format!("Karp-{line}Flatt e")];
    let mut strong = style.table(heading.into());
    let heading = [
        "backend".into(),
        format!("Amdahl{line}f"),
        format!("Gustafson{line}s"),
        format!("USL{line}contention"),
        format!("USL{line}coherency"),
        format!("USL{line}peak"),
    ];
    let mut laws = style.table(heading.into());
    let fraction = |e: &Estimate| plain(e);
    for scaling in &scalings {
        for (workers, speedup, karp_flatt) in &scaling.strong {
            let speedup = speedup.as_ref().map_or("-".into(), with_interval);
            let karp_flatt = karp_flatt.as_ref().map_or(String::new(), fraction);
            strong.add_row([scaling.backend.into(), workers.to_string(), speedup, karp_flatt]);
        }
        let fit = |fit: &Result<Estimate, Refusal>| fit.as_ref().map_or("-".into(), fraction);
        let usl = scaling.usl.unwrap_or_default();
        let mut line = vec![scaling.backend.into(), fit(&scaling.amdahl), fit(&scaling.gustafson)];
        line.extend(usl.iter().map(|part| part.as_ref().map_or("-".into(), fraction)));
        laws.add_row(line);
    }
    let tables = titled("the same batch on more workers", &strong, style)
        + "\n"
        + &titled("what the laws of scaling make of it", &laws, style);
    tables + &refusals(scalings.first(), style)
}

/// Why laws say nothing, which is the same for all backends.
fn refusals(scaling: Option<&Scaling<'_>>, style: Style) -> String {
    let Some(scaling) = scaling else { return String::new() };
    let refused = [
        ("Amdahl", scaling.amdahl.as_ref().err()),
        ("Gustafson", scaling.gustafson.as_ref().err()),
        ("USL", scaling.usl.as_ref().err()),
    ];
    let lines = refused.into_iter().filter_map(|(law, refusal)| Some((law, refusal?)));
    lines.map(|(law, refusal)| format!("{law}: {refusal}{}", style.end)).collect()
}

/// A fraction, as 0.031 [0.020,0.042].
fn plain(estimate: &Estimate) -> String {
    let number = |x: f64| match x.abs() {
        small if small < 10.0 => format!("{x:.3}"),
        _ => ratio(x).replace('x', ""),
    };
    let interval = estimate
        .interval
        .map_or("[?]".into(), |(low, high)| format!("[{},{}]", number(low), number(high)));
    format!("{} {interval}", number(estimate.median))
}
