//! The findings of a study as tables.

use super::model::model;
use super::numbers::{duration, percent, ratio, with_interval};
use super::page::{Block, Table, narrow};
use super::race::race;
use crate::analyse::Analysis;
use crate::analysis::{Matrix, Verdict};
use crate::laws::{Crossing, Refusal};
use crate::stats::Estimate;
use crate::studies::{
    BREAK_EVEN_INDEX, BREAK_EVEN_ITEMS, BreakEven, ChunkingEffect, EFFICIENCIES, Findings,
    Granularity, Scaling, TASKS,
};

pub(super) fn findings(analysis: &Analysis) -> Vec<Block> {
    let matrix = &analysis.matrix;
    match &analysis.findings {
        Findings::Matrix => vec![],
        Findings::Granularity(granularities) => granularity(matrix, granularities),
        Findings::BreakEven(points) => break_even(points),
        Findings::Scaling(scalings) => scaling(scalings),
        Findings::Chunking(effects) => chunking(matrix, effects),
        Findings::Model(models) => model(matrix, models),
        Findings::Race(results) => race(matrix, results),
    }
}

const METG: &str = "METG (minimum effective task granularity): the smallest task at which workers \
                    reach this efficiency. The size of a task is wall time x workers / tasks. \
                    Efficiency is speedup over number of workers.";

const OPEN: &str = "The interval follows from the intervals of the measured points; ? marks an end \
                    that lies beyond them.";

fn granularity(matrix: &Matrix, granularities: &[Granularity]) -> Vec<Block> {
    let heading = ["backend".into(), "workers".into()].into_iter();
    let mut table =
        Table::new(heading.chain(EFFICIENCIES.map(|x| format!("METG\n{}", percent(x)))));
    for granularity in granularities {
        let metg = granularity.metg.iter();
        let metg = metg.map(|metg| crossing(&metg.granularity_ns, |ns| duration(*ns)));
        let row = [granularity.backend.clone(), granularity.workers.to_string()];
        table.row(row.into_iter().chain(metg));
    }
    let title = format!(
        "Smallest task at which workers are {} efficient, {TASKS} tasks in each batch",
        EFFICIENCIES.map(percent).join(" / ")
    );
    let mut blocks = vec![Block::Title(title), Block::Table(table)];
    blocks.push(Block::Text(format!("{METG}\n{OPEN}")));
    let mut counts = matrix.header.workers.clone();
    counts.retain(|&workers| workers <= matrix.header.cores);
    blocks.extend(counts.into_iter().flat_map(|workers| efficiencies(matrix, workers)));
    blocks
}

/// The efficiency for each task size: sizes down, backends across.
fn efficiencies(matrix: &Matrix, workers: usize) -> [Block; 2] {
    let backends = &matrix.header.backends;
    let heading = ["task".into(), "time\nalone".into()].into_iter();
    let mut table =
        Table::new(heading.chain(backends.iter().map(|head| narrow(&head.label)))).narrow();
    for row in &matrix.rows {
        let index = row.scenario.index.map_or(String::new(), |n| format!("F({n})"));
        let sequential = row.baseline.wall_ns.map(|ns| duration(ns / row.scenario.items as f64));
        let efficiencies = backends.iter().map(|head| {
            let mut cells = row.cells.iter();
            let cell = cells.find(|cell| cell.backend == head.label && cell.workers == workers);
            let speedup = cell.and_then(|cell| cell.speedup);
            speedup.map_or("-".into(), |speedup| percent(speedup.median / workers as f64))
        });
        table.row([index, sequential.unwrap_or("-".into())].into_iter().chain(efficiencies));
    }
    let title = format!("Efficiency with {workers} workers: the share of their time that is used");
    [Block::Title(title), Block::Table(table)]
}

fn break_even(points: &[BreakEven]) -> Vec<Block> {
    let mut table = Table::new([
        "backend".into(),
        "workers".into(),
        format!("items of\nF({BREAK_EVEN_INDEX})"),
        format!("index of\n{BREAK_EVEN_ITEMS} items"),
    ]);
    for point in points {
        let number = |x: &f64| format!("{x:.0}");
        table.row([
            point.backend.clone(),
            point.workers.to_string(),
            crossing(&point.items, number),
            crossing(&point.index, number),
        ]);
    }
    let title = "Break-even: the smallest batch that is not slower than one thread";
    vec![Block::Title(title.into()), Block::Table(table), Block::Text(OPEN.into())]
}

/// A crossing with its interval below it, or the side of the measured points on which it lies.
fn crossing(crossing: &Crossing, show: impl Fn(&f64) -> String) -> String {
    match crossing {
        Crossing::At { value, low, high } => {
            let end = |bound: &Option<f64>| bound.as_ref().map_or("?".into(), &show);
            format!("{}\n[{}, {}]", show(value), end(low), end(high))
        }
        Crossing::Below(smallest) => format!("below {}\n(smallest tried)", show(smallest)),
        Crossing::Above(largest) => format!("not reached\n(up to {})", show(largest)),
        Crossing::Unknown => "no sample".into(),
    }
}

fn scaling(scalings: &[Scaling]) -> Vec<Block> {
    let mut strong = Table::new(["backend", "workers", "speedup", "serial fraction\n(Karp-Flatt)"]);
    let mut serial = Table::new(["backend", "Amdahl\ntax", "Amdahl\nserial", "Gustafson\nserial"]);
    let mut usl = Table::new(["backend", "USL\ncontention", "USL\ncoherency", "USL\npeak"]);
    for scaling in scalings {
        for point in &scaling.strong {
            strong.row([
                scaling.backend.clone(),
                point.workers.to_string(),
                point.speedup.as_ref().map_or("no sample".into(), with_interval),
                point.karp_flatt.as_ref().map_or("needs 2 workers".into(), fraction),
            ]);
        }
        let fit = |fit: &Result<Estimate, Refusal>| fit.as_ref().map_or("refused".into(), fraction);
        let peak = match &scaling.usl_peak {
            Ok(peak) => peak.as_ref().map_or("no peak".into(), fraction),
            Err(_) => "refused".into(),
        };
        let Scaling { backend, amdahl_tax, amdahl, gustafson, .. } = scaling;
        serial.row([backend.clone(), fit(amdahl_tax), fit(amdahl), fit(gustafson)]);
        let (a, b) = (fit(&scaling.usl_contention), fit(&scaling.usl_coherency));
        usl.row([backend.clone(), a, b, peak]);
    }
    vec![
        Block::Title("The same batch with more workers".into()),
        Block::Table(strong),
        Block::Title("Laws of scaling, fitted to these speedups".into()),
        Block::Table(serial),
        Block::Table(usl),
        Block::Text(refusals(scalings)),
    ]
}

/// Why laws were refused. The reason is the same for all backends, so the first backend is enough.
fn refusals(scalings: &[Scaling]) -> String {
    let Some(scaling) = scalings.first() else { return String::new() };
    let refused = [
        ("Amdahl", scaling.amdahl.as_ref().err()),
        ("Gustafson", scaling.gustafson.as_ref().err()),
        ("USL", scaling.usl_contention.as_ref().err()),
    ];
    let lines = refused.into_iter().filter_map(|(law, refusal)| Some((law, refusal?)));
    let lines: Vec<String> = lines.map(|(law, refusal)| format!("{law}: {refusal}")).collect();
    lines.join("\n")
}

/// A fraction with its interval, as 0.031 [0.020,0.042].
fn fraction(estimate: &Estimate) -> String {
    let number = |x: f64| match x.abs() {
        small if small < 10.0 => format!("{x:.3}"),
        _ => ratio(x).replace('x', ""),
    };
    let interval = estimate
        .interval
        .map_or("[?]".into(), |(low, high)| format!("[{},{}]", number(low), number(high)));
    format!("{} {interval}", number(estimate.median))
}

/// Chunkings down, backends across.
fn chunking(matrix: &Matrix, effects: &[ChunkingEffect]) -> Vec<Block> {
    let mut blocks = vec![];
    let mut lines = vec![];
    for row in &matrix.rows {
        let row_effects: Vec<&ChunkingEffect> =
            effects.iter().filter(|effect| effect.scenario == row.scenario.name).collect();
        let Some(first) = row_effects.first() else { continue };
        let heading = ["chunking".into()].into_iter();
        let mut table =
            Table::new(heading.chain(row_effects.iter().map(|effect| narrow(&effect.backend))));
        for (i, point) in first.points.iter().enumerate() {
            let speedups = row_effects.iter().map(|effect| {
                let point = effect.points.get(i);
                let slower = point.is_some_and(|p| p.verdict == Some(Verdict::Slower));
                let speedup = point.and_then(|point| point.speedup);
                speedup.map_or("-".into(), |s| {
                    format!("{}{}", ratio(s.median), if slower { " !" } else { "" })
                })
            });
            table.row([point.chunking.clone()].into_iter().chain(speedups));
        }
        let title = format!("{}: speedup by chunking", row.scenario.name);
        blocks.extend([Block::Title(title), Block::Table(table)]);
        lines.extend(
            row_effects
                .iter()
                .map(|effect| (format!("{}, {}", effect.scenario, effect.backend), words(effect))),
        );
    }
    blocks.push(Block::Text("! slower than one thread, by more than the noise".into()));
    blocks.extend([Block::Title("Conclusions".into()), Block::List(lines)]);
    blocks
}

fn words(effect: &ChunkingEffect) -> String {
    let (Some(fastest), Some(slowest)) = (effect.fastest(), effect.slowest()) else {
        return "no sample".into();
    };
    let speedup = |e: &Option<Estimate>| e.map_or("?".into(), |e| ratio(e.median));
    let (high, low) = (speedup(&fastest.speedup), speedup(&slowest.speedup));
    match effect.matters() {
        true => {
            format!("{} gives {high}, and {} gives only {low}.", fastest.chunking, slowest.chunking)
        }
        false => format!(
            "no certain difference: the intervals of {low} with {} and {high} with {} overlap.",
            slowest.chunking, fastest.chunking
        ),
    }
}
