//! How often the intervals and verdicts of a report are right, by simulation: the page `docs/coverage.md`.
//!
//!     cargo run --release -p fib-report --example coverage > docs/coverage.md
//!
//! The same seed gives the same page. Takes about two minutes.
#![allow(clippy::print_stdout)] // a page is written to stdout

#[path = "simulate.rs"]
mod simulate;

use simulate::{Dice, Found, QUIET, World, find};

const COMPARISONS: usize = 500;

/// The cells whose intervals are counted: from much slower than the baseline to nearly twice as fast.
const SPEEDUPS: [f64; 9] = [0.6, 0.9, 1.0, 1.2, 1.5, 1.7, 1.8, 1.85, 1.9];

const WORLDS: [World; 9] = [
    QUIET,
    World { name: "the same, 10 runs of 3 rounds", runs: 10, rounds: 3, ..QUIET },
    World { name: "the same, 30 runs of 5 rounds", runs: 30, ..QUIET },
    World { name: "the same, one run of 40 rounds", runs: 1, rounds: 40, ..QUIET },
    World { name: "noise 5 %", noise: 0.05, ..QUIET },
    World { name: "runners differ by 2 %", life: 0.02, ..QUIET },
    World { name: "15 % of the samples are slow by 50 %", slow: (0.4, 0.15), ..QUIET },
    World {
        name: "a backend is slow by 15 % in 30 % of the runs",
        slow: (0.14, 0.3),
        slow_for_a_run: true,
        ..QUIET
    },
    World {
        name: "drift of 3 %, and one cell slows its successor by 3 %",
        drift: 0.03,
        carry_over: 0.03,
        ..QUIET
    },
];

fn main() {
    let mut dice = Dice(1);
    println!(
        "# Coverage\n\nHow often the intervals and the verdicts of a report are right. \
         `cargo run --release -p fib-report --example\ncoverage > docs/coverage.md` wrote this page: it simulates \
         {COMPARISONS} comparisons of {} cells for each line (half as many for verdicts and leaders), whose truth is\nknown, and gives their samples to \
         the same analysis that `fib compare` uses. Unless the line says otherwise, there\nare {} runs of {} \
         rounds, and a cell differs by 0.4 % from comparison to comparison. The noise is normal.\n\n## Intervals\n\nAll figures are percent. `row`: all speedups of a \
         comparison lay in their intervals. `speedup`, `of ceiling`,\n`overhead` and `fraction`: a value lay in its \
         interval. `next`: the median speedup of the next comparison lay in the\ninterval. `width`: the median \
         half-width of the intervals of speedups.\n\n\
         | machine | row | speedup | of ceiling | overhead | fraction | next | width |\n\
         |---|---|---|---|---|---|---|---|",
        SPEEDUPS.len(),
        QUIET.runs,
        QUIET.rounds,
    );
    for world in &WORLDS {
        let found = find(world, &SPEEDUPS, COMPARISONS, &mut dice);
        let Found { rows, cells, next, half_width, .. } = found;
        let columns = [rows, cells[0], cells[1], cells[2], cells[3], next, half_width];
        println!("| {} | {} |", world.name, percents(&columns));
    }
    println!(
        "\n## Verdicts\n\nNine cells with the same true speedup. The margin is 1 %. The truth of `1.000` is that \
         nothing is faster or slower, and\nthe truth of `1.020` that nothing is equal within the margin.\n\n\
         | machine | true speedup | faster | slower | equal | equal within 2 to 10 % |\n|---|---|---|---|---|---|"
    );
    let long = World { name: "noise 1 %, 40 runs of 5 rounds", runs: 40, ..QUIET };
    for world in [QUIET, long, WORLDS[4]] {
        for truth in [1.0, 1.02, 0.98, 0.95] {
            let found = find(&world, &[truth; 9], COMPARISONS / 2, &mut dice);
            println!("| {} | {truth:.3} | {} |", world.name, percents(&found.verdicts));
        }
    }
    println!(
        "\n## Leaders\n\nHow often the truly fastest cell was among the leaders, if all nine cells are equally fast \
         and if it is 2 % faster than\nthe others.\n\n| machine | all equal | 2 % faster |\n|---|---|---|"
    );
    for world in [QUIET, long, WORLDS[4]] {
        let mut ahead = [1.5; 9];
        ahead[4] = 1.53;
        let shares = [[1.5; 9], ahead].map(|s| find(&world, &s, COMPARISONS / 2, &mut dice).leader);
        println!("| {} | {} |", world.name, percents(&shares));
    }
    println!(
        "\n## Carry-over\n\nThe first of nine cells slows the sample that follows its own. How often the report names it, \
         and how often it names\nanother participant.\n\n\
         | machine | by how much | named | another named |\n|---|---|---|---|"
    );
    for world in [QUIET, long, WORLDS[4], WORLDS[6]] {
        for carry_over in [0.0, 0.03, 0.1] {
            let world = World { carry_over, ..world };
            let found = find(&world, &SPEEDUPS, COMPARISONS / 2, &mut dice);
            let shares = percents(&[carry_over, found.carry_over, found.other_carry_over]);
            println!("| {} | {shares} |", world.name);
        }
    }
}

/// Shares as percent, as columns of a table.
fn percents(shares: &[f64]) -> String {
    let columns: Vec<String> = shares.iter().map(|share| format!("{:.1}", 100.0 * share)).collect();
    columns.join(" | ")
}
