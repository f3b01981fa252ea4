//! Reads a record file.

use crate::record::{Header, Record, Resumed, SCHEMA_VERSION};
use crate::sample::Sample;
use serde_json::Value;

/// The contents of a record file.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The first line.
    pub header: Header,
    pub samples: Vec<Sample>,
    /// The later measurements that added samples.
    pub resumed: Vec<Resumed>,
    /// The number of bytes up to the end of the last complete line.
    pub whole_bytes: usize,
    /// Whether the last line is incomplete, as after a crash. That line is not among the samples.
    pub cut_short: bool,
}

/// Why a record file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The file is not a record of this program.
    #[error("line 1: this is not a record of fib: {0}")]
    Foreign(String),
    /// The file has another version of the format.
    #[error("line 1: the record has format version {0}, and this program reads {SCHEMA_VERSION}")]
    Version(u64),
    /// A line makes no sense.
    #[error("line {line}: {reason}")]
    Corrupt {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads the bytes of a record file. An incomplete last line is left out.
///
/// # Errors
/// If the file is not a record, has another format version, or is corrupt anywhere but in its last
/// line.
pub fn read(bytes: &[u8]) -> Result<Recording, Unreadable> {
    let whole_bytes = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let complete = &bytes[..whole_bytes];
    let mut lines = complete.split(|&byte| byte == b'\n').zip(1..);
    let header = header(lines.next().map_or(&[][..], |(line, _)| line))?;
    let (mut samples, mut resumed) = (vec![], vec![]);
    for (text, line) in lines.filter(|(text, _)| !text.is_empty()) {
        let corrupt = |reason: String| Unreadable::Corrupt { line, reason };
        match serde_json::from_slice(text).map_err(|error| corrupt(error.to_string()))? {
            Record::Sample(sample) => {
                let known = |name: &str| header.scenarios.iter().any(|s| s.name == name);
                if !sample.scenario.is_empty() && !known(&sample.scenario) {
                    return Err(corrupt(format!(
                        "the header lists no scenario {}",
                        sample.scenario
                    )));
                }
                samples.push(*sample);
            }
            Record::Resumed(later) => resumed.push(later),
            Record::Header(_) => return Err(corrupt("a second header".into())),
        }
    }
    let cut_short = whole_bytes < bytes.len();
    Ok(Recording { header, samples, resumed, whole_bytes, cut_short })
}

fn header(line: &[u8]) -> Result<Header, Unreadable> {
    let foreign = |error: serde_json::Error| Unreadable::Foreign(error.to_string());
    let value: Value = serde_json::from_slice(line).map_err(foreign)?;
    match value["schema_version"].as_u64() {
        Some(version) if version != u64::from(SCHEMA_VERSION) => Err(Unreadable::Version(version)),
        Some(_) => match serde_json::from_value(value).map_err(foreign)? {
            Record::Header(header) => Ok(*header),
            _ => Err(Unreadable::Foreign("the file does not start with a header".into())),
        },
        None => Err(Unreadable::Foreign("the file does not start with a header".into())),
    }
}

impl Recording {
    /// The number of the first round of a run that adds to this record.
    pub fn next_round(&self) -> usize {
        self.samples.iter().map(|sample| sample.round + 1).max().unwrap_or(0)
    }

    /// Why a run with the header `new` may not add samples to this record, in words. `None` if it
    /// may.
    pub fn difference_to(&self, new: &Header) -> Option<String> {
        difference(&self.header, new)
    }
}

/// The first field in which two headers differ, apart from times, command lines, seed and target
/// width.
fn difference(old: &Header, new: &Header) -> Option<String> {
    let neutral = |header: &Header| {
        let mut header = header.clone();
        header.machine.load_1min = None;
        (header.command, header.started_unix_s, header.budget_s) = (String::new(), 0, 0.0);
        (header.width, header.seed) = (None, 0);
        serde_json::to_value(header).unwrap_or_default() // plain data
    };
    let (old, new) = (neutral(old), neutral(new));
    let (old_fields, new_fields) = (old.as_object()?, new.as_object()?);
    let keys = old_fields.keys().chain(new_fields.keys());
    let changed = keys.into_iter().find(|key| old.get(key.as_str()) != new.get(key.as_str()))?;
    let show = |value: Option<&Value>| {
        let text = value.map_or("nothing".into(), Value::to_string);
        let short: String = text.chars().take(60).collect();
        if short.len() < text.len() { short + "..." } else { short }
    };
    let (before, now) = (show(old.get(changed.as_str())), show(new.get(changed.as_str())));
    Some(format!("{changed} was {before} and is now {now}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::{header, rounds};
    use proptest::prelude::*;

    fn file() -> String {
        let header = Record::Header(Box::new(header(&["quick"], &[2])));
        let samples = rounds(&[("quick", 2, 640.0)]).into_iter();
        let records = [header].into_iter().chain(samples.map(|s| Record::Sample(Box::new(s))));
        records.map(|record| serde_json::to_string(&record).unwrap() + "\n").collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let recording = read(file().as_bytes()).unwrap();
        assert_eq!(recording.header, header(&["quick"], &[2]));
        assert_eq!(recording.samples, rounds(&[("quick", 2, 640.0)]));
        assert_eq!((recording.next_round(), recording.cut_short), (20, false));
        assert_eq!(recording.whole_bytes, file().len());
    }

    proptest! {
        #[test]
        fn a_file_cut_short_anywhere_is_read_up_to_its_last_whole_line(cut in 0usize..20_000) {
            let file = file();
            let cut = cut % file.len();
            let complete = file[..cut].matches('\n').count();
            match read(&file.as_bytes()[..cut]) {
                Ok(recording) => {
                    prop_assert_eq!(recording.samples.len(), complete - 1);
                    prop_assert_eq!(recording.cut_short, !file[..cut].ends_with('\n'));
                }
                Err(error) => {
                    prop_assert_eq!(complete, 0);
                    prop_assert!(matches!(error, Unreadable::Foreign(_)));
                }
            }
        }
    }

    #[test]
    fn bad_files_are_refused_with_the_line() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(error("").starts_with("line 1: this is not a record of fib"));
        assert!(error("hello\n").starts_with("line 1: this is not a record of fib"));
        assert!(error("{\"kind\":\"sample\"}\n").contains("does not start with a header"));
        let version = format!("\"schema_version\":{SCHEMA_VERSION}");
        for other in [1, 2, 99] {
            let file = file().replacen(&version, &format!("\"schema_version\":{other}"), 1);
            let expected = format!(
                "line 1: the record has format version {other}, and this program reads \
                 {SCHEMA_VERSION}"
            );
            assert_eq!(error(&file), expected);
        }
        let mut lines: Vec<String> = file().lines().map(String::from).collect();
        lines[4].truncate(30);
        assert!(error(&(lines.join("\n") + "\n")).starts_with("line 5: "));
        let elsewhere = file().replace("\"scenario\":\"batch\"", "\"scenario\":\"other\"");
        assert_eq!(error(&elsewhere), "line 2: the header lists no scenario other");
        let twice = file() + &file();
        assert!(error(&twice).ends_with("a second header"));
    }

    #[test]
    fn only_the_same_machine_and_settings_add_up() {
        let old = header(&["quick"], &[2]);
        let mut new = Header { command: "another".into(), seed: 7, budget_s: 3.0, ..old.clone() };
        (new.started_unix_s, new.machine.load_1min, new.width) = (99, Some(7.0), Some(0.1));
        assert_eq!(difference(&old, &new), None);
        new.kernel = "doubling".into();
        let expected = "kernel was \"iterative\" and is now \"doubling\"";
        assert_eq!(difference(&old, &new).as_deref(), Some(expected));
        let mut other = old.clone();
        other.machine.cpu = "another CPU".into();
        assert!(difference(&old, &other).is_some_and(|text| text.starts_with("machine was")));
        other = Header { workers: vec![2, 4], ..old.clone() };
        assert!(difference(&old, &other).is_some_and(|text| text.starts_with("workers was")));
    }
}
