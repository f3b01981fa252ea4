//! A report as a list of blocks, and how blocks are printed: for a terminal, or in Markdown.

use crate::analysis::Verdict;
use comfy_table::{CellAlignment, LineStyle, TableStyle, presets};

/// A part of a report.
pub enum Block {
    /// A warning above everything else, which says whether the report can be trusted.
    Banner(String),
    /// The title of what follows.
    Title(String),
    Text(String),
    Table(TextTable),
    /// Names, and a sentence about each name.
    List(Vec<(String, String)>),
    /// Lines that keep their layout, and the text below them.
    Drawing(Vec<String>, String),
}

/// A table: names to the left, numbers to the right.
#[derive(Default)]
pub struct TextTable {
    /// The heading; a line break splits a heading into lines.
    pub heading: Vec<String>,
    /// Whether columns stand one blank apart instead of two.
    pub(super) narrow: bool,
    pub rows: Vec<Line>,
}

pub enum Line {
    /// A line across the table, which names the rows below it.
    Section(String),
    Cells(Vec<String>),
}

impl TextTable {
    pub fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Self {
        TextTable { heading: heading.into_iter().map(Into::into).collect(), ..TextTable::default() }
    }

    /// The same table with one blank between columns.
    pub(super) fn narrow(self) -> Self {
        TextTable { narrow: true, ..self }
    }

    /// The same table with these lines of cells.
    pub fn with_rows(self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        TextTable { rows: rows.into_iter().map(Line::Cells).collect(), ..self }
    }

    pub(super) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(Line::Cells(cells.into_iter().map(Into::into).collect()));
    }
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The columns of the terminal. Text is wrapped to fit.
    pub width: usize,
    /// Whether verdicts are coloured, in addition to their word.
    pub color: bool,
    /// Whether to print Markdown instead of plain text.
    pub markdown: bool,
    /// Whether drawings consist of ASCII characters.
    pub ascii: bool,
}

impl Default for Page {
    /// Plain text for a terminal of 80 columns.
    fn default() -> Self {
        Page { width: 80, color: false, markdown: false, ascii: false }
    }
}

const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// Takes the place of a section line until the table around it is laid out.
const SECTION: &str = "\u{1}";

impl Page {
    /// Prints blocks, with a blank line before each block that does not belong to the block above
    /// it.
    pub(super) fn print(self, blocks: &[Block]) -> String {
        let mut text = String::new();
        let mut after_title = false;
        for block in blocks {
            let printed = self.block(block);
            if printed.is_empty() {
                continue;
            }
            if !text.is_empty() && (!after_title || self.markdown) {
                text.push('\n');
            }
            text += &printed;
            after_title = matches!(block, Block::Title(_));
        }
        text
    }

    fn block(self, block: &Block) -> String {
        match block {
            Block::Banner(banner) if self.markdown => format!("> **{banner}**\n"),
            Block::Banner(banner) => self.paint(&self.wrapped(banner, "!! "), "33"),
            Block::Title(title) if self.markdown => format!("**{title}**\n"),
            Block::Title(title) => self.paint(&self.wrapped(title, ""), "1"),
            Block::Text(text) => self.wrapped(text, ""),
            Block::Table(table) if table.rows.is_empty() => String::new(),
            Block::Table(table) => self.table(table),
            Block::List(lines) => self.list(lines),
            Block::Drawing(lines, text) => {
                let fence = if self.markdown { "```\n" } else { "" };
                let drawn: String = lines.iter().map(|line| format!("{line}\n")).collect();
                format!("{fence}{drawn}{fence}{}", self.wrapped(text, ""))
            }
        }
    }

    /// Wraps every line of a text. A line that starts with blanks keeps its layout.
    fn wrapped(self, text: &str, indent: &str) -> String {
        if self.markdown {
            // In Markdown, two blanks at its end break a line.
            return text.lines().map(|line| format!("{line}  \n")).collect();
        }
        let options = textwrap::Options::new(self.width)
            .initial_indent(indent)
            .subsequent_indent(indent)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let wrap = |line: &str| textwrap::fill(line, &options) + "\n";
        text.lines().map(wrap).collect()
    }

    /// Names to the left, sentences to the right. A long name stands above its sentence.
    fn list(self, lines: &[(String, String)]) -> String {
        if self.markdown {
            return lines.iter().map(|(name, text)| format!("- `{name}`: {text}\n")).collect();
        }
        let longest = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let column = longest.min(self.width / 4) + 2;
        let indent = " ".repeat(column);
        let line = |(name, text): &(String, String)| {
            let wrapped = self.wrapped(text, &indent);
            match name.chars().count() + 2 <= column {
                true => format!("{name:column$}{}", wrapped.trim_start()),
                false => format!("{}{wrapped}", self.wrapped(&format!("{name}:"), "")),
            }
        };
        lines.iter().map(line).collect()
    }

    fn table(self, table: &TextTable) -> String {
        let mut lines = comfy_table::Table::new();
        lines.load_style(if self.markdown {
            presets::ASCII_MARKDOWN
        } else {
            TableStyle::new().header_separator(RULE)
        });
        let breaks = |text: &String| if self.markdown { unbroken(text) } else { text.clone() };
        lines.set_header(table.heading.iter().map(breaks).collect::<Vec<_>>());
        let mut sections = vec![];
        for row in &table.rows {
            match row {
                Line::Cells(cells) if self.markdown => lines.add_row(cells.iter().map(breaks)),
                Line::Cells(cells) => {
                    let name = cells.first().map(|name| broken(name));
                    lines.add_row(name.into_iter().chain(cells.iter().skip(1).cloned()))
                }
                Line::Section(text) if self.markdown => lines.add_row([format!("**{text}**")]),
                Line::Section(text) => {
                    sections.push(text.clone());
                    lines.add_row([SECTION])
                }
            };
        }
        for (i, column) in lines.column_iter_mut().enumerate() {
            let left = u16::from(self.markdown || (i > 0 && !table.narrow));
            column.set_padding((left, u16::from(self.markdown)));
            let alignment = if i == 0 { CellAlignment::Left } else { CellAlignment::Right };
            column.set_cell_alignment(alignment);
        }
        let mut sections = sections.into_iter();
        let line = |line: &str| match line.contains(SECTION) {
            true => sections.next().map_or(String::new(), |section| section + "\n"),
            false => self.colored(line.trim_end()) + "\n",
        };
        lines.trim_fmt().lines().map(line).collect()
    }

    /// Colours every verdict in a line of a table.
    fn colored(self, line: &str) -> String {
        let colors =
            [(Verdict::Faster, "32"), (Verdict::Slower, "31"), (Verdict::Unresolved, "33")];
        let word = |word: &str| {
            let color = colors.iter().find(|(verdict, _)| verdict.name() == word);
            color.map_or(word.to_owned(), |(_, color)| self.paint(word, color))
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    fn paint(self, text: &str, color: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A heading or a cell on one line. The pieces of a name that [`narrow`] has split are joined again.
pub fn unbroken(text: &str) -> String {
    text.replace("-\n", "-").replace('\n', " ")
}

/// A long label on two lines, so that its table fits the page.
fn broken(label: &str) -> String {
    match label.find(['@', '/']) {
        Some(at) if label.chars().count() > 20 => {
            format!("{}\n  {}", &label[..=at], &label[at + 1..])
        }
        _ => label.into(),
    }
}

/// A name as a narrow heading, with a line break after each hyphen or `@`, and within a piece of
/// more than eight characters.
pub fn narrow(name: &str) -> String {
    let pieces = name.split_inclusive(['-', '@']).flat_map(|piece| {
        let half = piece.chars().count().div_ceil(2);
        match half > 4 && !piece.contains(':') {
            true => {
                let (first, second) =
                    piece.split_at(piece.char_indices().nth(half).map_or(0, |c| c.0));
                vec![format!("{first}-"), second.to_owned()]
            }
            false => vec![piece.to_owned()],
        }
    });
    pieces.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_narrow() {
        assert_eq!(narrow("rayon"), "rayon");
        assert_eq!(narrow("threads-static"), "threads-\nstatic");
        assert_eq!(narrow("crossbeam"), "cross-\nbeam");
        assert_eq!(narrow("crossbeam-scoped"), "cross-\nbeam-\nscoped");
        assert_eq!(narrow("rayon@items:64"), "rayon@\nitems:64");
    }

    #[test]
    fn colour_is_never_alone_and_only_where_it_is_wanted() {
        let mut table = TextTable::new(["backend", "verdict"]);
        table.row(["rayon", "faster"]);
        let blocks = [Block::Table(table)];
        let plain = Page::default().print(&blocks);
        assert!(plain.contains("faster") && !plain.contains('\u{1b}'));
        let color = Page { color: true, ..Page::default() }.print(&blocks);
        assert!(color.contains("\u{1b}[32mfaster\u{1b}[0m"), "{color:?}");
    }

    #[test]
    fn only_verdicts_are_coloured_and_long_names_are_split() {
        let mut table = TextTable::new(["backend", "verdict"]);
        table.row(["detuned/slower", "slower"]);
        table.row(["python/process-chunked", "equal"]);
        let colored = Page { color: true, ..Page::default() };
        let printed = colored.print(&[Block::Table(table)]);
        assert_eq!(printed.matches("\u{1b}[31mslower\u{1b}[0m").count(), 1, "{printed}");
        assert!(printed.contains("detuned/slower "), "{printed}");
        assert!(
            printed.contains("python/ ") && printed.contains("\n  process-chunked"),
            "{printed}"
        );
    }
}
