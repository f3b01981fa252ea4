//! Sweeps over worker counts whose samples follow a law, or do not. The analysis must find the
//! parameters, or give the true reason for its refusal.

use super::*;
use crate::analyse::{Analysis, analyse};
use crate::analysis::tests::{header, sample};
use crate::laws::{Amdahl, Refusal, Usl};
use crate::record::{Header, ScenarioHead};
use crate::report::{Page, text};
use crate::sample::Status;
use crate::stats::Estimate;

const ROUNDS: usize = 20;

/// The speedup of a number of workers in a round.
type Speedup = Box<dyn Fn(usize, usize) -> f64>;

/// A backend: its label, its speedups on the same batch, and on batches that grow.
type Backend = (&'static str, Speedup, Speedup);

fn backend(
    label: &'static str,
    strong: impl Fn(usize, usize) -> f64 + 'static,
    weak: impl Fn(usize, usize) -> f64 + 'static,
) -> Backend {
    (label, Box::new(strong), Box::new(weak))
}

/// A backend without loss.
fn ideal(label: &'static str) -> Backend {
    backend(label, |p, _| p as f64, |p, _| p as f64)
}

/// Twenty rounds in which the sequential backend takes 1 ms.
fn sweep(counts: &[usize], backends: &[Backend]) -> (Header, Vec<Sample>) {
    let scenario = |name: String| ScenarioHead {
        name,
        summary: String::new(),
        items: 1000,
        modulus: None,
        index: Some(1000),
        workers: None,
        indices: None,
        best_shares: false,
        cells_share: false,
    };
    let names = [STRONG.to_owned()].into_iter().chain(counts.iter().map(|p| format!("{WEAK}{p}")));
    let labels: Vec<&str> = backends.iter().map(|(label, ..)| *label).collect();
    let header = Header {
        study: Study::Scaling,
        scenarios: names.map(scenario).collect(),
        cores: counts.iter().copied().max().unwrap(),
        ..header(&labels, counts)
    };
    let mut samples = vec![];
    for head in &header.scenarios {
        for round in 0..ROUNDS {
            let mut take = |role, label, workers, us: f64| {
                let taken = sample(role, label, workers, round, us);
                // In nanoseconds, so that no digit of a speedup is lost.
                let wall_ns = (us * 1e9).round() as u64;
                samples.push(Sample { scenario: head.name.clone(), wall_ns, repeats: 1, ..taken });
            };
            take(Role::Baseline, "sequential", 1, 1000.0);
            take(Role::Control, "sequential", 1, 1000.0);
            for (label, strong, weak) in backends {
                for &p in counts {
                    match head.name.strip_prefix(WEAK) {
                        None => take(Role::Cell, label, p, 1000.0 / strong(p, round)),
                        Some(own) if own == p.to_string() => {
                            take(Role::Cell, label, p, 1000.0 / weak(p, round));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }
    (header, samples)
}

fn scalings((header, samples): (Header, Vec<Sample>)) -> Vec<Scaling> {
    let Findings::Scaling(found) = analyse(header, &samples).findings else {
        panic!("another study")
    };
    found
}

/// One backend with these speedups, which are the same in every round.
fn scaling(
    counts: &[usize],
    strong: impl Fn(usize) -> f64 + 'static,
    weak: impl Fn(usize) -> f64 + 'static,
) -> Scaling {
    let backend = backend("cell", move |p, _| strong(p), move |p, _| weak(p));
    scalings(sweep(counts, &[backend])).remove(0)
}

/// One backend that follows the USL with a contention of 0.1, and this coherency in each round.
fn by_coherency(coherency: fn(usize) -> f64) -> Scaling {
    let strong = move |p: usize, round| {
        let law = Usl { unit: 1.0, contention: 0.1, coherency: coherency(round) };
        law.throughput(p as f64)
    };
    let counts: Vec<usize> = (1..=8).collect();
    scalings(sweep(&counts, &[backend("cell", strong, |p, _| p as f64)])).remove(0)
}

fn near(found: Result<Estimate, Refusal>, expected: f64) -> bool {
    found.is_ok_and(|found| (found.median - expected).abs() < 1e-5 * expected.abs().max(1.0))
}

#[test]
fn the_laws_of_scaling_are_found_with_enough_worker_counts() {
    let counts: Vec<usize> = (1..=8).collect();
    let law = Usl { unit: 1.0, contention: 0.1, coherency: 0.005 };
    // Strong scaling follows the USL. In weak scaling a tenth is serial.
    let scaling =
        scaling(&counts, move |p| law.throughput(p as f64), |p| p as f64 - 0.1 * (p as f64 - 1.0));
    assert_eq!(scaling.strong.len(), 8);
    assert!(near(scaling.gustafson, 0.1), "{:?}", scaling.gustafson);
    assert!(near(scaling.usl_contention, 0.1), "{:?}", scaling.usl_contention);
    assert!(near(scaling.usl_coherency, 0.005), "{:?}", scaling.usl_coherency);
    assert!(near(scaling.usl_peak, 13.416_408), "{:?}", scaling.usl_peak); // sqrt(0.9 / 0.005)
    let amdahl = scaling.amdahl.unwrap().median;
    assert!((0.1..0.2).contains(&amdahl), "{amdahl}");
}

#[test]
fn a_tax_stands_beside_the_serial_fraction() {
    let law = Amdahl { serial: 0.05, tax: 1.1 };
    let scaling = scaling(&[1, 2, 4, 8], move |p| law.speedup(p), |p| p as f64);
    assert!(near(scaling.amdahl, 0.05), "{:?}", scaling.amdahl);
    assert!(near(scaling.amdahl_tax, 1.1), "{:?}", scaling.amdahl_tax);
}

#[test]
fn two_worker_counts_are_refused_by_the_laws_that_need_more() {
    let scaling = scaling(&[1, 2], |p| if p == 1 { 0.99 } else { 1.92 }, |p| p as f64);
    let few = |needed| Refusal::FewWorkerCounts { found: 2, needed };
    assert_eq!(scaling.amdahl, Err(few(3)));
    assert_eq!(scaling.amdahl_tax, Err(few(3)));
    assert_eq!(scaling.usl_peak, Err(few(6)));
    assert_eq!(scaling.strong[0].karp_flatt, Err(Refusal::OneWorker));
    assert!(scaling.strong[1].karp_flatt.is_ok()); // Karp-Flatt needs only two workers
}

/// The median of only those rounds that have a peak would be a peak of 9.5 workers.
#[test]
fn half_of_the_rounds_make_no_peak() {
    let scaling = by_coherency(|round| if round % 2 == 0 { 0.01 } else { -0.002 });
    assert_eq!(scaling.usl_peak, Err(Refusal::CoherencyMayBeZero));
    let coherency = scaling.usl_coherency.unwrap();
    assert!(coherency.interval.unwrap().0 == 0.0, "{coherency:?}"); // cut at 0
}

#[test]
fn rounds_without_a_peak_are_part_of_its_estimate() {
    // Two rounds of twenty never fall: their peaks are at infinity. The order statistics are those
    // of all rounds, from 0.9 / 0.01 to infinity, two times.
    let scaling = by_coherency(|round| match round {
        0..2 => -0.001,
        round => 0.005 + 0.005 * (round - 2) as f64 / 17.0,
    });
    let peak = scaling.usl_peak.unwrap();
    let at = |round: usize| (0.9 / (0.005 + 0.005 * (round - 2) as f64 / 17.0)).sqrt();
    assert!((peak.median - at(9).midpoint(at(10))).abs() < 1e-4, "{peak:?}");
    let (low, high) = peak.interval.unwrap();
    assert!((low - at(17)).abs() < 1e-4 && (high - at(2)).abs() < 1e-4, "{peak:?}");
}

#[test]
fn a_peak_far_beyond_the_measurements_is_refused() {
    let scaling = by_coherency(|_| 0.0005); // sqrt(0.9 / 0.0005) = 42.4, and 8 workers
    let Err(Refusal::FarPeak { peak, largest: 8 }) = scaling.usl_peak else {
        panic!("{:?}", scaling.usl_peak)
    };
    assert!((peak - 42.4).abs() < 0.1, "{peak}");
    assert!(near(scaling.usl_coherency, 0.0005), "{:?}", scaling.usl_coherency);
}

#[test]
fn a_cell_with_a_fault_is_the_reason() {
    let (header, mut samples) = sweep(&[1, 2, 4], &[ideal("cell"), ideal("other")]);
    let hangs = |sample: &&mut Sample| {
        sample.scenario == STRONG && sample.backend == "cell" && sample.workers == 4
    };
    samples.iter_mut().filter(hangs).for_each(|sample| sample.status = Status::Hang);
    let found = scalings((header, samples));
    let fault = Refusal::Fault { workers: 4 };
    assert_eq!((found[0].amdahl, found[0].strong[2].karp_flatt), (Err(fault), Err(fault)));
    assert_eq!(found[0].usl_peak, Err(Refusal::FewWorkerCounts { found: 3, needed: 6 }));
    assert!(found[0].gustafson.is_ok() && found[1].amdahl.is_ok());
}

#[test]
fn without_a_batch_that_grows_gustafson_says_so() {
    let (mut header, samples) = sweep(&[1, 2, 4], &[ideal("cell")]);
    header.scenarios.truncate(1);
    let found = scalings((header, samples)).remove(0);
    assert_eq!(found.gustafson, Err(Refusal::NoGrowingBatch));
    assert!(found.amdahl.is_ok());
    assert_eq!(scaling(&[1], |_| 1.0, |_| 1.0).gustafson, Err(Refusal::NoGrowingBatch));
}

#[test]
fn fractions_outside_their_range_are_refused() {
    let reason = |refused: Result<Estimate, Refusal>| refused.unwrap_err().to_string();
    // S = p^1.1 is more than p workers can do.
    let above = scaling(&[1, 2, 4], |p| (p as f64).powf(1.1), |p| (p as f64).powf(1.1));
    assert!(reason(above.strong[1].karp_flatt).contains("higher than the number of workers"));
    assert!(reason(above.gustafson).contains("higher than the number of workers"));
    assert!(reason(above.amdahl).contains("grows faster than the number of workers"));
    let below = scaling(&[1, 2, 4], |p| (p as f64).powf(-0.1), |p| (p as f64).powf(-0.1));
    assert!(reason(below.strong[1].karp_flatt).contains("the speedup is below 1"));
    assert!(reason(below.gustafson).contains("the speedup is below 1"));
    assert!(reason(below.amdahl).contains("falls with more workers"));
}

#[test]
fn noise_around_the_end_of_a_range_is_cut() {
    let noisy = |p: usize, round: usize| p as f64 * (1.0 + 0.01 * ((round * p) % 5) as f64 - 0.02);
    let found = scalings(sweep(&[1, 2, 4], &[backend("cell", noisy, noisy)])).remove(0);
    let fractions = [found.strong[1].karp_flatt, found.amdahl, found.gustafson];
    for fraction in fractions.map(Result::unwrap) {
        let (low, high) = fraction.interval.unwrap();
        assert!(low == 0.0 && fraction.median < 0.01 && high > 0.0, "{fraction:?}");
    }
}

/// Speedups that fall beyond four workers have no place in Amdahl's law.
#[test]
fn a_law_that_misses_the_measurements_is_refused() {
    let law = Usl { unit: 1.0, contention: 0.05, coherency: 0.02 };
    let scaling =
        scaling(&[1, 2, 4, 8, 16, 32], move |p| law.throughput(p as f64), |p| (p as f64).sqrt());
    let misses = |refused| matches!(refused, Err(Refusal::NoFit { .. }));
    assert!(misses(scaling.amdahl), "{:?}", scaling.amdahl);
    assert!(misses(scaling.gustafson), "{:?}", scaling.gustafson);
    assert!(near(scaling.usl_coherency, 0.02), "{:?}", scaling.usl_coherency);
}

#[test]
fn intervals_are_corrected_for_the_backends_that_are_read_together() {
    let tenth = |p: usize, round: usize| {
        let law = Amdahl { serial: 0.1 + 0.001 * round as f64, tax: 1.0 };
        law.speedup(p)
    };
    let labels = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
        "s", "t", "u", "v", "w", "x", "y", "z", "A", "B",
    ];
    let backends = labels.map(|label| backend(label, tenth, |p, _| p as f64));
    let width = |backends: &[Backend]| {
        let (low, high) =
            scalings(sweep(&[1, 2, 4], backends))[0].amdahl.unwrap().interval.unwrap();
        ((high - low) * 1000.0).round()
    };
    // Of twenty values, the sign test excludes 2 at each end for 99.9 %, and 1 for 1 - 1 %/28.
    assert_eq!((width(&backends[..1]), width(&backends)), (15.0, 17.0));
}

#[test]
fn the_report_gives_the_reasons_of_every_backend() {
    let counts: Vec<usize> = (1..=8).collect();
    let usl = |coherency| {
        let law = Usl { unit: 1.0, contention: 0.0312, coherency };
        move |p: usize, _| law.throughput(p as f64)
    };
    let backends = [
        backend("near", usl(0.01), |p, _| p as f64),
        backend("far", usl(0.0005), |p, _| p as f64),
        backend("slow", |p, _| 0.9 - 0.05 * p as f64, |_, _| 0.9),
    ];
    let (header, samples) = sweep(&counts, &backends);
    let analysis: Analysis = analyse(header, &samples);
    let printed = text(&analysis, Page::default());
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    snapbox::assert_data_eq!(
        printed,
        snapbox::str![[r#"
Test CPU, 8 CPUs, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds; medians with 99% intervals
noise: the baseline differs from itself by up to 0.0%

The same batch with more workers
backend  workers            speedup         serial fraction
                                               (Karp-Flatt)
───────────────────────────────────────────────────────────
near           1  1.00x [1.00,1.00]         needs 2 workers
near           2  1.90x [1.90,1.90]  0.0512 [0.0512,0.0512]
near           3  2.67x [2.67,2.67]  0.0612 [0.0612,0.0612]
near           4  3.30x [3.30,3.30]  0.0712 [0.0712,0.0712]
near           5  3.77x [3.77,3.77]  0.0812 [0.0812,0.0812]
near           6  4.12x [4.12,4.12]  0.0912 [0.0912,0.0912]
near           7  4.36x [4.36,4.36]     0.101 [0.101,0.101]
near           8  4.50x [4.50,4.50]     0.111 [0.111,0.111]
far            1  1.00x [1.00,1.00]         needs 2 workers
far            2  1.94x [1.94,1.94]  0.0322 [0.0322,0.0322]
far            3  2.82x [2.82,2.82]  0.0327 [0.0327,0.0327]
far            4  3.64x [3.64,3.64]  0.0332 [0.0332,0.0332]
far            5  4.41x [4.41,4.41]  0.0337 [0.0337,0.0337]
far            6  5.12x [5.12,5.12]  0.0342 [0.0342,0.0342]
far            7  5.79x [5.79,5.79]  0.0347 [0.0347,0.0347]
far            8  6.42x [6.42,6.42]  0.0352 [0.0352,0.0352]
slow           1  0.85x [0.85,0.85]         needs 2 workers
slow           2  0.80x [0.80,0.80]           refused: 1.50
slow           3  0.75x [0.75,0.75]           refused: 1.50
slow           4  0.70x [0.70,0.70]           refused: 1.57
slow           5  0.65x [0.65,0.65]           refused: 1.67
slow           6  0.60x [0.60,0.60]           refused: 1.80
slow           7  0.55x [0.55,0.55]           refused: 1.95
slow           8  0.50x [0.50,0.50]           refused: 2.14

A serial fraction above 1 is refused: the speedup is below 1, and no share of
the work explains that.

Laws of scaling, fitted to these speedups
backend         Amdahl           Amdahl  Gustafson
                   tax           serial     serial
──────────────────────────────────────────────────
near             0.951            0.110          0
         [0.951,0.951]    [0.110,0.110]      [0,0]
far              0.997           0.0352          0
         [0.997,0.997]  [0.0352,0.0352]      [0,0]
slow           refused          refused    refused

backend              USL                  USL          USL
              contention            coherency         peak
──────────────────────────────────────────────────────────
near              0.0312               0.0100         9.84
         [0.0312,0.0312]      [0.0100,0.0100]  [9.84,9.84]
far               0.0312             0.000500      no peak
         [0.0312,0.0312]  [0.000500,0.000500]
slow               0.844                0.112         1.18
           [0.844,0.844]        [0.112,0.112]  [1.18,1.18]

Amdahl, slow: the speedups do not follow this law: with 2 workers it gives
0.708, and 0.800 was measured
Gustafson, slow: the serial fraction would be 1.02: the speedup is below 1
USL peak, far: it would be at 44.0 workers, beyond twice the 8 workers that were
measured

"#]]
    );
}
