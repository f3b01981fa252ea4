//! Reads specs from files and standard input, line by line. An endless line is refused.

use crate::failure::BadInput;
use crate::spec::Spec;
use fib::Control;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A line of specs is never longer. A longer line means that the file holds something else.
const LONGEST_LINE: u64 = 1 << 20;

const READ_AT_ONCE: usize = 64 << 10;

/// The specs of the file at `path`.
pub(crate) fn open(
    path: &Path,
    control: Control,
) -> Result<SpecReader<BufReader<Input>>, BadInput> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
    Ok(SpecReader::new(Input { file: Some(file), control }, name))
}

/// The specs of standard input.
pub(crate) fn standard_input(control: Control) -> SpecReader<BufReader<Input>> {
    SpecReader::new(Input { file: None, control }, "standard input".into())
}

fn unreadable(name: &str, error: &io::Error) -> BadInput {
    BadInput(format!("{name}: {error}"))
}

/// A file or standard input, which is read as long as the computation is not cancelled.
pub(crate) struct Input {
    /// `None` for standard input.
    file: Option<File>,
    control: Control,
}

impl Read for Input {
    /// Waits for input, and ends with an error when the computation is cancelled.
    #[cfg(unix)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::event::PollFlags;
        use rustix::io::Errno;
        use std::os::fd::AsFd;
        let input = self.file.as_ref().map_or(rustix::stdio::stdin(), AsFd::as_fd);
        loop {
            if self.control.is_cancelled() {
                return Err(cancelled());
            }
            if crate::target::is_ready(input, PollFlags::IN)? {
                match rustix::io::read(input, &mut *buffer) {
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    outcome => return Ok(outcome?),
                }
            }
        }
    }

    #[cfg(not(unix))]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.control.is_cancelled() {
            return Err(cancelled());
        }
        match &mut self.file {
            Some(file) => file.read(buffer),
            None => io::stdin().lock().read(buffer),
        }
    }
}

fn cancelled() -> io::Error {
    io::Error::other("the computation was cancelled")
}

/// The specs of a text, read line by line.
pub(crate) struct SpecReader<R> {
    source: R,
    name: String,
    line: Vec<u8>,
    /// The number of `line`, counted from 1.
    number: usize,
    /// The specs of `line` that were not handed out yet.
    specs: VecDeque<Spec>,
}

impl<R: BufRead> Iterator for SpecReader<R> {
    type Item = Result<Spec, BadInput>;

    /// The next spec. The caller reads no further after an error.
    fn next(&mut self) -> Option<Result<Spec, BadInput>> {
        while self.specs.is_empty() {
            match self.read_line() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        self.specs.pop_front().map(Ok)
    }
}

impl<R: Read> SpecReader<BufReader<R>> {
    fn new(source: R, name: String) -> Self {
        let source = BufReader::with_capacity(READ_AT_ONCE, source);
        SpecReader { source, name, line: vec![], number: 0, specs: VecDeque::new() }
    }
}

impl<R: BufRead> SpecReader<R> {
    /// Reads the specs of the next line, and returns whether there was a line.
    fn read_line(&mut self) -> Result<bool, BadInput> {
        self.line.clear();
        self.number += 1;
        let length = (&mut self.source)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| unreadable(&self.name, &error))?;
        if length as u64 > LONGEST_LINE {
            return Err(self.bad_line(&format!("the line is longer than {LONGEST_LINE} bytes")));
        }
        let line = std::mem::take(&mut self.line);
        self.parse_line(&line)?;
        self.line = line;
        Ok(length > 0)
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), BadInput> {
        let text = str::from_utf8(line).map_err(|error| {
            let start = String::from_utf8_lossy(&line[..error.valid_up_to()]);
            self.bad_token(&start, "this is not UTF-8 text")
        })?;
        let is_first = self.number == 1;
        let text = if is_first { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let content = text.split('#').next().unwrap_or_default();
        for token in content.split_ascii_whitespace() {
            let spec = token.parse().map_err(|error| {
                let offset = token.as_ptr() as usize - text.as_ptr() as usize;
                self.bad_token(&text[..offset], &format!("{}: {error}", quoted(token)))
            })?;
            self.specs.push_back(spec);
        }
        Ok(())
    }

    fn bad_line(&self, problem: &str) -> BadInput {
        BadInput(format!("{}:{}: {problem}", self.name, self.number))
    }

    /// A problem after this start of a line.
    fn bad_token(&self, start: &str, problem: &str) -> BadInput {
        BadInput(format!("{}:{}:{}: {problem}", self.name, self.number, column_after(start)))
    }
}

/// The column after this start of a line. Columns count characters from 1.
fn column_after(start: &str) -> usize {
    start.chars().count() + 1
}

/// A token in quotes that is safe to print: control characters are escaped, and a long token is
/// shortened.
pub(crate) fn quoted(token: &str) -> String {
    let mut shown: String = token.chars().take(40).flat_map(char::escape_debug).collect();
    if token.chars().count() > 40 {
        shown.push_str("...");
    }
    format!("'{shown}'")
}

/// The first thousand indices of each spec in these bytes, for the fuzz target.
///
/// # Errors
/// The error message for the first bad spec.
#[doc(hidden)]
pub fn read_specs(bytes: &[u8]) -> Result<Vec<u64>, String> {
    let mut indices = vec![];
    for spec in SpecReader::new(bytes, "in".into()) {
        indices.extend(spec.map_err(|error| error.to_string())?.indices().take(1000));
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blanks_lines_and_comments_are_accepted() {
        let text = b"\xef\xbb\xbf# squares\r\n1 4\t9\r\n\n   16 # and a range\n20..23\n3x5";
        assert_eq!(read_specs(text), Ok(vec![1, 4, 9, 16, 20, 21, 22, 5, 5, 5]));
        assert_eq!(read_specs(b""), Ok(vec![]));
        assert_eq!(read_specs(b"\n\n# nothing\n"), Ok(vec![]));
    }

    #[test]
    fn errors_name_the_token_and_its_place() {
        let problem = |bytes: &[u8]| read_specs(bytes).unwrap_err();
        assert!(problem(b"1\n2 1e6\n").starts_with("in:2:3: '1e6': expected"));
        assert!(problem(b"-3").starts_with("in:1:1: '-3': an index cannot be negative"));
        assert!(problem("\u{a0}5".as_bytes()).starts_with("in:1:1: '\\u{a0}5': expected"));
        assert!(problem("１２".as_bytes()).starts_with("in:1:1: '１２': expected"));
        assert!(problem(b"4 5\x006").starts_with("in:1:3: '5\\06': expected"));
        assert!(problem(b"12 \xff\xfe").starts_with("in:1:4: this is not UTF-8"));
        assert!(
            problem(b"1\n\xef\xbb\xbf2").starts_with("in:2:1: "),
            "the mark is not at the start"
        );
        assert!(problem(&[b'1'; 500]).contains("111..."), "a long token is cut short");
    }

    #[test]
    fn an_endless_line_is_refused_early() {
        let endless = io::repeat(b' ');
        let problem =
            SpecReader::new(endless, "in".into()).next().unwrap().unwrap_err().to_string();
        assert_eq!(problem, "in:1: the line is longer than 1048576 bytes");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_specs(&bytes);
        }
    }
}
