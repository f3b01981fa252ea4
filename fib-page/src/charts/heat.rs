//! The heat map: a coloured cell with its number for each row and column.

use super::palette::Paint;
use super::svg::{Area, Drawn, SMALL, Svg, USUAL, rectangle, stripes, write};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

/// The cells of a heat map.
pub(crate) struct HeatMap {
    pub(crate) columns: Vec<String>,
    /// The name of each row, and its cells; `None` where nothing was measured.
    pub(crate) rows: Vec<(String, Vec<Option<HeatCell>>)>,
}

/// A cell.
#[derive(Clone, Debug)]
pub(crate) struct HeatCell {
    /// `None` if the measurement cannot tell; such a cell has stripes.
    pub(crate) paint: Option<Paint>,
    pub(crate) value: String,
    /// What stands below the value.
    pub(crate) note: String,
}

const LEFT: i32 = 108;
const TOP: i32 = 52;
const COLUMN: i32 = 72;
const ROW: i32 = 38;

/// Draws the heat map.
pub(crate) fn heat_map(title: &str, summary: &str, map: &HeatMap) -> Svg {
    let width = LEFT + COLUMN * map.columns.len().max(4) as i32 + 8;
    let height = TOP + ROW * map.rows.len() as i32 + 8;
    Svg::draw(title, summary, (width as u32, height as u32), |area| {
        let lefts = (LEFT..).step_by(COLUMN as usize);
        for (column, left) in map.columns.iter().zip(lefts.clone()) {
            heading(area, column, left + COLUMN / 2)?;
        }
        for ((name, cells), top) in map.rows.iter().zip((TOP..).step_by(ROW as usize)) {
            let at = (LEFT - 8, top + ROW / 2);
            write(area, name, at, Paint::Text, USUAL, HPos::Right)?;
            let cells = cells.iter().zip(lefts.clone());
            for (cell, left) in cells.filter_map(|(cell, left)| Some((cell.as_ref()?, left))) {
                draw(area, cell, (left, top))?;
            }
        }
        Ok(())
    })
}

/// The most characters of a line above a column.
const LINE: usize = 12;

/// A name on several lines, which end at its hyphens and slashes.
fn lines(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for piece in name.split_inclusive(['-', '/', '@', ':']) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + piece.chars().count() <= LINE => {
                line.push_str(piece)
            }
            _ => lines.push(piece.into()),
        }
    }
    lines
}

/// A name above its column.
fn heading(area: &Area<'_>, name: &str, middle: i32) -> Drawn {
    let lines = lines(name);
    let first = TOP - 8 - 13 * (lines.len() as i32 - 1);
    lines
        .iter()
        .zip((first..).step_by(13))
        .try_for_each(|(line, y)| write(area, line, (middle, y), Paint::Text, SMALL, HPos::Center))
}

fn draw(area: &Area<'_>, cell: &HeatCell, (left, top): (i32, i32)) -> Drawn {
    let corners = [(left + 1, top + 1), (left + COLUMN - 1, top + ROW - 1)];
    match cell.paint {
        Some(paint) => rectangle(area, corners, paint.token().filled())?,
        None => {
            stripes(area, corners)?;
            rectangle(area, corners, Paint::Soft.token().stroke_width(1))?;
        }
    }
    let middle = left + COLUMN / 2;
    let y = if cell.note.is_empty() { top + ROW / 2 } else { top + 13 };
    write(area, &cell.value, (middle, y), Paint::Text, USUAL, HPos::Center)?;
    write(area, &cell.note, (middle, top + 28), Paint::Text, SMALL, HPos::Center)
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn long_names_take_several_lines() {
        assert_eq!(lines("threads-static"), ["threads-", "static"]);
        assert_eq!(lines("process-shm"), ["process-shm"]);
        assert_eq!(lines("python/process-chunked"), ["python/", "process-", "chunked"]);
        assert_eq!(lines("rayon@balanced:8"), ["rayon@", "balanced:8"]);
    }
}
