//! Measuring with a progress bar, into memory and into a file of records.

use crate::args::RecordArgs;
use crate::diagnostics::say;
use crate::failure::{BadInput, NotWritten};
use crate::interrupt;
use fib_bench::record::{Header, Record, Sample};
use fib_bench::records::{self, Recording};
use fib_bench::{Plan, Progress, header, is_debug_build};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::Path;

/// What takes samples of a plan, from a first round on: `measure_rounds` or a search.
type Measure = fn(
    &Plan,
    usize,
    &mut dyn FnMut(&Progress<'_>),
    &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()>;

/// Measures what is planned, or adds to what was measured before; all the samples there are.
pub(crate) fn measured(
    plan: &Plan,
    args: &RecordArgs,
    quiet: bool,
    measure: Measure,
) -> anyhow::Result<(Header, Vec<Sample>)> {
    if is_debug_build() {
        log::warn!("built without --release: these times say nothing");
    }
    let mut taken = Taken::begin(plan, args)?;
    let first_round = taken.first_round;
    let progress = (!quiet && io::stderr().is_terminal()).then(progress_bar);
    let mut show = |now: &Progress<'_>| {
        if let Some(bar) = &progress {
            bar.set_position((now.spent * 1000.0) as u64);
            bar.set_message(format!("{}, {} rounds", now.scenario, now.rounds));
        }
    };
    interrupt::watch()?;
    let outcome = measure(plan, first_round, &mut show, &mut |sample| {
        taken.keep(sample)?;
        interrupt::check()
    });
    if let Some(bar) = progress {
        bar.finish_and_clear();
    }
    match outcome {
        Err(_) if interrupt::exit_code().is_some() => {
            say("interrupted: these are the rounds until then");
        }
        outcome => outcome.map_err(|source| NotWritten { what: taken.file_name(), source })?,
    }
    Ok((taken.header, taken.samples))
}

/// What was measured so far, and the file it goes to.
struct Taken {
    header: Header,
    samples: Vec<Sample>,
    first_round: usize,
    file: Option<RecordFile>,
}

impl Taken {
    /// Nothing yet, or what an earlier run of the same plan has taken.
    fn begin(plan: &Plan, args: &RecordArgs) -> anyhow::Result<Self> {
        if let Some(path) = &args.resume {
            return Taken::resume(plan, path);
        }
        let header = header(plan);
        let mut file = args.record.as_deref().map(RecordFile::create).transpose()?;
        if let Some(file) = &mut file {
            file.append(&Record::Header(Box::new(header.clone())))
                .map_err(|source| NotWritten { what: file.name.clone(), source })?;
        }
        Ok(Taken { header, samples: vec![], first_round: 0, file })
    }

    fn resume(plan: &Plan, path: &Path) -> anyhow::Result<Self> {
        let earlier = read(path)?;
        let name = path.display().to_string();
        if let Some(difference) = earlier.differs_from(plan) {
            let problem = format!("{name} cannot be resumed: {difference}");
            return Err(BadInput(problem).into());
        }
        let mut file = RecordFile::extend(path, earlier.whole_bytes)?;
        file.append(&records::resumed(plan)).map_err(|source| NotWritten { what: name, source })?;
        let first_round = earlier.next_round();
        let Recording { header, samples, .. } = earlier;
        Ok(Taken { header, samples, first_round, file: Some(file) })
    }

    fn keep(&mut self, sample: Sample) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.append(&Record::Sample(Box::new(sample.clone())))?;
        }
        self.samples.push(sample);
        Ok(())
    }

    fn file_name(&self) -> String {
        self.file.as_ref().map_or(String::new(), |file| file.name.clone())
    }
}

/// Reads a file of records; says so if its last line is incomplete.
pub(crate) fn read(path: &Path) -> anyhow::Result<Recording> {
    let name = path.display();
    let bad = |problem: &dyn std::fmt::Display| BadInput(format!("{name}: {problem}"));
    let bytes = std::fs::read(path).map_err(|error| bad(&error))?;
    let recording = records::read(&bytes).map_err(|error| bad(&error))?;
    if recording.cut_short {
        log::warn!("{name}: the last line is incomplete and left out");
    }
    Ok(recording)
}

/// A file of records: one line each, whole or not at all.
struct RecordFile {
    name: String,
    file: File,
}

impl RecordFile {
    fn create(path: &Path) -> Result<Self, NotWritten> {
        let name = path.display().to_string();
        match File::create_new(path) {
            Ok(file) => Ok(RecordFile { name, file }),
            Err(source) => Err(NotWritten { what: name, source }),
        }
    }

    /// One that is there, with so many bytes of whole lines.
    fn extend(path: &Path, whole_bytes: usize) -> Result<Self, NotWritten> {
        let name = path.display().to_string();
        let open = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.set_len(whole_bytes as u64)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(RecordFile { name, file }),
            Err(source) => Err(NotWritten { what: name, source }),
        }
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(1000);
    let template = "{bar:40} {percent:>3} %  {msg}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}
