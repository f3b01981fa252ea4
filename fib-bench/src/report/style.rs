//! How a table is drawn: for a terminal of 100 columns, or in Markdown.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets};

/// The width that everything plain fits.
const COLUMNS: u16 = 100;

#[derive(Clone, Copy)]
pub(super) struct Style {
    lines: TableStyle,
    /// Blanks before a column, beside the one that is always there.
    gap: u16,
    /// Between the lines of a cell.
    pub(super) line: &'static str,
    /// Between the parts of a name in a heading.
    pub(super) hyphen: &'static str,
    /// After a line of text.
    pub(super) end: &'static str,
}

const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// Rules around the table and under its heading, none between rows.
pub(super) const PLAIN: Style = Style {
    lines: TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE),
    gap: 1,
    line: "\n",
    hyphen: "-\n",
    end: "\n",
};

pub(super) const MARKDOWN: Style = Style {
    lines: presets::ASCII_MARKDOWN,
    gap: 1,
    line: "<br>",
    hyphen: "-",
    end: "  \n", // two blanks break a line there
};

impl Style {
    pub(super) fn is_plain(self) -> bool {
        self.line == "\n"
    }

    /// Between text and a table.
    pub(super) fn blank(self) -> &'static str {
        if self.is_plain() { "" } else { "\n" }
    }

    /// The same for many columns.
    pub(super) fn narrow(self) -> Style {
        Style { gap: if self.is_plain() { 0 } else { self.gap }, ..self }
    }

    /// The same for rows of several lines, with a rule between them.
    pub(super) fn ruled(self) -> Style {
        match self.is_plain() {
            true => Style { lines: self.lines.row_separator(RULE), ..self },
            false => self,
        }
    }

    /// Names, and what is to be said of each in sentences.
    pub(super) fn list(self, lines: Vec<(String, String)>) -> String {
        if !self.is_plain() {
            return lines.iter().map(|(name, text)| format!("- `{name}`: {text}\n")).collect();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_width(COLUMNS);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        for (name, text) in lines {
            table.add_row([name, text]);
        }
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if i == 0 { 0 } else { 2 }, 0));
        }
        table.trim_fmt() + "\n"
    }

    /// A table with this heading: names to the left, numbers to the right.
    pub(super) fn table(self, heading: Vec<String>) -> Table {
        let mut table = Table::new();
        table.load_style(self.lines).set_header(heading);
        for (i, column) in table.column_iter_mut().enumerate() {
            let left = if i > 0 || !self.is_plain() { self.gap } else { 0 };
            column.set_padding((left, u16::from(!self.is_plain())));
            column.set_cell_alignment(if i == 0 {
                CellAlignment::Left
            } else {
                CellAlignment::Right
            });
        }
        table
    }
}
