//! The blocks of the text report as HTML, and their tables as CSV.

use fib_report::report::{Block, Line, TextTable, unbroken};
use maud::{Markup, html};

/// The blocks, in their order. A title becomes the caption of the table below it.
pub(super) fn show_blocks(blocks: &[Block]) -> Markup {
    let before = |i: usize| match i.checked_sub(1).map(|before| &blocks[before]) {
        Some(Block::Title(title)) => Some(title),
        _ => None,
    };
    let is_caption = |i: usize| matches!(blocks.get(i + 1), Some(Block::Table(_)));
    html! {
        @for (i, block) in blocks.iter().enumerate() {
            @match block {
                Block::Banner(text) => { p.banner { (text) } }
                Block::Title(_) if is_caption(i) => {}
                Block::Title(title) => { p.title { (title) } }
                Block::Text(text) => { @for line in text.lines() { p { (line) } } }
                Block::Table(table) if table.rows.is_empty() => {}
                Block::Table(table) => { (show_table(table, before(i).map(|title| &**title))) }
                Block::List(lines) => { (show_list(lines)) }
                Block::Drawing(lines, text) => { pre tabindex="0" { (lines.join("\n")) } p { (text) } }
            }
        }
    }
}

/// Names with a sentence about each.
pub(super) fn show_list(lines: &[(String, String)]) -> Markup {
    html! {
        dl { @for (name, text) in lines { dt { (name) } dd { (text) } } }
    }
}

fn show_table(table: &TextTable, caption: Option<&str>) -> Markup {
    html! {
        div.table tabindex="0" role="group" aria-label=(caption.unwrap_or("Table")) {
            table {
                @if let Some(caption) = caption { caption { (caption) } }
                thead { tr { @for heading in &table.heading { (show_heading(heading)) } } }
                tbody {
                    @for line in &table.rows {
                        @match line {
                            Line::Section(text) => {
                                tr { th.section colspan=(table.heading.len()) scope="colgroup" { (text) } }
                            }
                            Line::Cells(cells) => { tr { @for (i, cell) in cells.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn show_heading(heading: &str) -> Markup {
    html! {
        @if heading.is_empty() { td {} } @else { th scope="col" { (unbroken(heading)) } }
    }
}

/// The tables as CSV, with a blank line between two tables. The name of a group of rows stands in a column of
/// its own.
pub(super) fn csv(blocks: &[Block]) -> String {
    let tables = blocks.iter().filter_map(|block| match block {
        Block::Table(table) if !table.rows.is_empty() => Some(table_csv(table)),
        _ => None,
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn table_csv(table: &TextTable) -> String {
    let has_sections = table.rows.iter().any(|line| matches!(line, Line::Section(_)));
    let group = |name: &str| has_sections.then(|| name.to_owned());
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(vec![]);
    let heading = table.heading.iter().map(|heading| unbroken(heading));
    let mut section = "";
    // Writing to memory cannot fail.
    let _ = writer.write_record(group("group").into_iter().chain(heading));
    for line in &table.rows {
        match line {
            Line::Section(text) => section = text,
            Line::Cells(cells) => {
                let cells = cells.iter().map(|cell| cell.trim().replace('\n', " "));
                let _ = writer.write_record(group(section).into_iter().chain(cells));
            }
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
