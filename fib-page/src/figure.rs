//! A figure: a chart, what to see in it, how it can mislead, and its table.

use crate::ChartFile;
use crate::blocks::{csv, show_blocks};
use crate::charts::Svg;
use fib_report::report::Block;
use maud::{Markup, PreEscaped, html};

/// A chart with everything that belongs to it.
pub(super) struct Figure {
    /// The name of its files, and its anchor on the page.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) svg: Svg,
    /// What the page shows in place of the chart.
    pub(super) instead: Option<Markup>,
    /// What to see.
    pub(super) caption: String,
    /// How the chart can mislead.
    pub(super) trap: &'static str,
    /// The numbers.
    pub(super) table: Vec<Block>,
}

/// A part of a section.
pub(super) enum Item {
    Prose(Markup),
    Figure(Box<Figure>),
    /// Figures of which one is shown at a time, each with its label.
    Choice(Choice),
}

pub(super) struct Choice {
    /// What is chosen.
    pub(super) legend: &'static str,
    pub(super) panes: Vec<(String, Figure)>,
    /// The position of the figure that is shown first.
    pub(super) first: usize,
}

impl Item {
    pub(super) fn figures(&self) -> Box<dyn Iterator<Item = &Figure> + '_> {
        match self {
            Item::Prose(_) => Box::new([].into_iter()),
            Item::Figure(figure) => Box::new([&**figure].into_iter()),
            Item::Choice(choice) => Box::new(choice.panes.iter().map(|(_, figure)| figure)),
        }
    }

    pub(super) fn figures_mut(&mut self) -> Box<dyn Iterator<Item = &mut Figure> + '_> {
        match self {
            Item::Prose(_) => Box::new([].into_iter()),
            Item::Figure(figure) => Box::new([&mut **figure].into_iter()),
            Item::Choice(choice) => Box::new(choice.panes.iter_mut().map(|(_, figure)| figure)),
        }
    }

    /// The figures as one item: alone, or as a choice.
    pub(super) fn of(
        legend: &'static str,
        mut panes: Vec<(String, Figure)>,
        first: usize,
    ) -> Option<Self> {
        match panes.len() {
            0 => None,
            1 => panes.pop().map(|(_, figure)| Item::Figure(Box::new(figure))),
            _ => Some(Item::Choice(Choice { legend, panes, first })),
        }
    }

    pub(super) fn show(&self) -> Markup {
        match self {
            Item::Prose(markup) => markup.clone(),
            Item::Figure(figure) => figure.show(),
            Item::Choice(choice) => choice.show(),
        }
    }
}

impl Choice {
    /// Radio buttons, and a pane for each of them: this needs no script.
    fn show(&self) -> Markup {
        let group = self.panes.first().map_or("", |(_, figure)| &figure.name);
        let id = |i: usize| format!("{group}-choice-{i}");
        html! {
            div.choice role="group" aria-label=(self.legend) {
                span.legend { (self.legend) }
                @for (i, (label, _)) in self.panes.iter().enumerate() {
                    input type="radio" name={ (group) "-choice" } id=(id(i)) checked[i == self.first];
                    label for=(id(i)) { (label) }
                }
                @for (_, figure) in &self.panes { div.pane { (figure.show()) } }
            }
        }
    }
}

impl Figure {
    fn show(&self) -> Markup {
        html! {
            figure id=(self.name) {
                h3 { (self.title) }
                // Where the page is narrow, a chart scrolls by itself, and the keyboard must reach it.
                div.chart tabindex="0" role="group" aria-label=(self.title) {
                    @match &self.instead {
                        Some(markup) => { (markup) }
                        None => { (PreEscaped(self.svg.inline(&self.name))) }
                    }
                }
                figcaption {
                    p { (self.caption) }
                    p.trap { strong { "How this can mislead you: " } (self.trap) }
                }
                @if !self.table.is_empty() {
                    details.numbers {
                        summary { "The numbers" }
                        (show_blocks(&self.table))
                    }
                }
            }
        }
    }

    pub(super) fn file(&self) -> ChartFile {
        ChartFile { name: self.name.clone(), svg: self.svg.file(), csv: csv(&self.table) }
    }
}

/// A name of lower-case letters, digits and hyphens.
pub(super) fn slug(parts: &[&str]) -> String {
    let text = parts.join("-").to_lowercase();
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(60).collect()
}
