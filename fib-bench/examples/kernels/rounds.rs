//! Ratios of two pieces of work that take turns in the same rounds.

use fib_bench::order::RoundOrders;
use fib_engine::{repeats, time};
use std::convert::Infallible;
use std::time::Duration;

/// Prints the time of `a` over the time of `b`, measured in `rounds` rounds: the median, and the middle half
/// of the rounds.
pub(crate) fn print_ratio(name: &str, rounds: usize, a: &mut dyn FnMut(), b: &mut dyn FnMut()) {
    print_ratios(name, interleaved(rounds, [a, b]).into_iter().map(|[a, b]| a / b).collect());
}

/// Prints the median and the middle half of ratios.
pub(crate) fn print_ratios(name: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let (rounds, quarter) = (ratios.len(), ratios.len() / 4);
    let [low, median, high] = [quarter, rounds / 2, rounds - 1 - quarter].map(|i| ratios[i]);
    println!("{name:66} {median:6.3}  {low:.3} to {high:.3}");
}

/// The seconds of each piece of work in each round.
pub(crate) fn interleaved<const N: usize>(
    rounds: usize,
    mut sides: [&mut dyn FnMut(); N],
) -> Vec<[f64; N]> {
    let counts: Vec<u32> = sides
        .iter_mut()
        .map(|side| repeats(Duration::from_micros(200), || time(1, || ok(side))))
        .map(|count| count.expect("infallible"))
        .collect();
    let mut order = RoundOrders::new(N, 1);
    let round = |_| {
        let mut seconds = [0.0; N];
        for i in order.next_order() {
            let wall = time(counts[i], || ok(&mut sides[i])).expect("infallible");
            seconds[i] = wall.as_secs_f64() / f64::from(counts[i]);
        }
        seconds
    };
    (0..rounds).map(round).collect()
}

pub(crate) fn ok(work: &mut dyn FnMut()) -> Result<(), Infallible> {
    work();
    Ok(())
}
