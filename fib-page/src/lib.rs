//! The report as one HTML page: charts, tables and sentences from the analyses of records.
//!
//! ```text
//! analyses -> sections -> figures (chart, caption, table) -> HTML, or SVG and CSV files
//! ```
//!
//! A page is a pure function of its analyses. It fetches nothing and can be read without its script; only the
//! explorer needs that. Each section is a function from an analysis to its items, and a section that has
//! nothing to show is left out. The charts are in `charts`, and the tables are those of the text report.
//!
//! Like `fib-report`, this crate has no clock, no process and no thread: `clippy.toml` in its folder forbids them.
#![forbid(unsafe_code)]

mod answer;
mod blocks;
mod cells;
mod charts;
mod chunking;
mod explorer;
mod figure;
mod glossary;
mod losses;
mod matrix;
mod race;
mod record;
mod sizes;
mod speedups;
#[cfg(test)]
mod tests;
mod timelines;

use crate::charts::palette::style_sheet;
use fib_report::Analysis;
use figure::{Figure, Item};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;

/// A chart as files: its name without an extension, the picture and its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFile {
    /// A name of lower-case letters, digits and hyphens.
    pub name: String,
    pub svg: String,
    /// The numbers of the chart, as its table on the page shows them.
    pub csv: String,
}

/// A part of the page with a heading of its own.
struct Section {
    id: &'static str,
    title: &'static str,
    items: Vec<Item>,
}

/// The items of one record, whose position among the records is given too.
type ItemsOf = fn(usize, &Analysis) -> Vec<Item>;

/// The sections in the order of reading: anchor, title, and what each record has for it.
const SECTIONS: [(&str, &str, ItemsOf); 9] = [
    ("matrix", "The matrix", matrix::items),
    ("speedups", "Speedup against workers", speedups::items),
    ("losses", "Where the lost speedup went", losses::items),
    ("timelines", "Who did what when", timelines::items),
    ("sizes", "How small is too small", sizes::items),
    ("chunking", "Chunking decides too", chunking::items),
    ("forks", "What a fork costs", race::forks),
    ("race", "How much in a given time", race::items),
    ("cells", "Every cell", cells::items),
];

/// The page.
pub fn html(analyses: &[Analysis]) -> String {
    let sections = sections(analyses);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (answer::title(analyses)) }
                style { (PreEscaped(style_sheet())) (PreEscaped(choices(&sections))) (PreEscaped(include_str!("page.css"))) }
            }
            body {
                main {
                    (answer::first_screen(analyses))
                    nav aria-label="Sections" { (contents(&sections)) }
                    @for section in &sections { (show(section)) }
                    (glossary::section())
                    (record::section(analyses))
                }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    };
    // A record may hold characters that change how the text around them is read.
    page.into_string().split('\n').map(fib_report::visible).collect::<Vec<_>>().join("\n")
}

/// Every chart of the page as a file, with its numbers.
pub fn chart_files(analyses: &[Analysis]) -> Vec<ChartFile> {
    let sections = sections(analyses);
    let figures = sections.iter().flat_map(|section| &section.items).flat_map(Item::figures);
    figures.map(Figure::file).collect()
}

/// The sections that have something to show, whose figures have distinct names.
fn sections(analyses: &[Analysis]) -> Vec<Section> {
    let of_records = SECTIONS.iter().map(|(id, title, items)| {
        let items = analyses.iter().enumerate().flat_map(|(i, analysis)| {
            let items = items(i, analysis);
            let is_needed = analyses.len() > 1 && !items.is_empty();
            is_needed.then(|| record::named(i, analysis)).into_iter().chain(items)
        });
        Section { id, title, items: items.collect() }
    });
    let mut sections: Vec<Section> = of_records.chain([explorer::section(analyses)]).collect();
    sections.retain(|section| !section.items.is_empty());
    let mut taken = BTreeSet::new();
    let items = sections.iter_mut().flat_map(|section| &mut section.items);
    for figure in items.flat_map(Item::figures_mut) {
        let own = figure.name.clone();
        let mut number = 1;
        while !taken.insert(figure.name.clone()) {
            number += 1;
            figure.name = format!("{own}-{number}");
        }
    }
    sections
}

fn contents(sections: &[Section]) -> Markup {
    let own = sections.iter().map(|section| (section.id, section.title));
    html! {
        ul { @for (id, title) in own.chain([glossary::LINK, record::LINK]) {
            li { a href={ "#" (id) } { (title) } }
        } }
    }
}

fn show(section: &Section) -> Markup {
    html! {
        section id=(section.id) {
            h2 { (section.title) }
            @for item in &section.items { (item.show()) }
        }
    }
}

/// The rules that show the pane of the chosen radio button, for the longest choice of the page.
fn choices(sections: &[Section]) -> String {
    let items = sections.iter().flat_map(|section| &section.items);
    let most = items.map(|item| item.figures().count()).max().unwrap_or(0);
    let rule = |i: usize| {
        format!(".choice>input:nth-of-type({i}):checked~.pane:nth-of-type({i}){{display:block}}\n")
    };
    (1..=most).map(rule).collect()
}
