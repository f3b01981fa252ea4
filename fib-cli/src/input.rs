//! Reads specs from files and standard input, line by line. An endless line is refused.

use crate::failure::BadInput;
use crate::spec::{Spec, Wanted};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A line of specs is never longer. A longer line means that the file holds something else.
const LONGEST_LINE: u64 = 1 << 20;

/// Appends the specs of the file at `path`.
pub(crate) fn read_file(path: &Path, wanted: &mut Wanted) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
    read(BufReader::new(file), &name, wanted)
}

/// Appends the specs of standard input.
pub(crate) fn read_stdin(wanted: &mut Wanted) -> anyhow::Result<()> {
    read(io::stdin().lock(), "standard input", wanted)
}

fn unreadable(name: &str, error: &io::Error) -> BadInput {
    BadInput(format!("{name}: {error}"))
}

fn read(mut source: impl BufRead, name: &str, wanted: &mut Wanted) -> anyhow::Result<()> {
    let mut line = vec![];
    for number in 1.. {
        line.clear();
        let length = (&mut source)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(name, &error))?;
        if length == 0 {
            break;
        }
        if length as u64 > LONGEST_LINE {
            let problem = format!("{name}:{number}: the line is longer than {LONGEST_LINE} bytes");
            return Err(BadInput(problem).into());
        }
        read_line(&line, number, name, wanted)?;
    }
    Ok(())
}

/// Appends the specs of a line. Columns count characters from 1.
fn read_line(line: &[u8], number: usize, name: &str, wanted: &mut Wanted) -> anyhow::Result<()> {
    let text = str::from_utf8(line).map_err(|error| {
        let column = column_after(&String::from_utf8_lossy(&line[..error.valid_up_to()]));
        BadInput(format!("{name}:{number}:{column}: this is not UTF-8 text"))
    })?;
    let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
    let content = text.split('#').next().unwrap_or_default();
    for token in content.split_ascii_whitespace() {
        let offset = token.as_ptr() as usize - text.as_ptr() as usize;
        let column = column_after(&text[..offset]);
        let spec: Spec = token.parse().map_err(|error| {
            BadInput(format!("{name}:{number}:{column}: {}: {error}", quoted(token)))
        })?;
        wanted.push(spec)?;
    }
    Ok(())
}

/// The column after this start of a line.
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

#[cfg(test)]
mod tests {
    use super::*;
    use fib::MemoryLimit;
    use proptest::prelude::*;

    fn read_bytes(bytes: &[u8]) -> Result<Vec<u64>, String> {
        let mut wanted = Wanted::new(MemoryLimit::default(), false);
        read(bytes, "in", &mut wanted).map(|()| wanted.indices).map_err(|e| e.to_string())
    }

    #[test]
    fn blanks_lines_and_comments_are_accepted() {
        let text = b"\xef\xbb\xbf# squares\r\n1 4\t9\r\n\n   16 # and a range\n20..23\n3x5";
        assert_eq!(read_bytes(text), Ok(vec![1, 4, 9, 16, 20, 21, 22, 5, 5, 5]));
        assert_eq!(read_bytes(b""), Ok(vec![]));
        assert_eq!(read_bytes(b"\n\n# nothing\n"), Ok(vec![]));
    }

    #[test]
    fn errors_name_the_token_and_its_place() {
        let problem = |bytes: &[u8]| read_bytes(bytes).unwrap_err();
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
        let endless = BufReader::new(io::repeat(b' '));
        let mut wanted = Wanted::new(MemoryLimit::default(), false);
        let problem = read(endless, "in", &mut wanted).unwrap_err().to_string();
        assert_eq!(problem, "in:1: the line is longer than 1048576 bytes");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes);
        }
    }
}
