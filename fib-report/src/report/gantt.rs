//! Draws a run for a terminal: a line for each worker, chunks as blocks, time from left to right.

use super::numbers::time_unit;
use crate::timeline::Timeline;
use fib_simulate::{ChunkTrace, PauseTrace};

/// The characters of a drawing.
pub(super) struct Glyphs {
    /// A chunk that computes. Neighbouring chunks of a worker have different characters.
    pub(super) chunks: [char; 2],
    /// A chunk that waits for a lock.
    pub(super) paused: char,
    /// A worker without a chunk.
    pub(super) idle: char,
    /// Mostly a worker without a chunk, and a chunk that would otherwise not be seen.
    pub(super) sliver: char,
}

pub(super) const BLOCKS: Glyphs =
    Glyphs { chunks: ['█', '▓'], paused: '░', idle: '·', sliver: '▏' };

pub(super) const ASCII: Glyphs = Glyphs { chunks: ['#', '='], paused: '-', idle: '.', sliver: ':' };

/// A drawing has no more lines of workers than this.
const MOST_LINES: usize = 64;

/// The least distance of two marks on the time axis, in columns.
const MARK_COLUMNS: f64 = 11.0;

/// The lines of a drawing: the workers, and the time axis below them, from 0 to `longest_ns`. No line is
/// longer than `width`.
pub(super) fn gantt(
    timeline: &Timeline,
    longest_ns: u64,
    width: usize,
    glyphs: &Glyphs,
) -> Vec<String> {
    let shown = timeline.workers.min(MOST_LINES);
    let names = format!("worker {shown}").chars().count();
    let columns = width.saturating_sub(names + 2).max(10);
    let ns = longest_ns.max(1) as f64 / columns as f64;
    let mut own: Vec<Vec<ChunkTrace>> = vec![vec![]; shown];
    for chunk in &timeline.chunks {
        if let Some(chunks) = own.get_mut(chunk.worker) {
            chunks.push(*chunk);
        }
    }
    let pauses = pauses(timeline);
    let line = |(i, mut chunks): (usize, Vec<ChunkTrace>)| {
        chunks.sort_by_key(|chunk| (chunk.start_ns, chunk.end_ns));
        let own_pauses = pauses.iter().filter(|pause| pause.worker == i);
        let cells = columns_of(&chunks, own_pauses, columns, ns);
        let drawn = row(&cells, timeline.wall_ns as f64 / ns, glyphs);
        let name = format!("worker {}", i + 1);
        format!("{name:names$}  {drawn}").trim_end().to_owned()
    };
    let mut lines: Vec<String> = own.into_iter().enumerate().map(line).collect();
    match timeline.workers - shown {
        0 => {}
        rest => lines.push(format!("(and {rest} more workers)")),
    }
    lines.push(format!("{:names$}  {}", "", axis(longest_ns as f64, columns)));
    lines
}

/// When workers waited for a lock. If only the length of the waiting is known, it is assumed to be at the
/// start of a chunk.
fn pauses(timeline: &Timeline) -> Vec<PauseTrace> {
    if !timeline.pauses.is_empty() {
        return timeline.pauses.clone();
    }
    let assumed = |chunk: &ChunkTrace| {
        let ChunkTrace { worker, start_ns, end_ns, paused_ns } = *chunk;
        PauseTrace { worker, start_ns, end_ns: start_ns.saturating_add(paused_ns).min(end_ns) }
    };
    timeline.chunks.iter().filter(|chunk| chunk.paused_ns > 0).map(assumed).collect()
}

/// What a worker does in the time of a column, as shares of the column.
#[derive(Clone, Default)]
struct Column {
    in_chunks: f64,
    paused: f64,
    /// The largest share of a chunk, and the place of its character.
    largest: (f64, usize),
}

/// What a worker does with these chunks, in the order of their starts, and with these pauses. A column is `ns`
/// nanoseconds.
fn columns_of<'a>(
    chunks: &[ChunkTrace],
    pauses: impl Iterator<Item = &'a PauseTrace>,
    columns: usize,
    ns: f64,
) -> Vec<Column> {
    let mut cells = vec![Column::default(); columns];
    for (i, chunk) in chunks.iter().enumerate() {
        let (start, end) = (chunk.start_ns as f64 / ns, chunk.end_ns as f64 / ns);
        each_share(start, end, columns, |column, share| {
            let cell = &mut cells[column];
            cell.in_chunks += share;
            if share > cell.largest.0 {
                cell.largest = (share, i % 2);
            }
        });
    }
    for pause in pauses {
        let (start, end) = (pause.start_ns as f64 / ns, pause.end_ns as f64 / ns);
        each_share(start, end, columns, |column, share| cells[column].paused += share);
    }
    cells
}

/// The line of a worker. The run ends at column `end`.
fn row(cells: &[Column], end: f64, glyphs: &Glyphs) -> String {
    let glyph = |(i, cell): (usize, &Column)| {
        let share_of_run = (end - i as f64).clamp(0.0, 1.0);
        let (computing, idle) = (cell.in_chunks - cell.paused, share_of_run - cell.in_chunks);
        match () {
            () if share_of_run <= 0.0 => ' ',
            () if computing >= cell.paused.max(idle) => glyphs.chunks[cell.largest.1],
            () if cell.paused >= idle => glyphs.paused,
            () if computing > 0.0 => glyphs.sliver,
            () => glyphs.idle,
        }
    };
    let drawn: Vec<char> = cells.iter().enumerate().map(glyph).collect();
    without_edges(&drawn, glyphs)
}

/// Calls `add` with each column between two positions, and with the share of the column between them.
fn each_share(from: f64, to: f64, columns: usize, mut add: impl FnMut(usize, f64)) {
    let last = (to.ceil() as usize).min(columns);
    for column in from as usize..last {
        let share = to.min(column as f64 + 1.0) - from.max(column as f64);
        add(column, share.max(0.0));
    }
}

/// The line without slivers that are the edge of a chunk that is seen anyway.
fn without_edges(drawn: &[char], glyphs: &Glyphs) -> String {
    let is_chunk = |i: Option<usize>| {
        i.and_then(|i| drawn.get(i)).is_some_and(|glyph| glyphs.chunks.contains(glyph))
    };
    let seen = |(i, &glyph): (usize, &char)| {
        let is_edge = is_chunk(i.checked_sub(1)) || is_chunk(Some(i + 1));
        if glyph == glyphs.sliver && is_edge { glyphs.idle } else { glyph }
    };
    drawn.iter().enumerate().map(seen).collect()
}

/// The time axis: a bar and a time at each mark.
fn axis(longest_ns: f64, columns: usize) -> String {
    let step = step(longest_ns * MARK_COLUMNS / columns as f64);
    let (unit_ns, unit) = time_unit(longest_ns);
    let digits = (-(step / unit_ns).log10()).ceil().max(0.0) as usize;
    let mut line = String::new();
    for mark in 0.. {
        let column = (mark as f64 * step / longest_ns * columns as f64).round() as usize;
        let text = match mark {
            0 => "|0".into(),
            _ => format!("|{:.digits$} {unit}", mark as f64 * step / unit_ns),
        };
        if column + text.len() > columns {
            break;
        }
        line = format!("{line:column$}{text}");
    }
    line
}

/// The smallest of 1, 2, 5, 10, 20, 50 ... that is at least `least`.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1.0).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timeline(workers: usize, wall_ns: u64, chunks: &[(usize, u64, u64, u64)]) -> Timeline {
        let chunk = |&(worker, start_ns, end_ns, paused_ns): &(usize, u64, u64, u64)| ChunkTrace {
            worker,
            start_ns,
            end_ns,
            paused_ns,
        };
        let chunks = chunks.iter().map(chunk).collect();
        Timeline { backend: "b".into(), workers, wall_ns, chunks, pauses: vec![] }
    }

    #[test]
    fn a_run_by_hand() {
        // A column is 10 ns.
        let chunks = [(0, 10, 50, 0), (1, 20, 90, 30), (0, 50, 80, 0), (1, 112, 114, 0)];
        let drawn = |longest| gantt(&timeline(2, 150, &chunks), longest, 30, &ASCII);
        let expected = ["worker 1  .####===.......", "worker 2  ..---####..:...", "          |0"];
        assert_eq!(drawn(200), expected);
        assert_eq!(drawn(200)[0].len(), 10 + 15, "the run ends at 150 ns");
        assert_eq!(drawn(150).last().unwrap().as_str(), "          |0           |100 ns");
    }

    #[test]
    fn pauses_are_drawn_where_they_were() {
        let pause = |start_ns, end_ns| PauseTrace { worker: 0, start_ns, end_ns };
        let mut run = timeline(1, 100, &[(0, 0, 90, 50)]);
        run.pauses = vec![pause(20, 60), pause(70, 80)];
        assert_eq!(gantt(&run, 100, 20, &ASCII)[0], "worker 1  ##----#-#.");
    }

    #[test]
    fn neighbours_differ_and_edges_are_no_slivers() {
        let chunks = [(0, 16, 34, 0), (0, 36, 54, 0)];
        let drawn = gantt(&timeline(1, 100, &chunks), 100, 20, &ASCII);
        assert_eq!(drawn[0], "worker 1  ..##=.....");
    }

    #[test]
    fn many_workers_are_cut_short() {
        let lines = gantt(&timeline(1000, 100, &[]), 100, 80, &ASCII);
        assert_eq!(lines.len(), MOST_LINES + 2);
        assert_eq!(lines[MOST_LINES], "(and 936 more workers)");
    }

    #[test]
    fn marks_have_round_times_and_a_unit() {
        assert_eq!(
            axis(2.35e6, 70),
            "|0             |0.5 ms        |1.0 ms        |1.5 ms        |2.0 ms"
        );
        assert_eq!(axis(31.0, 40), "|0           |10 ns       |20 ns");
        assert_eq!(axis(7.9e9, 70), "|0                |2 s             |4 s              |6 s");
    }

    proptest! {
        /// Whatever the chunks are, every line fits, and a line shows at most the run.
        #[test]
        fn every_line_fits(
            chunks in prop::collection::vec((0usize..5, 0u64..2000, 0u64..2000, 0u64..3000), 0..60),
            wall in 0u64..3000,
            more in 0u64..3000,
            width in 20usize..130,
        ) {
            let lines = gantt(&timeline(4, wall, &chunks), wall + more, width, &BLOCKS);
            prop_assert_eq!(lines.len(), 5);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
        }

        /// A worker that computes all the time has no other character.
        #[test]
        fn a_busy_worker_is_one_block(wall in 1u64..1 << 50, width in 20usize..130) {
            let lines = gantt(&timeline(1, wall, &[(0, 0, wall, 0)]), wall, width, &ASCII);
            prop_assert_eq!(&lines[0][10..], "#".repeat(width - 10));
        }
    }
}
