//! An axis: its range, linear or logarithmic, and its ticks.

use plotters::coord::ranged1d::{
    KeyPointHint, KeyPointWeight, NoDefaultFormatting, ValueFormatter,
};
use plotters::prelude::Ranged;
use std::ops::Range;

/// An axis.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<(f64, String)>,
}

/// About as many ticks fit an axis.
const TICKS: f64 = 6.0;

impl Scale {
    /// A linear axis that holds the values, with ticks at round numbers.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>, label: fn(f64) -> String) -> Self {
        let (low, high) = ends(values).unwrap_or((0.0, 1.0));
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        let step = round_step((high - low) / TICKS);
        let first = (low / step).ceil();
        let ticks = (0..20).map(|i| (first + f64::from(i)) * step);
        let ticks = ticks.take_while(|tick| *tick <= high + step * 1e-9);
        Scale { low, high, is_log: false, ticks: ticks.map(|tick| (tick, label(tick))).collect() }
    }

    /// A logarithmic axis that holds the values above 0, with ticks at powers of ten, or at 1, 2 and 5 times
    /// them where there is room.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>, label: fn(f64) -> String) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let (low, high) = ends(positive).unwrap_or((1.0, 10.0));
        let (low, high) = if high > low * 1.001 { (low, high) } else { (low / 1.2, high * 1.2) };
        let decades = (high / low).log10();
        let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let ticks: Vec<f64> = if decades < 0.6 {
            let inside = Scale::linear([low, high], |_| String::new());
            inside.ticks.into_iter().map(|(tick, _)| tick).collect()
        } else {
            let within: &[f64] = if decades < 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let step = (decades / TICKS).ceil().max(1.0) as usize;
            let powers = exponents.step_by(step).map(|exponent| 10f64.powi(exponent));
            powers.flat_map(|power| within.iter().map(move |times| power * times)).collect()
        };
        Scale::with_ticks(low, high, ticks, label)
    }

    /// A logarithmic axis from 1 worker to the most workers, with ticks at powers of two.
    pub(crate) fn workers(most: f64) -> Self {
        let most = most.max(2.0);
        let step = if most > 40.0 { 2 } else { 1 };
        let powers = (0..=20).step_by(step).map(|exponent| 2f64.powi(exponent));
        Scale::with_ticks(1.0, most, powers.collect(), short)
    }

    fn with_ticks(low: f64, high: f64, mut ticks: Vec<f64>, label: fn(f64) -> String) -> Self {
        ticks.retain(|tick| (low * 0.999..=high * 1.001).contains(tick));
        let ticks = ticks.into_iter().map(|tick| (tick, label(tick))).collect();
        Scale { low, high, is_log: true, ticks }
    }

    /// How far a value lies between the ends, from 0 to 1. Values beyond the ends are at the ends.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = match self.is_log {
            true => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    pub(crate) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }
}

/// The smallest and the largest of the values, without those that are not finite.
fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below the step.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= step * 0.999);
    times.unwrap_or(10.0) * power
}

/// A number of a tick without needless digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-4..1e7).contains(&size) => format!("{value:.0e}"),
        size => {
            let decimals = (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').into(),
                false => text,
            }
        }
    }
}

/// A share of a tick, as 50%.
pub(crate) fn share_label(share: f64) -> String {
    short(share * 100.0) + "%"
}

/// A time of a tick, as 10 us.
pub(crate) fn time_label(ns: f64) -> String {
    match ns.abs() {
        a if a < 999.5 => short(ns) + " ns",
        a if a < 999.5e3 => short(ns / 1e3) + " us",
        a if a < 999.5e6 => short(ns / 1e6) + " ms",
        _ => short(ns / 1e9) + " s",
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (f64::from(limit.1 - limit.0) * self.share(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight() {
            KeyPointWeight::Bold => self.ticks.iter().map(|(tick, _)| *tick).collect(),
            KeyPointWeight::Any => vec![],
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(tick, _)| tick == value);
        tick.map_or(String::new(), |(_, label)| label.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks().iter().map(|(_, label)| &**label).collect()
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(
            labels(&Scale::linear([0.0, 1.0], short)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(labels(&Scale::workers(1024.0)), ["1", "4", "16", "64", "256", "1024"]);
        assert_eq!(labels(&Scale::workers(2.0)), ["1", "2"]);
        assert_eq!(
            labels(&Scale::log([120.0, 3.2e6], time_label)),
            ["1 us", "10 us", "100 us", "1 ms"]
        );
        assert_eq!(labels(&Scale::log([1.6, 1.95], short)), ["1.6", "1.7", "1.8", "1.9"]);
    }

    #[test]
    fn strange_values_do_no_harm() {
        for values in
            [vec![], vec![f64::NAN], vec![3.0], vec![0.0, f64::INFINITY], vec![1e-300, 1e300]]
        {
            for scale in [Scale::linear(values.clone(), short), Scale::log(values.clone(), short)] {
                assert!(scale.ticks().len() <= 20, "{scale:?}");
                for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1.0, 1e300] {
                    assert!((0..=100).contains(&scale.map(&value, (0, 100))), "{scale:?} {value}");
                }
            }
        }
    }

    #[test]
    fn half_way_is_the_mean_or_the_geometric_mean() {
        assert_eq!(Scale::linear([10.0, 30.0], short).share(20.0), 0.5);
        assert!((Scale::log([1.0, 100.0], short).share(10.0) - 0.5).abs() < 1e-12);
    }
}
