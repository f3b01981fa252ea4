//! Charts as SVG: each is a function from plain data to an [`Svg`].
//!
//! The library `plotters` draws them with the tokens of the [`palette`], which become classes. So a chart on
//! the page and a chart in a file follow the theme of the reader.

mod bars;
mod heat;
pub(crate) mod palette;
mod panels;
pub(crate) mod scale;
mod spread;
mod svg;
mod timelines;

pub(crate) use bars::{Bar, Part, bars};
pub(crate) use heat::{HeatCell, HeatMap, heat_map};
pub(crate) use palette::Paint;
pub(crate) use panels::{Layer, Panel, Panels, panels};
pub(crate) use scale::Scale;
pub(crate) use spread::{SpreadRow, spread};
pub(crate) use svg::Svg;
pub(crate) use timelines::{TimelineRun, WorkerRow, timelines};
