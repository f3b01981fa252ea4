//! The conclusions from each scenario, in a sentence or two. No sentence says more than the
//! intervals do.

use super::numbers::{percent, percent_up, ratio};
use crate::analysis::{Cell, Matrix, Row, TOO_NOISY, Verdict};
use crate::record::BaselineCell;
use crate::sample::Status;
use crate::studies::effects_of;
use fib_core::SEQUENTIAL;

/// The conclusions from a scenario.
pub(super) fn conclusion(matrix: &Matrix, row: &Row) -> String {
    if let Some(noise) = row.noise_floor().filter(|noise| *noise > TOO_NOISY) {
        let noise = percent(noise);
        return format!("Too noisy to compare: the baseline differs from itself by up to {noise}.");
    }
    let leaders = leaders(row);
    let mut text = failed_floor(row) + &lanes_and_workers(matrix, row);
    text += &match leaders.first() {
        None => none_is_faster(matrix, row),
        Some(fastest) => fastest_cells(matrix, row, fastest, &leaders),
    };
    text += &fastest_kernel(row, leaders.first().copied());
    text += &chunking(matrix, row);
    text
}

/// A warning if the baseline differs from itself by more than chance.
fn failed_floor(row: &Row) -> String {
    let Some(noise) = row.noise.filter(|_| row.noise_floor_failed()) else { return String::new() };
    format!(
        "Differences below {} mean nothing here: the baseline differs from itself by that much. ",
        percent_up(noise.median.max(1.0 / noise.median) - 1.0)
    )
}

/// Our own backends on this scenario.
fn our_cells(row: &Row) -> impl Iterator<Item = &Cell> {
    row.cells.iter().filter(|cell| cell.engine.is_none() && cell.status == Status::Ok)
}

/// Whether the cell is `sequential` with any kernel.
fn is_sequential(cell: &Cell) -> bool {
    cell.backend.split('@').next() == Some(SEQUENTIAL.name)
}

fn median(cell: &Cell) -> f64 {
    cell.speedup.map_or(0.0, |speedup| speedup.median)
}

/// The leading cell with the highest median of those that are faster than the baseline, and the leading cells
/// below it.
pub fn leaders(row: &Row) -> Vec<&Cell> {
    let mut cells: Vec<&Cell> = our_cells(row).filter(|cell| cell.leads).collect();
    cells.sort_by(|a, b| median(b).total_cmp(&median(a)));
    let is_faster = |cell: &&Cell| cell.verdict == Some(Verdict::Faster);
    let Some(start) = cells.iter().position(is_faster) else { return vec![] };
    cells.split_off(start)
}

fn fastest_cells(matrix: &Matrix, row: &Row, fastest: &Cell, leaders: &[&Cell]) -> String {
    let names: Vec<String> = leaders.iter().map(|cell| name(row, cell)).collect();
    let speedup = ratio(median(fastest));
    let of_ceiling = fastest.of_ceiling.filter(|_| fastest.workers > 1);
    let of_ceiling = of_ceiling
        .map_or(String::new(), |part| format!(", {} of the ceiling", percent(part.median)));
    let baseline = other_baseline(matrix).map_or(String::new(), |label| format!(" over {label}"));
    let mut text = match &names[..] {
        [name] => format!("{name} is fastest: {speedup}{baseline}{of_ceiling}."),
        [name, others @ ..] => format!(
            "{name} reached {speedup}{baseline}{of_ceiling}. The same rounds do not show that it is \
             faster than {}.",
            list(others)
        ),
        [] => String::new(), // there is a fastest cell, which is one of the leaders
    };
    let undecided = our_cells(row).filter(|cell| cell.verdict == Some(Verdict::Unresolved));
    for cell in undecided.filter(|cell| median(cell) > median(fastest)) {
        let (name, speedup) = (name(row, cell), ratio(median(cell)));
        text += &format!(" {name} reached {speedup}, but its interval is too wide for a verdict.");
    }
    text
}

/// What another kernel brings on one core, what workers bring with the kernel of the baseline, and what
/// both bring together. Empty unless several kernels were measured.
fn lanes_and_workers(matrix: &Matrix, row: &Row) -> String {
    let kernel = &matrix.header.kernel;
    let largest = |wanted: &dyn Fn(&Cell) -> bool| {
        let cells = our_cells(row).filter(|cell| cell.speedup.is_some() && wanted(cell));
        cells.max_by(|a, b| median(a).total_cmp(&median(b)))
    };
    let alone = largest(&|cell| cell.kernel != *kernel && is_sequential(cell));
    let workers = largest(&|cell| cell.kernel == *kernel && cell.workers > 1);
    let both = largest(&|cell| cell.kernel != *kernel && cell.workers > 1);
    let (Some(alone), Some(workers), Some(both)) = (alone, workers, both) else {
        return String::new();
    };
    let cell = |cell: &Cell| format!("{} ({})", ratio(median(cell)), name(row, cell));
    let (lanes, speedup) = (&alone.kernel, ratio(median(alone)));
    format!(
        "One core with {lanes} reached {speedup}, workers with {kernel} at most {}, and workers with \
         {lanes} at most {}. ",
        cell(workers),
        cell(both)
    )
}

fn none_is_faster(matrix: &Matrix, row: &Row) -> String {
    let verdicts: Vec<Verdict> = our_cells(row)
        .filter(|cell| !is_sequential(cell))
        .filter_map(|cell| cell.verdict)
        .collect();
    let all = |verdict| verdicts.iter().all(|other| *other == verdict);
    let baseline = other_baseline(matrix).unwrap_or("one thread");
    if verdicts.is_empty() {
        "There is nothing to compare.".into()
    } else if all(Verdict::Slower) {
        format!("All backends are slower than {baseline} for this batch.")
    } else if verdicts.contains(&Verdict::Unresolved) {
        format!("The intervals are too wide to say whether a backend is faster than {baseline}.")
    } else {
        format!("No backend is shown to be faster than {baseline} for this batch.")
    }
}

/// The label of the baseline, if it is not `sequential`.
fn other_baseline(matrix: &Matrix) -> Option<&str> {
    let baseline = &matrix.header.baseline;
    (*baseline != BaselineCell::default()).then_some(&*baseline.label)
}

fn fastest_kernel(row: &Row, leader: Option<&Cell>) -> String {
    let leading = leader.map_or(1.0, median);
    let is_faster = |best: &&Cell| best.verdict == Some(Verdict::Faster) && median(best) > leading;
    let Some(best) = row.best.as_ref().filter(is_faster) else { return String::new() };
    let reason =
        if best.shared { ", partly because it computes each distinct number once" } else { "" };
    let (kernel, speedup) = (&best.kernel, ratio(median(best)));
    format!(" A better algorithm ({kernel}) on one core is {speedup} as fast{reason}.")
}

/// Names the fastest and the slowest chunking of each backend for which the chunking decides.
fn chunking(matrix: &Matrix, row: &Row) -> String {
    let effects = effects_of(matrix, row);
    let sentence = |effect: &crate::studies::ChunkingEffect| {
        let (fastest, slowest) = (effect.fastest()?, effect.slowest()?);
        effect.matters().then_some(())?;
        Some(format!(
            " The chunking decides for {}: {} with {}, {} with {}.",
            effect.backend,
            ratio(fastest.speedup?.median),
            fastest.chunking,
            ratio(slowest.speedup?.median),
            slowest.chunking,
        ))
    };
    effects.iter().filter_map(sentence).collect()
}

/// The label of a cell, with its workers if the scenario has several worker counts above 1.
pub fn name(row: &Row, cell: &Cell) -> String {
    let several = row.cells.iter().any(|other| other.workers != cell.workers && other.workers > 1);
    match several && !is_sequential(cell) {
        true => format!("{} with {} workers", cell.backend, cell.workers),
        false => cell.backend.clone(),
    }
}

/// The names as in a sentence: "a, b and c".
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::analyse;
    use crate::analysis::tests::{head, header, rounds};
    use crate::record::Header;
    use crate::sample::{Role, Sample};

    /// One worker with `scalar` takes 1000 us, and two copies of it 1250 us. With `lanes` everything takes a
    /// fifth of that.
    #[test]
    fn lanes_workers_and_both_have_their_own_ceilings() {
        let cells =
            [("pool@scalar", 2, 640.0), ("sequential@lanes", 1, 200.0), ("pool@lanes", 2, 160.0)];
        let mut samples = rounds(&cells);
        let copies = samples.iter().filter(|sample| sample.role == Role::Ceiling);
        let copies_of_lanes = copies.map(|sample| Sample {
            backend: "copies@lanes".into(),
            wall_ns: sample.wall_ns / 5,
            ..sample.clone()
        });
        let copies_of_lanes: Vec<Sample> = copies_of_lanes.collect();
        samples.extend(copies_of_lanes);
        samples.retain(|sample| sample.role != Role::Best);
        let lanes = ["sequential@lanes", "pool@lanes", "copies@lanes"];
        let header = Header {
            kernel: "scalar".into(),
            kernels: lanes.map(|label| (label.into(), "lanes".into())).into(),
            backends: ["pool@scalar", "pool@lanes"].map(head).into(),
            ..header(&[], &[2])
        };
        let matrix = analyse(header, &samples).matrix;
        let row = &matrix.rows[0];
        let ceilings: Vec<_> = row.ceilings.iter().map(|c| (&*c.kernel, c.copies)).collect();
        assert_eq!(ceilings, [("scalar", 2), ("lanes", 2)]);
        let of_ceiling = |label: &str| {
            let cell = row.cells.iter().find(|cell| cell.backend == label).unwrap();
            percent(cell.of_ceiling.unwrap().median)
        };
        assert_eq!(
            (of_ceiling("pool@scalar"), of_ceiling("pool@lanes")),
            ("98%".into(), "78%".into())
        );
        let text = conclusion(&matrix, row);
        let expected = "One core with lanes reached 5.00x, workers with scalar at most 1.56x (pool@scalar), \
                        and workers with lanes at most 6.25x (pool@lanes). pool@lanes is fastest: 6.25x, 78% \
                        of the ceiling.";
        assert_eq!(text, expected);
    }
}
