//! The findings of a study as tables.

use super::forks::forks;
use super::model::model;
use super::numbers::{duration, percent, ratio, with_interval};
use super::page::{Block, TextTable, narrow};
use super::race::race;
use crate::analyse::Analysis;
use crate::analysis::{Matrix, Verdict};
use crate::laws::{Crossing, Refusal, significant};
use crate::stats::Estimate;
use crate::studies::{
    BREAK_EVEN_INDEX, BREAK_EVEN_ITEMS, BreakEven, ChunkingEffect, EFFICIENCIES, Findings,
    Granularity, Scaling, StrongPoint, TASKS,
};

pub fn findings(analysis: &Analysis) -> Vec<Block> {
    let matrix = &analysis.matrix;
    match &analysis.findings {
        Findings::Matrix => vec![],
        Findings::Granularity(granularities) => granularity(matrix, granularities),
        Findings::BreakEven(points) => break_even(points),
        Findings::Scaling(scalings) => scaling(scalings),
        Findings::Chunking(effects) => chunking(matrix, effects),
        Findings::Forks(costs) => forks(matrix, costs),
        Findings::Model { models, errors } => model(matrix, models, errors),
        Findings::Race(results) => race(matrix, results),
    }
}

const METG: &str = "METG (minimum effective task granularity): the smallest task at which workers \
                    reach this efficiency. The size of a task is wall time x workers / tasks. \
                    Efficiency is speedup over number of workers.";

pub(super) const OPEN: &str = "The interval follows from the intervals of the measured points; ? marks an end \
                    that lies beyond them.";

fn granularity(matrix: &Matrix, granularities: &[Granularity]) -> Vec<Block> {
    let heading = ["backend".into(), "workers".into()].into_iter();
    let mut table =
        TextTable::new(heading.chain(EFFICIENCIES.map(|x| format!("METG\n{}", percent(x)))));
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
        TextTable::new(heading.chain(backends.iter().map(|head| narrow(&head.label)))).narrow();
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
    let mut table = TextTable::new([
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
pub(super) fn crossing(crossing: &Crossing, show: impl Fn(&f64) -> String) -> String {
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

pub fn scaling(scalings: &[Scaling]) -> Vec<Block> {
    let mut strong =
        TextTable::new(["backend", "workers", "speedup", "serial fraction\n(Karp-Flatt)"]);
    let mut serial =
        TextTable::new(["backend", "Amdahl\ntax", "Amdahl\nserial", "Gustafson\nserial"]);
    let mut usl = TextTable::new(["backend", "USL\ncontention", "USL\ncoherency", "USL\npeak"]);
    for scaling in scalings {
        for point in &scaling.strong {
            let (speedup, fraction) = strong_cells(point);
            strong.row([scaling.backend.clone(), point.workers.to_string(), speedup, fraction]);
        }
        let fit = |fit: &Result<Estimate, Refusal>| {
            fit.as_ref().map_or("refused".into(), with_interval_below)
        };
        let peak = match &scaling.usl_peak {
            Err(_) if scaling.usl_coherency.is_ok() => "no peak".into(),
            peak => fit(peak),
        };
        let Scaling { backend, amdahl_tax, amdahl, gustafson, .. } = scaling;
        serial.row([backend.clone(), fit(amdahl_tax), fit(amdahl), fit(gustafson)]);
        let (a, b) = (fit(&scaling.usl_contention), fit(&scaling.usl_coherency));
        usl.row([backend.clone(), a, b, peak]);
    }
    vec![
        Block::Title("The same batch with more workers".into()),
        Block::Table(strong),
        Block::Text(out_of_range(scalings)),
        Block::Title("Laws of scaling, fitted to these speedups".into()),
        Block::Table(serial),
        Block::Table(usl),
        Block::Text(refusals(scalings)),
    ]
}

/// The speedup at one worker count, and the serial fraction.
fn strong_cells(point: &StrongPoint) -> (String, String) {
    let is_fault = matches!(point.karp_flatt, Err(Refusal::Fault { .. }));
    let missing = if is_fault { "fault" } else { "no sample" };
    let fraction = match &point.karp_flatt {
        Ok(estimate) => on_one_line(estimate),
        Err(Refusal::OneWorker) => "needs 2 workers".into(),
        Err(Refusal::OutOfRange { value, .. }) => format!("refused: {}", significant(*value)),
        Err(_) => missing.into(),
    };
    (point.speedup.as_ref().map_or(missing.into(), with_interval), fraction)
}

/// Why fractions of Karp and Flatt were refused, if some were.
fn out_of_range(scalings: &[Scaling]) -> String {
    let points = scalings.iter().flat_map(|scaling| &scaling.strong);
    let refused: Vec<f64> = points
        .filter_map(|point| match point.karp_flatt {
            Err(Refusal::OutOfRange { value, .. }) => Some(value),
            _ => None,
        })
        .collect();
    let sides = [
        (
            refused.iter().any(|value| *value > 1.0),
            "A serial fraction above 1 is refused: the \
            speedup is below 1, and no share of the work explains that.",
        ),
        (
            refused.iter().any(|value| *value < 0.0),
            "A serial fraction below 0 is refused: the \
            speedup is higher than the number of workers.",
        ),
    ];
    let sentences = sides.into_iter().filter_map(|(occurs, sentence)| occurs.then_some(sentence));
    sentences.collect::<Vec<_>>().join("\n")
}

/// Why laws were refused. Backends with the same reason share a line.
fn refusals(scalings: &[Scaling]) -> String {
    let mut reasons: Vec<(&str, String, Vec<&str>)> = vec![];
    for (law, refusal) in LAWS {
        for scaling in scalings {
            let Some(reason) = refusal(scaling).map(|refusal| refusal.to_string()) else {
                continue;
            };
            let same = reasons.iter_mut().find(|(l, r, _)| *l == law && *r == reason);
            match same {
                Some((.., backends)) => backends.push(&scaling.backend),
                None => reasons.push((law, reason, vec![&scaling.backend])),
            }
        }
    }
    let line = |(law, reason, backends): (&str, String, Vec<&str>)| {
        let all = backends.len() == scalings.len();
        let whose = if all { String::new() } else { format!(", {}", backends.join(", ")) };
        format!("{law}{whose}: {reason}")
    };
    reasons.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

type Reason = fn(&Scaling) -> Option<Refusal>;

/// What may be refused: its name in the report, and its reason. The peak has a reason of its own
/// only if the law itself fits.
const LAWS: [(&str, Reason); 4] = [
    ("Amdahl", |scaling| scaling.amdahl.err()),
    ("Gustafson", |scaling| scaling.gustafson.err()),
    ("USL", |scaling| scaling.usl_coherency.err()),
    ("USL peak", |scaling| scaling.usl_coherency.ok().and(scaling.usl_peak.err())),
];

/// A number with its interval, as 0.0312 [0.0200,0.0421].
fn on_one_line(estimate: &Estimate) -> String {
    with_interval_below(estimate).replace('\n', " ")
}

/// A number with its interval below it, so that tables with several numbers fit the page.
fn with_interval_below(estimate: &Estimate) -> String {
    let interval = estimate.interval.map_or("[?]".into(), |(low, high)| {
        format!("[{},{}]", significant(low), significant(high))
    });
    format!("{}\n{interval}", significant(estimate.median))
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
            TextTable::new(heading.chain(row_effects.iter().map(|effect| narrow(&effect.backend))));
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
