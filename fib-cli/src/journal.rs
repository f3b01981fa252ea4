//! The journal of `fib batch --out FILE --resume`: how much of FILE is there already.
//!
//! The results so far stand in `FILE.fib-partial`. The journal, `FILE.fib-journal`, says about once a
//! second how many numbers that file holds, in how many bytes, and what the checksum of their indices
//! is. A later run drops everything after the last complete line of the journal, reads the same
//! indices again without computing them, and goes on. In the end the partial file gets the name FILE
//! and the journal disappears.

use crate::failure::{BadInput, NotWritten};
use crate::output::Records;
use crate::target::{Target, followed};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A crash loses at most the work of this time. Waiting for input is no work.
const INTERVAL: Duration = Duration::from_secs(1);

/// A journal has a line for each second, so a larger file is something else.
const LARGEST_JOURNAL: u64 = 64 << 20;

/// What the bytes of the output depend on, besides the indices: the first line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    program: String,
    format: String,
}

/// A moment at which every number so far was written: a line of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    /// The number of indices, in the order of the input.
    numbers: u64,
    /// The checksum of these indices.
    crc32: u32,
    /// The length of the partial file.
    bytes: u64,
}

/// The open journal of a run.
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// The name of the output, for messages.
    name: String,
    /// What an earlier run has written.
    earlier: Checkpoint,
    /// The indices so far, and at the last checkpoint.
    numbers: u64,
    noted: u64,
    checksum: crc32fast::Hasher,
    last: Instant,
    /// Whether an index has failed. A later run computes it again, so the journal stops before it.
    has_gap: bool,
}

impl Journal {
    /// Opens the journal of the output `path`, or starts one, and opens the partial file to go on.
    ///
    /// # Errors
    /// [`BadInput`] if `path` is not a regular file, if another program writes it, or if the journal
    /// belongs to another format or program. [`NotWritten`] if a file cannot be opened.
    pub(crate) fn open(path: &Path, format: &str) -> anyhow::Result<(Self, Target)> {
        let name = path.display().to_string();
        let not_written = |source| NotWritten { target: name.clone(), source };
        if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
            return Err(
                BadInput(format!("{name} is not a regular file, so --resume cannot work")).into()
            );
        }
        let path = followed(path).map_err(not_written)?;
        let (journal, partial) = (beside(&path, ".fib-journal"), beside(&path, ".fib-partial"));
        for companion in [&journal, &partial] {
            if fs::metadata(companion).is_ok_and(|existing| !existing.is_file()) {
                return Err(
                    BadInput(format!("{} is not a regular file", companion.display())).into()
                );
            }
        }
        let Some(mut file) = open_locked(&journal).map_err(not_written)? else {
            return Err(BadInput(format!("another program is writing {name}")).into());
        };
        let origin =
            Origin { program: env!("CARGO_PKG_VERSION").into(), format: format.to_owned() };
        let earlier = earlier(&mut file, &partial, &origin).map_err(|problem| match problem {
            Unusable::Unreadable(source) => anyhow::Error::from(not_written(source)),
            Unusable::Other(what) => BadInput(format!(
                "{name} cannot be resumed: {what}; to start over, remove {}",
                journal.display()
            ))
            .into(),
        })?;
        let target = Target::partial(&name, partial, path, earlier.bytes).map_err(not_written)?;
        let (numbers, checksum, last) = (0, crc32fast::Hasher::new(), Instant::now());
        let journal = Journal {
            file,
            path: journal,
            name,
            earlier,
            numbers,
            noted: earlier.numbers,
            checksum,
            last,
            has_gap: false,
        };
        Ok((journal, target))
    }

    /// Takes the indices of the earlier run from `indices`, and returns their number.
    ///
    /// # Errors
    /// [`BadInput`] if they are not the same indices.
    pub(crate) fn skip_earlier(
        &mut self,
        indices: &mut impl Iterator<Item = u64>,
    ) -> Result<u64, BadInput> {
        let earlier = usize::try_from(self.earlier.numbers).unwrap_or(usize::MAX);
        indices.take(earlier).for_each(|n| self.count(n));
        if self.now().crc32 == self.earlier.crc32 && self.numbers == self.earlier.numbers {
            return Ok(self.numbers);
        }
        Err(BadInput(format!(
            "{} cannot be resumed: the first {} indices have changed; to start over, remove {}",
            self.name,
            self.earlier.numbers,
            self.path.display()
        )))
    }

    /// How many numbers an earlier run has written.
    pub(crate) fn earlier(&self) -> u64 {
        self.earlier.numbers
    }

    /// Counts an index whose number is about to be written.
    pub(crate) fn count(&mut self, n: u64) {
        self.numbers += 1;
        self.checksum.update(&n.to_le_bytes());
    }

    /// Notes that an index has failed.
    pub(crate) fn note_gap(&mut self) {
        self.has_gap = true;
    }

    /// Writes a checkpoint if every number so far was written and the last checkpoint is old enough.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub(crate) fn keep_up(&mut self, records: &Records) -> Result<(), NotWritten> {
        // The clock is slower to read than the rest.
        let is_due = records.is_written() && self.last.elapsed() >= INTERVAL;
        if is_due { self.checkpoint(records) } else { Ok(()) }
    }

    /// Writes a checkpoint if every number so far was written, and some since the last checkpoint.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub(crate) fn checkpoint(&mut self, records: &Records) -> Result<(), NotWritten> {
        if self.has_gap || self.numbers <= self.noted || !records.is_written() {
            return Ok(());
        }
        let bytes =
            self.earlier.bytes + records.written_bytes().load(std::sync::atomic::Ordering::Relaxed);
        let checkpoint = Checkpoint { bytes, ..self.now() };
        (self.last, self.noted) = (Instant::now(), self.numbers);
        let line = records.sync().and_then(|()| append(&mut self.file, &checkpoint));
        line.map_err(|source| NotWritten { target: self.name.clone(), source })
    }

    fn now(&self) -> Checkpoint {
        let crc32 = self.checksum.clone().finalize();
        Checkpoint { numbers: self.numbers, crc32, bytes: 0 }
    }

    /// Removes the journal, after the output has got its name.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(self.path); // a journal without its partial file means nothing
    }
}

/// The file at `path` with its lock, which the system gives back when this program ends. `None` if
/// another program has the lock. Where there are no locks, the file is used without.
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Ok(None);
        }
        // A program that has just ended may have removed the file between the two steps.
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (open.dev(), open.ino())))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// `path` with this at the end of its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn append(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(line)? + "\n";
    file.write_all(line.as_bytes())
}

/// Why a journal cannot be used.
enum Unusable {
    Unreadable(io::Error),
    Other(String),
}

/// The last checkpoint in the journal whose bytes are all in the partial file. The journal after it
/// is cut off. A journal without such a checkpoint starts again from its first line.
fn earlier(file: &mut File, partial: &Path, origin: &Origin) -> Result<Checkpoint, Unusable> {
    let mut text = vec![];
    let foreign = || Unusable::Other("its journal is not a journal of fib".into());
    file.take(LARGEST_JOURNAL + 1).read_to_end(&mut text).map_err(Unusable::Unreadable)?;
    if text.len() as u64 > LARGEST_JOURNAL {
        return Err(foreign());
    }
    let written = fs::metadata(partial).map_or(0, |partial| partial.len());
    // The last piece is the part of a line that a crash cut short, or empty.
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let mut lines = text[..complete].split_inclusive(|&byte| byte == b'\n');
    let mut found = (Checkpoint::default(), 0);
    if complete == 0
        && !serde_json::to_string(origin).unwrap_or_default().as_bytes().starts_with(&text)
    {
        return Err(foreign());
    }
    if let Some(first) = lines.next() {
        let begun: Origin = serde_json::from_slice(first).map_err(|_| foreign())?;
        if begun != *origin {
            return Err(Unusable::Other(format!(
                "it was begun with format {} by version {}",
                begun.format, begun.program
            )));
        }
        let mut end = first.len();
        for line in lines {
            let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(line) else { break };
            end += line.len();
            if checkpoint.bytes <= written {
                found = (checkpoint, end);
            }
        }
    }
    cut(file, found.1, origin).map_err(Unusable::Unreadable)?;
    Ok(found.0)
}

/// Cuts the journal to this length. An empty journal gets its first line.
fn cut(file: &mut File, length: usize, origin: &Origin) -> io::Result<()> {
    file.set_len(length as u64)?;
    file.seek(SeekFrom::End(0))?;
    if length == 0 { append(file, origin) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A later run computes a failed index again, so it must not go on behind it.
    #[test]
    fn the_journal_stops_before_an_index_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let write = |indices: &[u64], failed: Option<u64>| {
            let (mut journal, target) = Journal::open(&path, "tsv").unwrap();
            let earlier = journal.skip_earlier(&mut indices.iter().copied()).unwrap();
            let mut records = Records::new(target);
            for &n in &indices[earlier as usize..] {
                if failed == Some(n) {
                    journal.note_gap();
                    continue;
                }
                journal.count(n);
                records.push(|line| writeln!(line, "{n}")).unwrap();
                records.flush().unwrap();
                journal.checkpoint(&records).unwrap();
            }
            (earlier, fs::read_to_string(beside(&path, ".fib-partial")).unwrap())
        };
        assert_eq!(write(&[5, 6, 7, 8], Some(7)), (0, "5\n6\n8\n".into()));
        assert_eq!(write(&[5, 6, 7, 8], None), (2, "5\n6\n7\n8\n".into()));
        assert_eq!(write(&[5, 6, 7, 8, 9], None), (4, "5\n6\n7\n8\n9\n".into()));
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for text in ["notes", "notes\nmore\n", "{", "{\"program\":\"0.0.0\",\"format\":\"tsv\"}\n"]
        {
            fs::write(beside(&path, ".fib-journal"), text).unwrap();
            let outcome = Journal::open(&path, "tsv").map(drop);
            // The start of a first line is what a crash leaves behind.
            assert_eq!(outcome.is_ok(), text == "{", "{text}");
            let kept = fs::read_to_string(beside(&path, ".fib-journal")).unwrap();
            assert_eq!(kept == text, text != "{", "{text}");
        }
    }
}
