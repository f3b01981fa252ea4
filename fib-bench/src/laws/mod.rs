//! Laws of parallel speedup: pure functions of numbers that were measured.

/// The experimentally determined serial fraction, e = (1/S - 1/p) / (1 - 1/p), of a speedup S on p
/// workers (Karp and Flatt, CACM 33(5), 1990); `None` for one worker.
pub fn karp_flatt(speedup: f64, workers: usize) -> Option<f64> {
    let share = 1.0 / workers as f64;
    (workers > 1).then(|| (1.0 / speedup - share) / (1.0 - share))
}
