//! Whether a participant slows the sample that follows its own.
//!
//! Over a Williams square every participant follows every other one equally often, so a carry-over adds the
//! same to all of them and does not change a speedup much. It is shown all the same, because its cause, for
//! example threads that still spin, would also disturb a program that uses the backend.

use super::rounds::Rounds;
use crate::sample::{Role, Round, Sample, Status};
use crate::stats::{Estimate, by_run};
use fib_simulate::median;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a participant does to the sample that follows its own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CarryOver {
    /// The label of the participant.
    pub backend: String,
    /// Its number of workers.
    pub workers: usize,
    /// Time of the sample that follows, over the time that this sample takes in the median.
    #[serde(flatten)]
    pub ratio: Estimate,
}

/// Who takes a turn. A and A' are the same program, and so are the batches of one backend.
type Seat<'a> = (Role, &'a str, usize);

fn seat(sample: &Sample) -> Seat<'_> {
    let role = match sample.role {
        Role::Control => Role::Baseline,
        Role::Cold | Role::Traced => Role::Cell,
        role => role,
    };
    (role, &sample.backend, sample.workers)
}

/// The participants after which samples take longer or shorter by more than `margin`, shown by an interval
/// that excludes 1.
pub(super) fn carry_overs(rounds: &Rounds<'_>, margin: f64) -> Vec<CarryOver> {
    let effects = effects(rounds);
    let participants = effects.len();
    let carry_over = |((_, label, workers), by_round): (Seat<'_>, BTreeMap<Round, Vec<f64>>)| {
        let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let values = by_run(by_round.iter().map(|(&round, values)| (round, mean(values))));
        let ratio = Estimate::of_runs(&values, participants)?.exp();
        Some(CarryOver { backend: label.into(), workers, ratio })
    };
    let is_shown = |found: &CarryOver| {
        let excludes_1 = found.ratio.interval.is_some_and(|(low, high)| low > 1.0 || high < 1.0);
        excludes_1 && found.ratio.median.ln().abs() > margin
    };
    effects.into_iter().filter_map(carry_over).filter(is_shown).collect()
}

/// ln T of each sample minus the median of its kind, and minus the median of its round, by the participant
/// before it.
fn effects<'a>(rounds: &Rounds<'a>) -> BTreeMap<Seat<'a>, BTreeMap<Round, Vec<f64>>> {
    let usual = rounds.usual_times();
    let mut effects: BTreeMap<Seat<'a>, BTreeMap<Round, Vec<f64>>> = BTreeMap::new();
    for (round, turns) in rounds.in_turn() {
        let excess = |sample: &Sample| {
            let counts = sample.status == Status::Ok && sample.wall_ns > 0;
            let usual = usual.get(&(sample.role, &*sample.backend, sample.workers))?;
            counts.then(|| (sample.batch_ns() / usual).ln())
        };
        let excesses: Vec<Option<f64>> = turns.iter().map(|sample| excess(sample)).collect();
        let Some(of_round) = median(excesses.iter().flatten().copied().collect()) else { continue };
        for (pair, excess) in turns.windows(2).zip(&excesses[1..]) {
            let (before, after) = (seat(pair[0]), seat(pair[1]));
            if let Some(excess) = excess.filter(|_| before != after) {
                let rounds = effects.entry(before).or_default();
                rounds.entry(round).or_default().push(excess - of_round);
            }
        }
    }
    effects
}
