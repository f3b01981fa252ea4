//! Two comparisons of the same batches: what has become faster or slower from the old one to the new one.
//!
//! The two were measured at different moments, so their times say little about each other. Each has its own
//! baseline in every round, so their speedups can be compared. The intervals of the speedups allow for the
//! next comparison, and the interval of their ratio is made of both.

use crate::analyse::Analysis;
use crate::analysis::{Cell, Row, Verdict};
use crate::record::{Header, ScenarioHead, Study};
use crate::sample::Status;
use crate::stats::{Estimate, with_nulls};
use schemars::JsonSchema;
use serde::Serialize;

/// The times of two comparisons are compared only if their baselines differ by at most this share.
const SAME_BASELINE: f64 = 0.02;

/// What differs between an old and a new comparison.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The scenarios that both have, in the order of the new record.
    pub scenarios: Vec<ScenarioDifference>,
    /// Scenarios and cells that only one of them has; a cell is named once, whatever its scenario is.
    pub only_in_one: Vec<String>,
    /// Whether one of them has a single run, whose intervals say nothing about another comparison.
    pub has_single_run: bool,
}

/// A scenario in both comparisons.
#[derive(Clone, Debug)]
pub struct ScenarioDifference {
    pub name: String,
    /// Median times of the baseline, in nanoseconds; `None` if it has a fault.
    pub old_baseline_ns: Option<f64>,
    pub new_baseline_ns: Option<f64>,
    pub cells: Vec<CellDifference>,
}

/// A cell in both comparisons.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CellDifference {
    /// The name of the scenario.
    pub scenario: String,
    pub kernel: String,
    /// The label of the backend.
    pub backend: String,
    pub workers: usize,
    pub old_status: Status,
    pub new_status: Status,
    /// Median times of a batch, in nanoseconds.
    pub old_wall_ns: Option<f64>,
    pub new_wall_ns: Option<f64>,
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub old_speedup: Option<Estimate>,
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub new_speedup: Option<Estimate>,
    /// The new speedup over the old one.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub change: Option<Estimate>,
    /// The old time over the new one, if the baselines took equally long.
    pub time_ratio: Option<f64>,
    /// The margin of the verdict `equal`, as a share.
    pub equal_within: Option<f64>,
    /// How the new speedup compares with the old one.
    pub verdict: Option<Verdict>,
}

/// Why two records cannot be compared, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Incomparable(pub String);

impl Difference {
    /// Compares two comparisons of the same batches.
    ///
    /// # Errors
    /// If they differ in what was computed, so that a ratio would mean nothing.
    pub fn new(old: &Analysis, new: &Analysis) -> Result<Self, Incomparable> {
        let (old, new) = (&old.matrix, &new.matrix);
        check_headers(&old.header, &new.header)?;
        let mut found =
            Difference { scenarios: vec![], only_in_one: vec![], has_single_run: false };
        for row in &new.rows {
            match old.rows.iter().find(|other| other.scenario.name == row.scenario.name) {
                None => found.only_in_one.push(format!("{} (new)", row.scenario.name)),
                Some(other) => {
                    check_scenarios(&other.scenario, &row.scenario)?;
                    found.compare(other, row, new.header.margin)?;
                }
            }
        }
        let missing = |row: &&Row| !new.rows.iter().any(|r| r.scenario.name == row.scenario.name);
        let only_old = old.rows.iter().filter(missing);
        found.only_in_one.extend(only_old.map(|row| format!("{} (old)", row.scenario.name)));
        if found.scenarios.is_empty() {
            return Err(Incomparable("the records have no scenario in common".into()));
        }
        Ok(found)
    }

    /// Every cell that both have.
    pub fn cells(&self) -> impl Iterator<Item = &CellDifference> {
        self.scenarios.iter().flat_map(|scenario| &scenario.cells)
    }

    fn compare(&mut self, old: &Row, new: &Row, margin: f64) -> Result<(), Incomparable> {
        let is_single = old.runs < 2 || new.runs < 2;
        self.has_single_run |= is_single;
        let baselines = (old.baseline.wall_ns, new.baseline.wall_ns);
        let mut cells = vec![];
        for cell in &new.cells {
            match old.cells.iter().find(|other| is_same(other, cell)) {
                None => self.note(format!("{} (new)", label(cell))),
                Some(other) if other.kernel != cell.kernel || other.chunking != cell.chunking => {
                    let how = |cell: &Cell| match &cell.chunking {
                        Some(chunking) => format!("kernel {}, chunking {chunking}", cell.kernel),
                        None => format!("kernel {}", cell.kernel),
                    };
                    let (scenario, label) = (&cell.scenario, label(cell));
                    let problem =
                        format!("{scenario}: {label}: {}, and then {}", how(other), how(cell));
                    return Err(Incomparable(problem));
                }
                Some(other) => {
                    let change = change(other, cell, is_single);
                    cells.push(CellDifference::new(other, cell, change, margin, baselines));
                }
            }
        }
        let missing = |cell: &&Cell| !new.cells.iter().any(|other| is_same(cell, other));
        for cell in old.cells.iter().filter(missing) {
            self.note(format!("{} (old)", label(cell)));
        }
        self.scenarios.push(ScenarioDifference {
            name: new.scenario.name.clone(),
            old_baseline_ns: baselines.0,
            new_baseline_ns: baselines.1,
            cells,
        });
        Ok(())
    }

    fn note(&mut self, only_in_one: String) {
        if !self.only_in_one.contains(&only_in_one) {
            self.only_in_one.push(only_in_one);
        }
    }
}

fn is_same(a: &Cell, b: &Cell) -> bool {
    (&a.backend, a.workers) == (&b.backend, b.workers)
}

fn label(cell: &Cell) -> String {
    format!("{}/{}", cell.backend, cell.workers)
}

/// The new speedup over the old one. The rounds of a single run say nothing about another comparison.
fn change(old: &Cell, new: &Cell, is_single: bool) -> Option<Estimate> {
    let change = new.speedup?.over(old.speedup?);
    Some(Estimate { interval: change.interval.filter(|_| !is_single), ..change })
}

impl CellDifference {
    fn new(
        old: &Cell,
        new: &Cell,
        change: Option<Estimate>,
        margin: f64,
        (old_baseline, new_baseline): (Option<f64>, Option<f64>),
    ) -> Self {
        let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
        let drift = ratio(new_baseline, old_baseline);
        let is_alike = drift.is_some_and(|drift| drift.ln().abs() <= SAME_BASELINE.ln_1p());
        let verdict = change.map(|change| Verdict::new(change, margin));
        CellDifference {
            scenario: new.scenario.clone(),
            kernel: new.kernel.clone(),
            backend: new.backend.clone(),
            workers: new.workers,
            old_status: old.status,
            new_status: new.status,
            old_wall_ns: old.wall_ns,
            new_wall_ns: new.wall_ns,
            old_speedup: old.speedup,
            new_speedup: new.speedup,
            time_ratio: ratio(old.wall_ns, new.wall_ns).filter(|_| is_alike),
            equal_within: verdict.and_then(Verdict::margin),
            verdict,
            change,
        }
    }
}

/// Refuses records that measure different things.
fn check_headers(old: &Header, new: &Header) -> Result<(), Incomparable> {
    let refuse = |problem: String| Err(Incomparable(problem));
    if old.study != new.study {
        return refuse("the records are of different studies".into());
    }
    if matches!(new.study, Study::Race | Study::BreakEven) {
        return refuse("only records of speedups over the same batches can be compared".into());
    }
    if old.kernel != new.kernel {
        let (old, new) = (&old.kernel, &new.kernel);
        return refuse(format!("the kernel of the baseline was {old} and then {new}"));
    }
    if old.baseline != new.baseline {
        let cell =
            |header: &Header| format!("{}/{}", header.baseline.label, header.baseline.workers);
        return refuse(format!("the baseline was {} and then {}", cell(old), cell(new)));
    }
    Ok(())
}

/// Refuses scenarios that have the same name and are different batches.
fn check_scenarios(old: &ScenarioHead, new: &ScenarioHead) -> Result<(), Incomparable> {
    let batch = |head: &ScenarioHead| {
        (head.items, head.modulus.clone(), head.index, head.indices.clone(), head.cells_share)
    };
    match batch(old) == batch(new) {
        true => Ok(()),
        false => Err(Incomparable(format!("the scenario {} is another batch now", new.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::analyse;
    use crate::analysis::tests::{header, rounds};
    use crate::sample::Sample;

    /// A comparison of twelve runs in which `quick` takes this many microseconds and the baseline 1000.
    fn comparison(quick_us: f64, other_us: f64, drift: f64) -> (Header, Vec<Sample>) {
        let mut samples = rounds(&[("quick", 2, quick_us), ("other", 2, other_us)]);
        for sample in &mut samples {
            sample.run = sample.round / 2;
            sample.wall_ns = (sample.wall_ns as f64 * drift) as u64;
        }
        (header(&["quick", "other"], &[2]), samples)
    }

    fn difference(
        old: (Header, Vec<Sample>),
        new: (Header, Vec<Sample>),
    ) -> Result<Difference, String> {
        let analysed = |(header, samples): (Header, Vec<Sample>)| analyse(header, &samples);
        Difference::new(&analysed(old), &analysed(new)).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_faster_backend_is_found_and_drift_is_not() {
        let found =
            difference(comparison(600.0, 700.0, 1.0), comparison(500.0, 700.0, 1.5)).unwrap();
        let cells: Vec<_> = found.cells().collect();
        assert_eq!(cells.len(), 2);
        let change = cells[0].change.unwrap();
        assert!((change.median - 1.2).abs() < 0.01, "{change:?}");
        assert_eq!(cells[0].verdict, Some(Verdict::Faster));
        assert!(matches!(cells[1].verdict, Some(Verdict::Equal(_))), "{:?}", cells[1]);
        assert_eq!(cells[0].time_ratio, None, "the baseline takes 1.5 times as long");
        assert!(!found.has_single_run && found.only_in_one.is_empty());
        let alike =
            difference(comparison(600.0, 700.0, 1.0), comparison(500.0, 700.0, 1.01)).unwrap();
        let ratio = alike.cells().next().unwrap().time_ratio.unwrap();
        assert!((ratio - 1.2 / 1.01).abs() < 0.01, "{ratio}");
        let back =
            difference(comparison(500.0, 700.0, 1.0), comparison(600.0, 700.0, 1.0)).unwrap();
        assert_eq!(back.cells().next().unwrap().verdict, Some(Verdict::Slower));
    }

    #[test]
    fn a_single_run_cannot_tell() {
        let single = |us| {
            let (header, mut samples) = comparison(us, 700.0, 1.0);
            samples.iter_mut().for_each(|sample| sample.run = 0);
            (header, samples)
        };
        let found = difference(single(600.0), comparison(500.0, 700.0, 1.0)).unwrap();
        assert!(found.has_single_run);
        let quick = found.cells().next().unwrap();
        assert_eq!(quick.change.unwrap().interval, None);
        assert_eq!(quick.verdict, Some(Verdict::Unresolved));
    }

    #[test]
    fn records_of_other_work_are_refused() {
        let refusal = |change: fn(&mut Header)| {
            let mut new = comparison(600.0, 700.0, 1.0);
            change(&mut new.0);
            difference(comparison(600.0, 700.0, 1.0), new).unwrap_err()
        };
        assert_eq!(
            refusal(|header| header.kernel = "doubling".into()),
            "the kernel of the baseline was iterative and then doubling"
        );
        assert_eq!(
            refusal(|header| header.scenarios[0].items = 7),
            "the scenario batch is another batch now"
        );
        assert_eq!(
            refusal(|header| header.scenarios[0].name = "new".into()),
            "the records have no scenario in common"
        );
        assert_eq!(
            refusal(|header| header.baseline.label = "other".into()),
            "the baseline was sequential/1 and then other/1"
        );
        assert_eq!(
            refusal(|header| header.study = Study::Scaling),
            "the records are of different studies"
        );
        assert_eq!(
            refusal(|header| header.backends[0].chunking = "items:1".parse().unwrap()),
            "batch: quick/2: kernel iterative, chunking balanced:8, and then kernel iterative, chunking items:1"
        );
    }

    #[test]
    fn what_only_one_record_has_is_named() {
        let mut new = comparison(600.0, 700.0, 1.0);
        new.1.retain(|sample| sample.backend != "other");
        let found = difference(comparison(600.0, 700.0, 1.0), new).unwrap();
        assert_eq!(found.only_in_one, ["other/2 (old)"]);
    }
}
