//! Measures with a progress bar, and keeps the samples in memory and in a record file.

use crate::args::MeasureArgs;
use crate::diagnostics::say;
use crate::failure::{BadInput, NotWritten};
use crate::interrupt;
use crate::progress::ProgressLine;
use fib_bench::{First, Plan, Progress, header, is_debug_build, resumed};
use fib_report::{Header, Record, Recording, Sample};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The largest record that is read, in bytes: two days of samples.
const LARGEST_RECORD: u64 = 1 << 30;

/// A function that takes the samples of a plan: `measure_rounds`, `search` or `race`.
pub(crate) type Measure = fn(
    &Plan,
    First,
    &mut dyn FnMut(&Progress),
    &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()>;

/// Measures a plan, or adds to an earlier record of it. Returns all samples.
pub(crate) fn measured(
    plan: &Plan,
    args: &MeasureArgs,
    quiet: bool,
    measure: Measure,
) -> anyhow::Result<(Header, Vec<Sample>)> {
    let store = match (&args.resume, &args.record) {
        (Some(path), _) => SampleStore::resume(plan, path)?,
        (None, record) => SampleStore::new(plan, record.as_deref())?,
    };
    take_samples(plan, store, quiet, measure)
}

/// Measures a plan, and writes a new record file if there is a path.
pub(crate) fn measured_anew(
    plan: &Plan,
    record: Option<&Path>,
    quiet: bool,
    measure: Measure,
) -> anyhow::Result<(Header, Vec<Sample>)> {
    take_samples(plan, SampleStore::new(plan, record)?, quiet, measure)
}

fn take_samples(
    plan: &Plan,
    mut store: SampleStore,
    quiet: bool,
    measure: Measure,
) -> anyhow::Result<(Header, Vec<Sample>)> {
    if is_debug_build() {
        log::warn!("this is a debug build (no --release), so its times mean nothing");
    }
    let first = store.first;
    let progress = ProgressLine::of_measurement(quiet);
    let mut show = |now: &Progress| {
        if let Some(line) = &progress {
            line.set((now.spent * 1000.0) as u64, now.text.clone());
        }
    };
    let late = "within a sample; the record holds everything before it";
    interrupt::watch(late, None, || {})?;
    let outcome = measure(plan, first, &mut show, &mut |sample| {
        store.keep(sample)?;
        interrupt::check()
    });
    drop(progress);
    match outcome {
        Err(_) if interrupt::exit_code().is_some() => {
            say("interrupted: this report covers the rounds so far");
        }
        outcome => outcome.map_err(|source| NotWritten { target: store.file_name(), source })?,
    }
    Ok((store.header, store.samples))
}

/// The samples so far, and the record file.
struct SampleStore {
    header: Header,
    samples: Vec<Sample>,
    first: First,
    file: Option<RecordFile>,
}

impl SampleStore {
    fn new(plan: &Plan, record: Option<&Path>) -> anyhow::Result<Self> {
        let header = header(plan);
        let mut file = record.map(RecordFile::create).transpose()?;
        if let Some(file) = &mut file {
            file.append(&Record::Header(Box::new(header.clone())))
                .map_err(|source| NotWritten { target: file.name.clone(), source })?;
        }
        Ok(SampleStore { header, samples: vec![], first: First::default(), file })
    }

    fn resume(plan: &Plan, path: &Path) -> anyhow::Result<Self> {
        let mut file = RecordFile::open(path)?;
        let name = file.name.clone();
        let bytes = read_limited(&file.file).map_err(|error| bad(&name, &error))?;
        let earlier = parse(&name, &bytes)?;
        let now = header(plan);
        if let Some(difference) = earlier.difference_to(&now) {
            let problem = format!("{name} cannot be resumed: {difference}");
            return Err(BadInput(problem).into());
        }
        if earlier.may_be_of_another_host(&now) {
            log::warn!(
                "{name}: it is not known whether this is the machine of the record; make sure that it is"
            );
        }
        file.cut(earlier.whole_bytes)
            .and_then(|()| file.append(&Record::Resumed(resumed(plan))))
            .map_err(|source| NotWritten { target: name, source })?;
        let first = First { run: earlier.next_run(), round: earlier.next_round() };
        let Recording { header, samples, .. } = earlier;
        Ok(SampleStore { header, samples, first, file: Some(file) })
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

/// Reads a record file. Warns if its last line is incomplete.
pub(crate) fn read(path: &Path) -> anyhow::Result<Recording> {
    let name = path.display().to_string();
    let bytes = File::open(path).and_then(|file| read_limited(&file));
    let bytes = bytes.map_err(|error| bad(&name, &error))?;
    parse(&name, &bytes)
}

/// Reads a file or a pipe, but nothing that cannot be a record.
fn read_limited(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    if is_device(file)? {
        return Err(io::Error::other("a device cannot be a record"));
    }
    file.take(LARGEST_RECORD + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= LARGEST_RECORD {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("this is larger than {LARGEST_RECORD} bytes"))),
    }
}

#[cfg(unix)]
fn is_device(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    let kind = file.metadata()?.file_type();
    Ok(kind.is_char_device() || kind.is_block_device())
}

#[cfg(not(unix))]
fn is_device(_file: &File) -> io::Result<bool> {
    Ok(false)
}

fn parse(name: &str, bytes: &[u8]) -> anyhow::Result<Recording> {
    let recording = fib_report::read(bytes).map_err(|error| bad(name, &error))?;
    if recording.cut_short {
        log::warn!("{name}: the last line is incomplete and was left out");
    }
    Ok(recording)
}

fn bad(name: &str, problem: &dyn std::fmt::Display) -> BadInput {
    BadInput(format!("{name}: {problem}"))
}

/// A record file that only this program may write. Each line is written with one call, so a crash cuts
/// at most the last line short.
struct RecordFile {
    name: String,
    file: File,
}

impl RecordFile {
    fn create(path: &Path) -> anyhow::Result<Self> {
        Self::locked(path, File::create_new(path))
    }

    /// Opens an existing file.
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        if let Err(error) = &file
            && error.kind() == ErrorKind::NotFound
        {
            return Err(bad(&path.display().to_string(), error).into());
        }
        Self::locked(path, file)
    }

    /// Takes the lock of the file, which the system gives back when this program ends. Where there are
    /// no locks, the file is used without.
    fn locked(path: &Path, file: io::Result<File>) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file = file.map_err(|source| NotWritten { target: name.clone(), source })?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(bad(&name, &"another program is adding to this record").into());
        }
        Ok(RecordFile { name, file })
    }

    /// Keeps this many bytes, which are whole lines, and goes on after them.
    fn cut(&mut self, whole_bytes: usize) -> io::Result<()> {
        self.file.set_len(whole_bytes as u64)?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}
