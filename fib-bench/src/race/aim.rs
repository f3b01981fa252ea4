//! Searches for a size that just fits the time limit, in few runs. It does not read the clock: its caller runs
//! the sizes.

use std::time::Duration;

/// A run that takes this share of the time says enough about the next size.
const TELLING: f64 = 0.15;

/// The share of the time that a size is aimed at. The rest is for noise.
const AIM: f64 = 0.96;

/// A size that takes less than this share of the time is too small.
const LEAST: f64 = 0.85;

/// The size grows at most by this factor from one probe to the next.
const STRIDE: f64 = 8.0;

/// The search ends when the largest size that was done is this near to the smallest that was not.
const NEAR: f64 = 0.95;

/// The most runs between the approach and the confirmation.
const STEPS: usize = 3;

/// A size that is not confirmed is replaced by a size that takes this share of its time.
const RETREAT: f64 = 0.9;

/// The most sizes that are tried for confirmation.
const CANDIDATES: usize = 3;

/// A run that takes less than this share of the time is mostly overhead, so it says nothing about growth.
const MOSTLY_OVERHEAD: f64 = 0.01;

/// The most probes of a search.
const PROBES: usize = 40;

/// What a run of the caller says: the time that it took, or `None` if it was not done in time.
pub(super) type Outcome = Option<Duration>;

/// A run of one size. The second argument says whether the run confirms a size.
pub(super) type Attempt<'a, E> = &'a mut dyn FnMut(u64, bool) -> Result<Outcome, E>;

/// A search for the largest size.
pub(super) struct Aim {
    /// The time that a run may take.
    limit: Duration,
    /// The first size that is tried.
    first: u64,
    /// No size is larger than this.
    most: u64,
    /// The time grows with about this power of the size.
    guess: f64,
    /// The power that the runs so far show.
    exponent: f64,
}

impl Aim {
    /// A search for the largest size up to `most` that is done within `limit`. It begins with the size
    /// `first`. The time grows with about the power `guess` of the size.
    pub(super) fn new(limit: Duration, first: u64, most: u64, guess: f64) -> Self {
        Aim { limit, first, most, guess, exponent: guess }
    }

    /// Tries sizes, and ends with the runs that confirm a size. If even the smallest size takes too long,
    /// its runs are the last.
    ///
    /// # Errors
    /// The first error of `attempt`, which ends the search.
    pub(super) fn search<E>(mut self, attempt: Attempt<'_, E>) -> Result<(), E> {
        let (mut done, mut late) = self.approach(attempt)?;
        let mut runs_of_done = 0;
        for _ in 0..STEPS {
            let (size, share) = done;
            if share >= LEAST || size == self.most || size as f64 >= NEAR * late as f64 {
                break;
            }
            let aimed = self.scaled(size, AIM / share);
            // Halfway between a size that was done and a size that was not, as factors.
            let halfway = (size as f64 * (late as f64 / size as f64).sqrt()) as u64;
            let next = if aimed < late { aimed } else { halfway }.clamp(size + 1, self.most);
            match attempt(next, true)? {
                Some(time) => {
                    let share = self.share(time);
                    self.learn(Some(done), (next, share));
                    (done, runs_of_done) = ((next, share), 1);
                }
                None => late = next,
            }
        }
        self.confirm(done.0, runs_of_done, attempt)
    }

    /// Runs a size until two runs were done in time, or two were not; `successes` were done before. A size that
    /// was not confirmed makes place for a smaller one.
    fn confirm<E>(
        &self,
        mut size: u64,
        mut successes: usize,
        attempt: Attempt<'_, E>,
    ) -> Result<(), E> {
        for _ in 0..CANDIDATES {
            let mut failures = 0;
            while successes < 2 && failures < 2 {
                match attempt(size, true)? {
                    Some(_) => successes += 1,
                    None => failures += 1,
                }
            }
            if successes == 2 || size == 1 {
                break;
            }
            (size, successes) = (self.scaled(size, RETREAT), 0);
        }
        Ok(())
    }

    fn share(&self, time: Duration) -> f64 {
        (time.as_secs_f64() / self.limit.as_secs_f64()).max(1e-9)
    }

    /// Grows the size until a run takes at least [`TELLING`] of the limit. Returns the size and its share of the
    /// time, and the smallest size that was not done in time.
    fn approach<E>(&mut self, attempt: Attempt<'_, E>) -> Result<((u64, f64), u64), E> {
        let (mut last, mut late) = (None, u64::MAX);
        let mut size = self.first.clamp(1, self.most);
        for _ in 0..PROBES {
            let Some(time) = attempt(size, false)? else {
                late = size;
                size = match last {
                    Some((done, _)) => (done as f64 * (size as f64 / done as f64).sqrt()) as u64,
                    None => size / 2,
                };
                let no_room = last.is_some_and(|(done, _)| size <= done);
                if size == 0 || no_room {
                    break;
                }
                continue;
            };
            let share = self.share(time);
            self.learn(last, (size, share));
            last = Some((size, share));
            if share >= TELLING || size == self.most {
                break;
            }
            let larger = self.scaled(size, 2.0 * TELLING / share);
            size = larger
                .min((size as f64 * STRIDE) as u64)
                .clamp(size + 1, self.most.min(late - 1).max(size + 1));
        }
        // If no size fits, the search ends with runs of the smallest.
        Ok((last.unwrap_or((1, 1.0)), late))
    }

    /// Learns from two sizes how the time grows.
    fn learn(&mut self, earlier: Option<(u64, f64)>, (size, share): (u64, f64)) {
        let tells_growth = |&(other, other_share): &(u64, f64)| {
            other_share > MOSTLY_OVERHEAD && size as f64 > 1.05 * other as f64
        };
        if let Some((other, other_share)) = earlier.filter(tells_growth) {
            let growth = (share / other_share).ln() / (size as f64 / other as f64).ln();
            // Clamped, so that one noisy run cannot change the exponent much.
            let (least, most) = (0.75 * self.guess, 1.35 * self.guess);
            self.exponent = growth.clamp(least, most);
        }
    }

    /// The size that takes `factor` times as long.
    fn scaled(&self, size: u64, factor: f64) -> u64 {
        ((size as f64 * factor.powf(1.0 / self.exponent)) as u64).clamp(1, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// Every run of a search: the size, whether it confirms, whether it was done in time.
    fn runs(aim: Aim, seconds: impl Fn(u64) -> f64) -> Vec<(u64, bool, bool)> {
        let limit = aim.limit.as_secs_f64();
        let mut runs = vec![];
        let attempt = &mut |size: u64, confirms: bool| {
            let time = seconds(size);
            runs.push((size, confirms, time <= limit));
            Ok::<_, Infallible>((time <= limit).then(|| Duration::from_secs_f64(time)))
        };
        let Ok(()) = aim.search(attempt);
        runs
    }

    fn aim(first: u64, exponent: f64) -> Aim {
        Aim::new(Duration::from_secs(1), first, u64::MAX >> 1, exponent)
    }

    proptest! {
        /// A law with an overhead, and a first guess at its exponent that is wrong.
        #[test]
        fn a_law_is_found_within_a_few_percent(
            exponent in 1.0f64..3.2,
            guess in 0.85f64..1.2,
            per_unit in 1e-9f64..1e-6,
            overhead in 0.0f64..0.01,
            first in 1u64..500,
        ) {
            let seconds = |n: u64| overhead + per_unit * (n as f64).powf(exponent);
            let largest = ((1.0 - overhead) / per_unit).powf(1.0 / exponent);
            let runs = runs(aim(first, exponent * guess), seconds);
            let &(size, confirms, in_time) = runs.last().unwrap();
            prop_assert!(confirms && in_time, "{runs:?}");
            prop_assert!(size as f64 <= largest && size as f64 >= 0.85 * largest - 2.0, "{size} of {largest}");
            let late = runs.iter().filter(|run| !run.2).count();
            prop_assert!(runs.len() <= 30 && late <= 4, "{runs:?}");
        }
    }

    #[test]
    fn a_first_guess_that_is_too_large_is_halved() {
        let runs = runs(aim(1 << 20, 2.0), |n| (n as f64 / 1000.0).powi(2));
        let &(size, _, in_time) = runs.last().unwrap();
        assert!(in_time && (900..=1000).contains(&size), "{runs:?}");
    }

    #[test]
    fn nothing_in_time_ends_with_runs_of_the_smallest_size() {
        let runs = runs(aim(64, 2.0), |_| 2.0);
        assert_eq!(runs.last(), Some(&(1, true, false)));
        assert!(runs.len() < 30, "{runs:?}");
    }

    #[test]
    fn the_largest_size_is_respected() {
        let all = runs(Aim { most: 1000, ..aim(10, 1.0) }, |_| 1e-6);
        assert!(all.iter().all(|&(size, ..)| size <= 1000));
        assert_eq!(all.last(), Some(&(1000, true, true)));
    }

    #[test]
    fn a_machine_that_becomes_slower_gets_a_smaller_size() {
        let slower = std::cell::Cell::new(1.0);
        let runs = runs(aim(10, 2.0), |n| {
            slower.set(slower.get() * 1.02);
            slower.get() * 1e-6 * (n as f64).powi(2)
        });
        assert!(runs.last().unwrap().2, "{runs:?}");
    }
}
