//! Reads a record file.

use crate::record::{Header, OLDEST_VERSION, Record, Resumed, SCHEMA_VERSION};
use crate::sample::Sample;
use crate::timeline::chunk_problem;
use crate::visible::make_visible;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashSet;
use std::ops::RangeInclusive;

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
    #[error(
        "line 1: the record has format version {0}, and this program reads {OLDEST_VERSION} to \
         {SCHEMA_VERSION}"
    )]
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

/// The versions of the format that are read.
const VERSIONS: RangeInclusive<u64> = OLDEST_VERSION as u64..=SCHEMA_VERSION as u64;

/// The most scenarios, backends or worker counts of a record.
const MOST_NAMES: usize = 1000;

/// The most backends of all worker counts and roles.
const MOST_CONTENDERS: usize = 3000;

/// The longest name in a record, in bytes.
pub const LONGEST_NAME: usize = 200;

/// The most rounds of a record. More than this would take years.
const MOST_ROUNDS: usize = 1_000_000_000;

/// Reads the bytes of a record file. An incomplete last line is left out. Control characters in texts
/// are made visible.
///
/// # Errors
/// If the file is not a record, has another format version, or is corrupt anywhere but in its last
/// line. A record with more names or rounds than a measurement could have is corrupt too.
pub fn read(bytes: &[u8]) -> Result<Recording, Unreadable> {
    let whole_bytes = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let complete = &bytes[..whole_bytes];
    let mut lines = complete.split(|&byte| byte == b'\n').zip(1..);
    let header = header(lines.next().map_or(&[][..], |(line, _)| line))?;
    let (mut samples, mut resumed) = (vec![], vec![]);
    for (text, line) in lines.filter(|(text, _)| !text.is_empty()) {
        let corrupt = |reason: String| Unreadable::Corrupt { line, reason };
        match parse(text).map_err(|error| corrupt(error.to_string()))? {
            Record::Sample(sample) => {
                check_sample(&header, &sample).map_err(corrupt)?;
                samples.push(*sample);
            }
            Record::Resumed(later) => resumed.push(later),
            Record::Header(_) => return Err(corrupt("a second header".into())),
        }
    }
    let contenders: HashSet<_> = samples.iter().map(|s| (s.role, &s.backend, s.workers)).collect();
    if contenders.len() > MOST_CONTENDERS {
        let reason = format!("the samples name more than {MOST_CONTENDERS} contenders");
        return Err(Unreadable::Corrupt { line: 2, reason });
    }
    let cut_short = whole_bytes < bytes.len();
    Ok(Recording { header, samples, resumed, whole_bytes, cut_short })
}

fn header(line: &[u8]) -> Result<Header, Unreadable> {
    let foreign = |error: serde_json::Error| Unreadable::Foreign(error.to_string());
    let value: Value = parse(line).map_err(foreign)?;
    match value["schema_version"].as_u64() {
        Some(version) if !VERSIONS.contains(&version) => Err(Unreadable::Version(version)),
        Some(_) => match serde_json::from_value(value).map_err(foreign)? {
            Record::Header(header) => {
                let corrupt = |reason| Unreadable::Corrupt { line: 1, reason };
                check_header(&header).map_err(corrupt)?;
                Ok(*header)
            }
            _ => Err(Unreadable::Foreign("the file does not start with a header".into())),
        },
        None => Err(Unreadable::Foreign("the file does not start with a header".into())),
    }
}

/// Parses a line. Only a line with an escape or with characters outside ASCII can hold text that a
/// terminal would obey, and this program writes few such lines.
fn parse<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return serde_json::from_slice(line);
    }
    let mut value = serde_json::from_slice(line)?;
    make_visible(&mut value);
    serde_json::from_value(value)
}

fn check_header(header: &Header) -> Result<(), String> {
    let ours = header.backends.iter().map(|backend| &backend.label);
    let theirs = header.engines.iter().flat_map(|engine| &engine.backends);
    let left_out = header.engines.iter().map(|engine| engine.left_out.len()).sum();
    let names = [header.scenarios.len(), ours.chain(theirs).count(), left_out];
    let lists = [header.workers.len(), header.kernels.len()].into_iter().chain(names);
    if { lists }.any(|len| len > MOST_NAMES) {
        return Err(format!("more than {MOST_NAMES} scenarios, backends or worker counts"));
    }
    let scenarios = header.scenarios.iter().map(|scenario| &scenario.name);
    scenarios.chain(&header.host).chain(&header.label).try_for_each(|name| check_name(name))
}

fn check_sample(header: &Header, sample: &Sample) -> Result<(), String> {
    check_name(&sample.backend)?;
    let known = |name: &str| header.scenarios.iter().any(|scenario| scenario.name == name);
    if !sample.scenario.is_empty() && !known(&sample.scenario) {
        check_name(&sample.scenario)?;
        return Err(format!("the header lists no scenario {}", sample.scenario));
    }
    let numbers = [("round", sample.round), ("run", sample.run)];
    if let Some((name, number)) = numbers.into_iter().find(|(_, number)| *number >= MOST_ROUNDS) {
        return Err(format!("{name} {number} is more than {MOST_ROUNDS}"));
    }
    let chunks = sample.chunks.as_deref().unwrap_or_default();
    let pauses = sample.pauses.as_deref().unwrap_or_default();
    chunk_problem(chunks, pauses, sample.workers, sample.wall_ns).map_or(Ok(()), Err)
}

fn check_name(name: &str) -> Result<(), String> {
    match name.len() <= LONGEST_NAME {
        true => Ok(()),
        false => Err(format!("a name is longer than {LONGEST_NAME} bytes")),
    }
}

impl Recording {
    /// The number of the first round of a run that adds to this record.
    pub fn next_round(&self) -> usize {
        self.samples.iter().map(|sample| sample.round + 1).max().unwrap_or(0)
    }

    /// The number of the first run that adds to this record.
    pub fn next_run(&self) -> usize {
        self.samples.iter().map(|sample| sample.run + 1).max().unwrap_or(0)
    }

    /// Why a run with the header `new` may not add samples to this record, in words. `None` if it
    /// may.
    pub fn difference_to(&self, new: &Header) -> Option<String> {
        another_host(&self.header, new).or_else(|| {
            // A host that is not known is no difference, and neither is a label that is not given.
            let Header { host, label, .. } = self.header.clone();
            let new = Header { host, label: new.label.clone().or(label), ..new.clone() };
            difference(&self.header, &new)
        })
    }

    /// Whether it is not known if a run with the header `new` has the machine of this record.
    pub fn may_be_of_another_host(&self, new: &Header) -> bool {
        self.header.host.is_none() || new.host.is_none()
    }
}

/// The difference between two machines of the same model.
fn another_host(old: &Header, new: &Header) -> Option<String> {
    let (before, now) = (old.host.as_ref()?, new.host.as_ref()?);
    let text = || format!("it was measured on another machine (host {before}, and here {now})");
    (before != now).then(text)
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
                 {OLDEST_VERSION} to {SCHEMA_VERSION}"
            );
            assert_eq!(error(&file), expected);
        }
        let mut lines: Vec<String> = file().lines().map(String::from).collect();
        lines[4].truncate(30);
        assert!(error(&(lines.join("\n") + "\n")).starts_with("line 5: "));
        let elsewhere = file().replace("\"scenario\":\"batch\"", "\"scenario\":\"other\"");
        assert_eq!(error(&elsewhere), "line 2: the header lists no scenario other");
        let last = file_with_round(usize::MAX);
        assert!(error(&last).ends_with("round 18446744073709551615 is more than 1000000000"));
        let last_run = file().replacen("\"run\":0,", &format!("\"run\":{},", usize::MAX), 1);
        assert!(error(&last_run).ends_with("run 18446744073709551615 is more than 1000000000"));
        let long =
            file().replacen("\"name\":\"batch\"", &format!("\"name\":\"{}\"", "b".repeat(201)), 1);
        assert_eq!(error(&long), "line 1: a name is longer than 200 bytes");
        let twice = file() + &file();
        assert!(error(&twice).ends_with("a second header"));
    }

    /// A record whose second sample is of this round.
    fn file_with_round(round: usize) -> String {
        file().replacen("\"round\":1,", &format!("\"round\":{round},"), 1)
    }

    #[test]
    fn chunks_that_cannot_be_are_refused_with_the_line() {
        let with = |chunk: &str| {
            let chunks = format!("\"chunks\":[{chunk}],\"status\":");
            file().replacen("\"status\":", &chunks, 1)
        };
        let good = with(r#"{"worker":0,"start_ns":1,"end_ns":5,"paused_ns":2}"#);
        let chunks = read(good.as_bytes()).unwrap().samples[0].chunks.clone();
        assert_eq!(chunks.map(|chunks| chunks.len()), Some(1));
        for bad in [
            r#"{"worker":0,"start_ns":5,"end_ns":1}"#,
            r#"{"worker":1,"start_ns":1,"end_ns":5}"#,
            r#"{"worker":0,"start_ns":1,"end_ns":18446744073709551615}"#,
            r#"{"worker":0,"start_ns":1,"end_ns":5,"paused_ns":5}"#,
        ] {
            let error = read(with(bad).as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 2: a chunk of worker "), "{error}");
        }
    }

    #[test]
    fn a_record_with_too_many_contenders_is_refused() {
        let mut text = file();
        let sample = text.lines().nth(1).unwrap().to_owned();
        for workers in 0..=MOST_CONTENDERS {
            text += &sample.replacen("\"workers\":1,", &format!("\"workers\":{workers},"), 1);
            text += "\n";
        }
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with("more than 3000 contenders"), "{error}");
    }

    #[test]
    fn no_text_of_a_record_reaches_a_terminal_raw() {
        let hidden = "\\u001b[2J\u{9b}\u{202e}";
        let samples: Vec<_> = file().lines().map(String::from).collect();
        for field in ["cpu", "os", "kernel", "version"] {
            let (start, rest) = file()
                .split_once(&format!("\"{field}\":\""))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap();
            let text = format!("{start}\"{field}\":\"{hidden}{rest}");
            let recording = read(text.as_bytes()).unwrap();
            let shown = format!("{:?}", recording.header);
            assert!(shown.contains("u001b[2J") && shown.contains("u009b"), "{field}: {shown}");
            assert!(!serde_json::to_string(&recording.header).unwrap().contains(crate::is_hidden));
        }
        let unknown = samples[1].replacen("\"role\":\"", &format!("\"role\":\"{hidden}"), 1);
        let error =
            read(format!("{}\n{unknown}\n", samples[0]).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("u001b[2J") && !error.contains(crate::is_hidden), "{error}");
    }

    #[test]
    fn a_record_keeps_its_label() {
        let with = |label: Option<&str>| Header {
            label: label.map(Into::into),
            ..header(&["quick"], &[2])
        };
        let difference = |old, new| {
            let recording = Recording { header: with(old), ..read(file().as_bytes()).unwrap() };
            recording.difference_to(&with(new))
        };
        let (seven, eight) = (Some("seat 7"), Some("seat 8"));
        assert_eq!((difference(seven, None), difference(seven, seven)), (None, None));
        let expected = "label was \"seat 7\" and is now \"seat 8\"";
        assert_eq!(difference(seven, eight).as_deref(), Some(expected));
        let expected = "label was nothing and is now \"seat 7\"";
        assert_eq!(difference(None, seven).as_deref(), Some(expected));
        let long = file().replacen(
            "\"cores\":",
            &format!("\"label\":\"{}\",\"cores\":", "b".repeat(201)),
            1,
        );
        let error = read(long.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "line 1: a name is longer than 200 bytes");
    }

    #[test]
    fn another_machine_of_the_same_model_adds_nothing() {
        let with =
            |host: Option<&str>| Header { host: host.map(Into::into), ..header(&["quick"], &[2]) };
        let recording = |host| Recording { header: with(host), ..read(file().as_bytes()).unwrap() };
        let (here, there) = (Some("0123456789abcdef"), Some("fedcba9876543210"));
        assert_eq!(recording(here).difference_to(&with(here)), None);
        let expected = "it was measured on another machine (host 0123456789abcdef, and here \
                        fedcba9876543210)";
        assert_eq!(recording(here).difference_to(&with(there)).as_deref(), Some(expected));
        for (old, new) in [(None, here), (here, None), (None, None)] {
            assert_eq!(recording(old).difference_to(&with(new)), None);
            assert!(recording(old).may_be_of_another_host(&with(new)));
        }
        assert!(!recording(here).may_be_of_another_host(&with(here)));
        let slower = Header { kernel: "doubling".into(), ..with(None) };
        assert!(recording(here).difference_to(&slower).is_some());
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
