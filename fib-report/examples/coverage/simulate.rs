//! Comparisons whose truth is known: samples from a noise of known size, and what the analysis makes of them.

use fib_report::{
    Analysis, BackendHead, Cell, Estimate, Header, MARGIN, Machine, Role, SCHEMA_VERSION, Sample,
    ScenarioHead, Study, Verdict, analyse,
};

/// How a simulated machine behaves. Sizes are standard deviations or differences of ln T.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) runs: usize,
    /// The rounds of a run.
    pub(crate) rounds: usize,
    /// The noise of a sample.
    pub(crate) noise: f64,
    /// How much slower a sample is that is slow, and the share of such samples.
    pub(crate) slow: (f64, f64),
    /// Whether a backend is slow for a whole run, or sample by sample.
    pub(crate) slow_for_a_run: bool,
    /// By how much two runners of the same program differ for as long as they live.
    pub(crate) life: f64,
    /// How much the speed of the machine wanders from round to round.
    pub(crate) drift: f64,
    /// By how much a cell differs from comparison to comparison, because the machine changes.
    pub(crate) comparison: f64,
    /// How much slower a sample is if it comes after the first cell.
    pub(crate) carry_over: f64,
}

/// A machine without anything but noise.
pub(crate) const QUIET: World = World {
    name: "noise 1 %, runners differ by 1 %",
    runs: 12,
    rounds: 5,
    noise: 0.01,
    slow: (0.0, 0.0),
    slow_for_a_run: false,
    life: 0.01,
    drift: 0.0,
    comparison: 0.004,
    carry_over: 0.0,
};

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A normal number with this standard deviation (Box and Muller).
    fn normal(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        deviation * radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.uniform() * (i + 1) as f64) as usize);
        }
    }
}

/// The workers of every cell.
pub(crate) const WORKERS: usize = 2;

/// The time of the baseline in nanoseconds.
const BASELINE: f64 = 1e7;

/// The rates of the two copies, as shares of the rate of the baseline.
const COPIES: [f64; 2] = [0.97, 0.93];

/// What takes a turn in a round.
struct Turn {
    role: Role,
    label: String,
    workers: usize,
    /// ln T without noise.
    time: f64,
}

fn turns(speedups: &[f64]) -> Vec<Turn> {
    let turn = |role, label: &str, workers, time: f64| Turn {
        role,
        label: label.into(),
        workers,
        time: time.ln(),
    };
    let mut turns = vec![
        turn(Role::Baseline, "sequential", 1, BASELINE),
        turn(Role::Control, "sequential", 1, BASELINE),
        turn(Role::Ceiling, "copies", WORKERS, BASELINE),
    ];
    let cells = speedups.iter().enumerate();
    turns.extend(cells.map(|(i, s)| turn(Role::Cell, &label(i), WORKERS, BASELINE / s)));
    turns
}

fn label(cell: usize) -> String {
    format!("cell-{cell}")
}

/// The samples of a comparison of cells with these speedups.
pub(crate) fn samples(world: &World, speedups: &[f64], dice: &mut Dice) -> Vec<Sample> {
    let mut turns = turns(speedups);
    for turn in turns.iter_mut().filter(|turn| turn.role == Role::Cell) {
        turn.time += dice.normal(world.comparison);
    }
    let (mut samples, mut speed) = (vec![], 0.0);
    for run in 0..world.runs {
        let lives: Vec<(String, Role, f64, bool)> = turns
            .iter()
            .map(|turn| {
                let is_slow = dice.uniform() < world.slow.1;
                (turn.label.clone(), turn.role, dice.normal(world.life), is_slow)
            })
            .collect();
        for round in 0..world.rounds {
            dice.shuffle(&mut turns);
            speed = 0.95 * speed + dice.normal(world.drift);
            let mut after_first = false;
            for turn in &turns {
                let mut own =
                    lives.iter().filter(|life| life.1 == turn.role && life.0 == turn.label);
                let Some((_, _, life, slow_run)) = own.next() else { continue };
                let slow_now = dice.uniform() < world.slow.1;
                let is_slow = if world.slow_for_a_run { *slow_run } else { slow_now };
                let ln = turn.time
                    + speed
                    + life
                    + dice.normal(world.noise)
                    + if is_slow && turn.role == Role::Cell { world.slow.0 } else { 0.0 }
                    + if after_first { world.carry_over } else { 0.0 };
                after_first = turn.label == label(0);
                let ns = ln.exp();
                let copies_ns = (turn.role == Role::Ceiling)
                    .then(|| COPIES.map(|rate| (ns / rate) as u64).to_vec());
                samples.push(Sample {
                    scenario: "batch".into(),
                    run,
                    round: run * world.rounds + round,
                    copies_ns,
                    ..Sample::new(turn.role, &turn.label, turn.workers, ns as u64)
                });
            }
        }
    }
    samples
}

/// The analysis of samples of this many cells.
pub(crate) fn analysis(samples: &[Sample], cells: usize) -> Analysis {
    analyse(header(cells), samples)
}

/// What was found in many comparisons with the same truth. Shares are from 0 to 1.
#[derive(Default)]
pub(crate) struct Found {
    /// Comparisons in which every speedup of the row lay in its interval.
    pub(crate) rows: f64,
    /// Cells whose value lay in its interval: speedup, share of the ceiling, overhead, serial fraction.
    pub(crate) cells: [f64; 4],
    /// Cells whose interval held the median of the next comparison.
    pub(crate) next: f64,
    /// Cells with each verdict: faster, slower, equal within the margin, equal within a wider one.
    pub(crate) verdicts: [f64; 4],
    /// Comparisons in which the truly fastest cell was among the leaders.
    pub(crate) leader: f64,
    /// The median half-width of the intervals of speedups.
    pub(crate) half_width: f64,
    /// Comparisons that named the first cell as one that slows its successor.
    pub(crate) carry_over: f64,
    /// Comparisons that named another participant.
    pub(crate) other_carry_over: f64,
}

/// Simulates this many comparisons of cells with these speedups.
pub(crate) fn find(world: &World, speedups: &[f64], comparisons: usize, dice: &mut Dice) -> Found {
    let truth = truth(world, speedups, dice);
    let fastest =
        speedups.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |best| best.0);
    let mut found = Found::default();
    let mut half_widths = vec![];
    let mut previous: Option<Vec<Cell>> = None;
    let share = 1.0 / comparisons as f64;
    let cell_share = share / speedups.len() as f64;
    for _ in 0..comparisons {
        let row = analysis(&samples(world, speedups, dice), speedups.len()).matrix.rows.remove(0);
        let mut all_hold = true;
        for (cell, truth) in row.cells.iter().zip(&truth) {
            for (held, (estimate, value)) in
                found.cells.iter_mut().zip(values(cell).iter().zip(truth))
            {
                *held += if holds(*estimate, *value) { cell_share } else { 0.0 };
            }
            all_hold &= holds(cell.speedup, truth[0]);
            half_widths.extend(cell.speedup.and_then(|speedup| speedup.half_width()));
            let verdict = match cell.verdict {
                Some(Verdict::Faster) => Some(0),
                Some(Verdict::Slower) => Some(1),
                Some(Verdict::Equal(margin)) if margin <= MARGIN => Some(2),
                Some(Verdict::Equal(_)) => Some(3),
                _ => None,
            };
            if let Some(verdict) = verdict {
                found.verdicts[verdict] += cell_share;
            }
        }
        let (first, others): (Vec<_>, Vec<_>) =
            row.carry_overs.iter().partition(|found| found.backend == label(0));
        let slows = first.iter().any(|found| found.ratio.median > 1.0);
        found.carry_over += if slows { share } else { 0.0 };
        found.other_carry_over += if others.is_empty() { 0.0 } else { share };
        found.rows += if all_hold { share } else { 0.0 };
        found.leader +=
            if row.cells.get(fastest).is_some_and(|cell| cell.leads) { share } else { 0.0 };
        if let Some(previous) = previous.replace(row.cells.clone()) {
            let pairs = previous.iter().zip(&row.cells);
            let next = pairs.filter(|(before, now)| holds(before.speedup, median_speedup(now)));
            found.next += next.count() as f64 / (speedups.len() * (comparisons - 1)) as f64;
        }
    }
    found.half_width = median(half_widths);
    found
}

/// The estimates of a cell whose intervals are counted.
fn values(cell: &Cell) -> [Option<Estimate>; 4] {
    [cell.speedup, cell.of_ceiling, cell.overhead_ns, cell.karp_flatt]
}

/// What these estimates would be after very many runs: their medians over 2000 runs of five rounds.
fn truth(world: &World, speedups: &[f64], dice: &mut Dice) -> Vec<[f64; 4]> {
    let many = World { runs: 2000, rounds: 5, comparison: 0.0, ..*world };
    let row = analysis(&samples(&many, speedups, dice), speedups.len()).matrix.rows.remove(0);
    let medians = |cell: &Cell| values(cell).map(|e| e.map_or(f64::NAN, |e| e.median));
    row.cells.iter().map(medians).collect()
}

fn holds(estimate: Option<Estimate>, value: f64) -> bool {
    let interval = estimate.and_then(|estimate| estimate.interval);
    interval.is_some_and(|(low, high)| low <= value && value <= high)
}

fn median_speedup(cell: &Cell) -> f64 {
    cell.speedup.map_or(f64::NAN, |speedup| speedup.median)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn header(cells: usize) -> Header {
    let head = |cell: usize| BackendHead {
        label: label(cell),
        name: label(cell),
        scheduling: fib_core::Scheduling::Dynamic,
        chunking: fib_core::Chunking::default(),
        forks_in_turn: false,
    };
    Header {
        schema_version: SCHEMA_VERSION,
        version: String::new(),
        command: String::new(),
        started_unix_s: 0,
        machine: Machine {
            cpu: "simulated".into(),
            logical_cpus: WORKERS,
            os: String::new(),
            kernel: String::new(),
            arch: String::new(),
            load_1min: None,
        },
        host: None,
        label: None,
        cores: WORKERS,
        compiler: String::new(),
        flags: String::new(),
        crates: [].into(),
        seed: 0,
        kernel: "iterative".into(),
        kernels: [].into(),
        pin: false,
        budget_s: 0.0,
        margin: MARGIN,
        backends: (0..cells).map(head).collect(),
        workers: vec![WORKERS],
        scenarios: vec![ScenarioHead {
            name: "batch".into(),
            summary: String::new(),
            items: 1,
            modulus: None,
            index: None,
            workers: None,
            indices: None,
            best_shares: false,
            cells_share: false,
        }],
        comparisons: cells,
        study: Study::Compare,
        baseline: Default::default(),
        engines: vec![],
        width: None,
        explain: false,
        limit_s: None,
    }
}
