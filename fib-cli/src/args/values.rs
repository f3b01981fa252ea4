//! Parsers for the values of arguments.

use crate::backends;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use fib::MOST_WORKERS;
use fib::kernels::{self, KernelEntry};
use fib::{Descriptor, MemoryLimit, ResidueMethod};
use fib_bench::{RESIDUE_SCENARIOS, SCENARIOS, Scenario, TREE_SCENARIOS};
use fib_report::{LONGEST_NAME, visible};
use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::time::Duration;

/// A parser for the names of `entries`. Completions and error messages list the names.
fn named<T: Copy + Send + Sync + 'static>(
    entries: impl IntoIterator<Item = (&'static str, &'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let entries: Vec<_> = entries.into_iter().collect();
    let values = entries.iter().map(|(name, summary, _)| PossibleValue::new(*name).help(*summary));
    PossibleValuesParser::new(values.collect::<Vec<_>>()).try_map(move |chosen| {
        let entry = entries.iter().find(|(name, ..)| *name == chosen);
        entry.map(|&(.., value)| value).ok_or("no such name")
    })
}

pub(super) fn backend_parser() -> impl TypedValueParser<Value = &'static Descriptor> {
    named(backends::all().map(|entry| (entry.name, entry.summary, entry)))
}

pub(super) fn scenario_parser() -> impl TypedValueParser<Value = &'static Scenario> {
    named(SCENARIOS.iter().map(|entry| (entry.name, entry.summary, entry)))
}

/// Scenarios of numbers, of trees and of residues.
pub(super) fn any_scenario_parser() -> impl TypedValueParser<Value = &'static Scenario> {
    let all = SCENARIOS.iter().chain(TREE_SCENARIOS).chain(RESIDUE_SCENARIOS);
    named(all.map(|entry| (entry.name, entry.summary, entry)))
}

pub(super) fn kernel_parser() -> impl TypedValueParser<Value = &'static KernelEntry> {
    named(kernels::KERNELS.iter().map(|entry| (entry.name, entry.summary, entry)))
}

pub(super) fn arithmetic_parser() -> impl TypedValueParser<Value = &'static KernelEntry> {
    named(kernels::arithmetic().map(|entry| (entry.name, entry.summary, entry)))
}

pub(super) fn residue_parser() -> impl TypedValueParser<Value = ResidueMethod> {
    named(ResidueMethod::ALL.map(|method| (method.name(), method.summary(), method)))
}

pub(super) fn parse_workers(text: &str) -> Result<NonZeroUsize, String> {
    let workers = text.parse().ok().filter(|&workers: &NonZeroUsize| workers <= MOST_WORKERS);
    workers.ok_or_else(|| format!("expected a number from 1 to {MOST_WORKERS}"))
}

pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds from 0.1 to 86400".into())
}

/// A text for a report, with control characters made visible.
pub(super) fn parse_label(text: &str) -> Result<String, String> {
    let label =
        Some(visible(text.trim())).filter(|label| (1..=LONGEST_NAME).contains(&label.len()));
    label
        .map(Cow::into_owned)
        .ok_or_else(|| format!("expected a text of 1 to {LONGEST_NAME} bytes"))
}

/// A percentage that an interval of several runs can reach, returned as a share of 1.
pub(super) fn parse_width(text: &str) -> Result<f64, String> {
    const NARROWEST: f64 = 0.014;
    match parse_percent(text)? {
        width if width < NARROWEST => {
            Err("no interval is narrower than ±1.3%, because comparisons differ by that much"
                .into())
        }
        width => Ok(width),
    }
}

/// A percentage, returned as a share of 1.
pub(super) fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse().ok();
    let percent = percent.filter(|percent: &f64| (0.1..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected a number from 0.1 to 100".into())
}

/// A number of bytes. A suffix K, M, G or T multiplies it by 1024, 1024^2 and so on.
pub(super) fn parse_memory(text: &str) -> Result<MemoryLimit, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err("expected a number of bytes, or a number with K, M, G or T".into()),
    };
    let number = digits.parse::<u64>().map_err(|_| "expected a whole number, as in 500M")?;
    let bytes = number.checked_mul(1 << shift).ok_or("this is too large")?;
    Ok(MemoryLimit::Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_sizes() {
        let bytes = |text| match parse_memory(text) {
            Ok(MemoryLimit::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        assert_eq!(
            ["0", "12", "3k", "500M", "2GiB", "1T"].map(bytes),
            [Some(0), Some(12), Some(3 << 10), Some(500 << 20), Some(2 << 30), Some(1 << 40)]
        );
        assert!(
            ["", "M", "-1", "1.5G", "1e9", "99999999999T", "8P"]
                .into_iter()
                .all(|t| bytes(t).is_none())
        );
    }

    #[test]
    fn labels() {
        assert_eq!(parse_label(" room 12, seat 7 ").as_deref(), Ok("room 12, seat 7"));
        assert_eq!(parse_label("\u{1b}[2J\u{9b}\u{202e}").as_deref(), Ok(r"\u001b[2J\u009b\u202e"));
        assert!(parse_label(&"b".repeat(200)).is_ok());
        // A control character takes six bytes when it is visible.
        let too_long = ["b".repeat(201), "\u{7}".repeat(34), String::new(), " ".into()];
        assert!(too_long.iter().all(|text| parse_label(text).is_err()));
    }

    #[test]
    fn worker_counts_and_seconds() {
        assert!(["1", "1024"].into_iter().all(|text| parse_workers(text).is_ok()));
        assert!(
            ["0", "1025", "-1", "two", ""].into_iter().all(|text| parse_workers(text).is_err())
        );
        assert!(["0.5", "120"].into_iter().all(|text| parse_seconds(text).is_ok()));
        assert!(
            ["0", "-1", "nan", "inf", "1e9"].into_iter().all(|text| parse_seconds(text).is_err())
        );
    }
}
