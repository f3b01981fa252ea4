//! The first screen: three sentences that answer, and what this measurement can tell apart.

use crate::blocks::show_list;
use fib_report::report::{
    conclusions, duration, heading, leaders, list, noise_banner, percent_up, ratio, thousands,
};
use fib_report::{
    Analysis, BreakEven, Cell, Crossing, Estimate, Findings, ForkCost, Granularity, Matrix, Model,
    RaceResult, Row, Scaling, Status, TOO_NOISY, Verdict, quantile,
};
use maud::{Markup, html};

/// The title of the page.
pub(super) fn title(analyses: &[Analysis]) -> String {
    let machine = analyses.first().map(|analysis| &analysis.matrix.header);
    machine.map_or("fib".into(), |header| {
        let label = header.label.as_ref().map_or(String::new(), |label| format!(", {label}"));
        let plural = if header.cores == 1 { "" } else { "s" };
        format!(
            "What parallelism gives on {} CPU{plural} ({}{label})",
            header.cores, header.machine.cpu
        )
    })
}

/// So many other records speak without being asked.
const FEW: usize = 3;

/// The answer of the widest comparison, and below it its machine and its noise; then what the other records say.
pub(super) fn first_screen(analyses: &[Analysis]) -> Markup {
    let main = main_record(analyses);
    let is_other = |(i, _): &(usize, &Analysis)| Some(*i) != main;
    let others: Vec<(usize, Vec<String>)> = analyses
        .iter()
        .enumerate()
        .filter(is_other)
        .map(|(i, analysis)| (i, sentences(analysis)))
        .filter(|(_, sentences)| !sentences.is_empty())
        .collect();
    html! {
        header {
            h1 { (title(analyses)) }
            @if let Some(analysis) = main.map(|main| &analyses[main]) {
                @if let Some(banner) = noise_banner(&analysis.matrix) { p.banner { (banner) } }
                ul.answer { @for sentence in sentences(analysis) { li { (sentence) } } }
                (facts(&analysis.matrix))
            }
            @if !others.is_empty() {
                details open[others.len() <= FEW] {
                    summary { "What the other records say" }
                    ul.also { @for (i, sentences) in &others {
                        li { "Record " (i + 1) ": " (sentences.join(" ")) }
                    } }
                }
            }
        }
    }
}

/// The comparison with the most batches, or else the first record.
fn main_record(analyses: &[Analysis]) -> Option<usize> {
    let size = |analysis: &Analysis| match analysis.findings {
        Findings::Matrix => 1 + analysis.matrix.rows.len(),
        _ => 0,
    };
    (0..analyses.len()).rev().max_by_key(|i| size(&analyses[*i]))
}

/// Where and how one record was measured, and what it can tell apart.
fn facts(matrix: &Matrix) -> Markup {
    let lines: Vec<(String, String)> = vec![
        ("Machine and measurement".into(), heading(matrix).replace('\n', "; ")),
        ("What can be told apart".into(), resolution(matrix)),
    ];
    html! { div.facts { (show_list(&lines)) } }
}

/// How small a difference shows, and how many cells could not be decided.
fn resolution(matrix: &Matrix) -> String {
    let cells = || matrix.rows.iter().flat_map(|row| &row.cells);
    let widths: Vec<f64> = cells().filter_map(|cell| cell.speedup?.half_width()).collect();
    let width = quantile(&widths, 0.5).map_or("No speedup has an interval.".into(), |width| {
        format!("Half of the intervals are within ±{} of their median.", percent_up(width))
    });
    let noise = matrix.noise_floor().map_or(String::new(), |noise| {
        format!(
            " The baseline differs from itself by up to {}, so smaller differences mean nothing.",
            percent_up(noise)
        )
    });
    let count = |wanted: &dyn Fn(&Cell) -> bool| cells().filter(|cell| wanted(cell)).count();
    let verdict = |name: &str| count(&|cell| cell.verdict.is_some_and(|v| v.name() == name));
    let names = [Verdict::Faster, Verdict::Slower, Verdict::Equal(0.0), Verdict::Unresolved];
    let words = names.map(|v| format!("{} {}", verdict(v.name()), v.name()));
    let failed = match count(&|cell| cell.status != Status::Ok) {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!(
        "{width}{noise} Verdicts of {} cells: {}{failed}. `unresolved` means that this measurement cannot tell. A \
         backend leads if it is the fastest, or if the same rounds do not show that it is slower than the fastest.",
        cells().count(),
        words.join(", ")
    )
}

/// The answer of one record.
fn sentences(analysis: &Analysis) -> Vec<String> {
    let matrix = &analysis.matrix;
    match &analysis.findings {
        Findings::Matrix if matrix.rows.len() == 1 => conclusions(matrix)
            .into_iter()
            .map(|(batch, text)| format!("{batch}: {text}"))
            .collect(),
        Findings::Matrix => {
            [winners(matrix), losers(matrix), algorithm(matrix)].into_iter().flatten().collect()
        }
        Findings::Granularity(found) => granularity(matrix, found).into_iter().collect(),
        Findings::BreakEven(found) => break_even(matrix, found).into_iter().collect(),
        Findings::Scaling(found) => scaling(found).into_iter().collect(),
        Findings::Chunking(found) => {
            let matters = found.iter().filter(|effect| effect.matters()).count();
            let all = found.len();
            vec![format!(
                "The chunking decides in {matters} of {all} cases: there, the best chunking is shown to be faster than the worst."
            )]
        }
        Findings::Forks(found) => forks(found).into_iter().collect(),
        Findings::Model { models, .. } => models.iter().filter_map(model).collect(),
        Findings::Race(found) => race(matrix, found),
    }
}

/// The rows that are quiet enough to compare.
fn quiet(matrix: &Matrix) -> impl Iterator<Item = &Row> {
    matrix.rows.iter().filter(|row| row.noise_floor().is_none_or(|noise| noise <= TOO_NOISY))
}

/// Which backend won where.
fn winners(matrix: &Matrix) -> Option<String> {
    let mut counts: Vec<(&str, usize, f64)> = vec![];
    let rows: Vec<(&Row, Vec<&Cell>)> = quiet(matrix).map(|row| (row, leaders(row))).collect();
    let won = rows.iter().filter(|(_, leaders)| !leaders.is_empty());
    for (_, leaders) in won.clone() {
        let mut seen: Vec<&str> = vec![];
        for cell in leaders.iter().filter(|cell| cell.workers > 1) {
            let speedup = cell.speedup.map_or(0.0, |speedup| speedup.median);
            match counts.iter_mut().find(|(label, ..)| *label == cell.backend) {
                Some(found) => {
                    found.1 += usize::from(!seen.contains(&&*cell.backend));
                    found.2 = found.2.max(speedup);
                }
                None => counts.push((&cell.backend, 1, speedup)),
            }
            seen.push(&cell.backend);
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(b.2.total_cmp(&a.2)));
    let names = counts.iter().take(3).map(|(label, count, speedup)| {
        format!("{label} leads on {count} (up to {})", ratio(*speedup))
    });
    let names: Vec<String> = names.collect();
    let (won, all) = (won.count(), rows.len());
    let batches = if all == 1 { "batch" } else { "batches" };
    (won > 0 && !names.is_empty()).then(|| {
        format!("Parallel backends beat one thread on {won} of {all} {batches}: {}.", list(&names))
    })
}

/// Where parallel was not worth it.
fn losers(matrix: &Matrix) -> Option<String> {
    let lost: Vec<&Row> = quiet(matrix).filter(|row| leaders(row).is_empty()).collect();
    let is_slower = |row: &&&Row| {
        row.cells.iter().filter_map(|cell| cell.verdict).all(|verdict| verdict == Verdict::Slower)
    };
    let names =
        |rows: &[&Row]| list(&rows.iter().map(|row| row.scenario.name.clone()).collect::<Vec<_>>());
    let slower: Vec<&Row> = lost.iter().filter(is_slower).copied().collect();
    let open: Vec<&Row> = lost.iter().filter(|row| !is_slower(row)).copied().collect();
    let mut sentences = vec![];
    if !slower.is_empty() {
        sentences.push(format!(
            "It was not worth it on {}: there, every backend is slower than one thread.",
            names(&slower)
        ));
    }
    if !open.is_empty() {
        sentences.push(format!(
            "On {}, no backend is shown to be faster than one thread.",
            names(&open)
        ));
    }
    if lost.is_empty() && !matrix.rows.is_empty() {
        sentences
            .push("On none of these batches was one thread as fast as the fastest backend.".into());
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What the better algorithm did on one core.
fn algorithm(matrix: &Matrix) -> Option<String> {
    let speedup = |cell: &Cell| cell.speedup.map(|speedup| speedup.median);
    let best: Vec<(&Row, f64)> =
        quiet(matrix).filter_map(|row| Some((row, row.best.as_ref().and_then(speedup)?))).collect();
    let kernel = &best.first()?.0.best.as_ref()?.kernel;
    let beaten = best.iter().filter(|(row, best)| {
        row.cells
            .iter()
            .filter(|cell| cell.engine.is_none())
            .filter_map(speedup)
            .all(|own| own < *best)
    });
    let (low, high) = best
        .iter()
        .fold((f64::INFINITY, 0.0f64), |(low, high), (_, x)| (low.min(*x), high.max(*x)));
    let range = match ratio(low) == ratio(high) {
        true => ratio(low),
        false => format!("{} to {}", ratio(low), ratio(high)),
    };
    Some(format!(
        "A better algorithm ({kernel}) on one core was {range} as fast as the baseline, and faster than every parallel backend on {} of {} batches.",
        beaten.count(),
        best.len()
    ))
}

/// The smallest and the largest crossing, with their backends.
fn ends<'a>(
    crossings: impl Iterator<Item = (&'a str, &'a Crossing)>,
) -> Option<[(&'a str, f64); 2]> {
    let mut values: Vec<(&str, f64)> = crossings
        .filter_map(|(label, crossing)| match crossing {
            Crossing::At { value, .. } => Some((label, *value)),
            _ => None,
        })
        .collect();
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    Some([*values.first()?, *values.last()?])
}

/// The largest worker count that fits the machine.
fn most_workers(matrix: &Matrix) -> usize {
    let counts = matrix.header.workers.iter().filter(|count| **count <= matrix.header.cores);
    counts.max().copied().unwrap_or(1)
}

fn granularity(matrix: &Matrix, found: &[Granularity]) -> Option<String> {
    let workers = most_workers(matrix);
    let at = found.iter().filter(|found| found.workers == workers);
    let metg = at.filter_map(|found| Some((&*found.backend, &found.metg.last()?.granularity_ns)));
    let [(low, small), (high, large)] = ends(metg)?;
    Some(format!(
        "{workers} workers are 90% efficient if each task takes at least {} ({low}) to {} ({high}).",
        duration(small),
        duration(large)
    ))
}

fn break_even(matrix: &Matrix, found: &[BreakEven]) -> Option<String> {
    let workers = most_workers(matrix);
    let at = found.iter().filter(|found| found.workers == workers);
    let [(low, small), (high, large)] = ends(at.map(|found| (&*found.backend, &found.items)))?;
    Some(format!(
        "A batch of F(1000) is not slower on {workers} workers from {small:.0} items ({low}) or {large:.0} items ({high}) on."
    ))
}

fn scaling(found: &[Scaling]) -> Option<String> {
    let points =
        found.iter().flat_map(|found| found.strong.iter().map(move |point| (found, point)));
    let points = points.filter_map(|(found, point)| Some((found, point, point.speedup?)));
    let (found, point, speedup) = points.max_by(|a, b| a.2.median.total_cmp(&b.2.median))?;
    let Estimate { median, .. } = speedup;
    Some(format!(
        "With more workers, {} reached the highest speedup: {} with {} workers.",
        found.backend,
        ratio(median),
        point.workers
    ))
}

/// The highest predicted speedup.
fn model(model: &Model) -> Option<String> {
    let all = model.predictions.iter().flat_map(|prediction| {
        let points = model.workers.iter().zip(prediction.speedups);
        points.map(move |(workers, speedup)| (prediction, workers, speedup))
    });
    let (prediction, workers, speedup) = all.max_by(|a, b| a.2.total_cmp(&b.2))?;
    let more = match model.workers.last() == Some(workers) {
        true => "",
        false => " More workers would make it slower.",
    };
    Some(format!(
        "On {}, the simulation predicts the highest speedup for {} with {workers} workers: {}.{more}",
        model.scenario,
        prediction.backend,
        ratio(speedup),
    ))
}

/// The best technique of each contest.
/// Where a fork costs least.
fn forks(found: &[ForkCost]) -> Option<String> {
    // `sequential` offers no half to anybody.
    let several = found.iter().filter(|cost| cost.workers > 1);
    let costs = several.filter_map(|cost| Some((cost, cost.fork_ns?.median)));
    let (least, ns) = costs.min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(format!(
        "A fork costs least on {} with {} workers: {ns:.1} ns of worker time.",
        least.backend, least.workers
    ))
}

fn race(matrix: &Matrix, found: &[RaceResult]) -> Vec<String> {
    let limit = matrix.header.limit_s.unwrap_or(1.0);
    let contests = matrix.header.scenarios.iter();
    let sentence = |name: &str, summary: &str| {
        let results = found.iter().filter(|r| r.contest == name && r.status == Status::Ok);
        let best = results.filter_map(|r| Some((r, r.size?))).max_by_key(|(_, size)| *size)?;
        let (backend, size) = (&best.0.backend, thousands(best.1));
        Some(format!("In {limit} s, {backend} reached {size} ({name}: {summary})."))
    };
    contests.filter_map(|contest| sentence(&contest.name, &contest.summary)).collect()
}
