//! Numbers as text for people.

use crate::stats::Estimate;

/// A time with three significant digits.
pub fn duration(ns: f64) -> String {
    let (unit_ns, unit) = time_unit(ns);
    format!("{} {unit}", three_digits(ns / unit_ns))
}

/// The unit for a time with three significant digits: its nanoseconds, and its name.
pub(super) fn time_unit(ns: f64) -> (f64, &'static str) {
    match ns.abs() {
        a if a < 999.5 => (1.0, "ns"),
        a if a < 999.5e3 => (1e3, "us"),
        a if a < 999.5e6 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

/// A ratio, as 1.68x.
pub fn ratio(ratio: f64) -> String {
    let digits = match ratio {
        r if r < 0.000_95 => format!("{ratio:.4}"),
        r if r < 0.1 => format!("{ratio:.3}"),
        _ => three_digits(ratio),
    };
    digits + "x"
}

/// A share of a whole, as 97%.
pub fn percent(part: f64) -> String {
    format!("{:.0}%", part * 100.0)
}

/// The half-width of an interval in percent, rounded up; `?` without an interval.
pub fn spread(estimate: &Estimate) -> String {
    estimate.half_width().map_or("?".into(), percent_up)
}

/// The margin of a verdict, with all its digits.
pub fn margin_text(margin: f64) -> String {
    format!("{}%", (margin * 1e4).round() / 1e2)
}

/// A share of a whole, rounded up to a percent; only 0 is 0%.
pub fn percent_up(part: f64) -> String {
    let least = if part == 0.0 { 0.0 } else { 1.0 };
    format!("{:.0}%", (part * 100.0 - 1e-9).max(least).ceil())
}

/// Median and interval, as 1.68x [1.65,1.70].
pub fn with_interval(estimate: &Estimate) -> String {
    format!("{} {}", ratio(estimate.median), interval(estimate))
}

/// The interval of a ratio, as [1.65,1.70]; `[?]` without an interval.
pub(super) fn interval(estimate: &Estimate) -> String {
    estimate.interval.map_or("[?]".into(), |(low, high)| {
        format!("[{},{}]", ratio(low).replace('x', ""), ratio(high).replace('x', ""))
    })
}

fn three_digits(value: f64) -> String {
    match value.abs() {
        a if a < 9.995 => format!("{value:.2}"),
        a if a < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let durations = [0.0, 7.125, 999.4, 999.6, 12_345.0, 1.0e6, 25e9, -3200.0].map(duration);
        assert_eq!(
            durations,
            ["0.00 ns", "7.12 ns", "999 ns", "1.00 us", "12.3 us", "1.00 ms", "25.0 s", "-3.20 us"]
        );
        assert_eq!(
            [0.000_42, 0.0083, 0.51, 1.684, 158.2].map(ratio),
            ["0.0004x", "0.008x", "0.51x", "1.68x", "158x"]
        );
    }

    #[test]
    fn spreads_are_rounded_up() {
        let estimate = |low, high| Estimate { median: 2.0, interval: Some((low, high)) };
        assert_eq!(spread(&estimate(1.99, 2.001)), "1%");
        assert_eq!(spread(&estimate(1.90, 2.01)), "5%");
        assert_eq!(spread(&estimate(1.99999, 2.0)), "1%");
        assert_eq!(spread(&estimate(2.0, 2.0)), "0%"); // a baseline over itself
        assert_eq!(spread(&Estimate { median: 2.0, interval: None }), "?");
        assert_eq!(with_interval(&estimate(1.9, 2.125)), "2.00x [1.90,2.12]");
    }
}
