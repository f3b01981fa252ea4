//! Runs as drawings, with the parts of their time and one sentence about each run.

use super::gantt::{ASCII, BLOCKS, Glyphs, gantt};
use super::losses::{LITTLE, unused};
use super::numbers::{duration, percent};
use super::page::{Block, Page};
use crate::analysis::{Loss, Losses, Matrix, Row};
use crate::timeline::{MOST_CHUNKS, Timeline};
use fib_simulate::WorkerTrace;

/// The runs of all scenarios whose chunks the record has.
pub(super) fn all_timelines(matrix: &Matrix, page: Page) -> Vec<Block> {
    let mut blocks: Vec<Block> = matrix.rows.iter().flat_map(|row| of_row(row, page)).collect();
    let shown = matrix.rows.iter().flat_map(|row| &row.cells).filter_map(|c| c.timeline.as_ref());
    let shown: Vec<&Timeline> = shown.collect();
    if !shown.is_empty() {
        blocks.push(Block::Text(legend(&shown, page)));
    }
    blocks
}

fn of_row(row: &Row, page: Page) -> Vec<Block> {
    let runs: Vec<&Timeline> = row.cells.iter().filter_map(|cell| cell.timeline.as_ref()).collect();
    let mut blocks = vec![];
    if !runs.is_empty() {
        let title = format!("{}: one run of each backend", row.scenario.name);
        blocks.push(Block::Title(title));
        blocks.extend(drawings(&runs, page));
    }
    let left_out = row.cells.iter().filter_map(|cell| {
        let chunks = cell.left_out_chunks?;
        Some(format!(
            "{}: {} has {chunks} chunks; a record keeps at most {MOST_CHUNKS}",
            row.scenario.name, cell.backend
        ))
    });
    blocks.extend(left_out.map(Block::Text));
    blocks
}

/// These runs on one time axis, with a legend.
pub(super) fn with_legend(title: &str, runs: &[Timeline], page: Page) -> Vec<Block> {
    let runs: Vec<&Timeline> = runs.iter().collect();
    let mut blocks = vec![Block::Text(title.into())];
    blocks.extend(drawings(&runs, page));
    blocks.push(Block::Text(legend(&runs, page)));
    blocks
}

fn glyphs(page: Page) -> &'static Glyphs {
    if page.ascii { &ASCII } else { &BLOCKS }
}

/// A drawing of each run, all on one time axis.
fn drawings(runs: &[&Timeline], page: Page) -> Vec<Block> {
    let longest = runs.iter().map(|run| run.wall_ns).max().unwrap_or(0);
    let block = |run: &&Timeline| {
        let Timeline { backend, workers, wall_ns, chunks, .. } = run;
        let count = |n: usize, name: &str| match n {
            1 => format!("1 {name}"),
            n => format!("{n} {name}s"),
        };
        let heading = format!(
            "{backend}, {}: {}, {}",
            count(*workers, "worker"),
            duration(*wall_ns as f64),
            count(chunks.len(), "chunk")
        );
        let mut lines = vec![heading];
        lines.extend(gantt(run, longest, page.width, glyphs(page)));
        let text = run.parts().filter(|_| *wall_ns > 0).map_or(String::new(), |parts| {
            format!("{}\n{}", shares(&parts), reading(&parts, &run.traces()))
        });
        Block::Drawing(lines, text)
    };
    runs.iter().map(block).collect()
}

/// The parts of the time of all workers.
fn shares(parts: &Losses) -> String {
    let share = |ns: f64| percent(ns.max(0.0) / parts.total_ns());
    let named = |(loss, ns): &(Loss, f64)| {
        let (name, always) = match loss {
            Loss::Inflation => return None, // this run has no other to compare with
            Loss::Paused => ("lock", false),
            Loss::FirstChunk => ("first chunk", true),
            Loss::Dispatch => ("dispatch", true),
            Loss::Tail => ("tail", true),
            Loss::Unused => ("unused", false),
        };
        (always || *ns > 0.0).then(|| format!(", {name} {}", share(*ns)))
    };
    let lost: String = parts.parts().iter().filter_map(named).collect();
    format!("computing {}{lost}", share(parts.useful_ns))
}

/// What a drawing of this run shows, in one sentence; `None` if the run has no parts.
pub fn reading_of(run: &Timeline) -> Option<String> {
    let parts = run.parts().filter(|_| run.wall_ns > 0)?;
    Some(reading(&parts, &run.traces()))
}

/// What the drawing shows, in one sentence: the largest part of the time that is lost.
fn reading(parts: &Losses, traces: &[WorkerTrace]) -> String {
    let (loss, lost) = parts.largest();
    let share = lost / parts.total_ns();
    if share < LITTLE || share.is_nan() {
        return "Hardly any time is lost.".into();
    }
    let part = percent(share);
    match loss {
        Loss::Paused if parts.useful_ns <= 1.05 * parts.wall_ns => format!(
            "Workers wait {part} of the time for the lock: all of them together compute no longer than \
             one worker could."
        ),
        Loss::Paused => format!("Workers wait {part} of the time for the lock."),
        Loss::FirstChunk => {
            let latest = traces.iter().filter(|t| t.chunks > 0).map(|t| t.first_ns).max();
            format!(
                "Workers wait {part} of the time for their first chunk: the last of them starts after {}.",
                duration(latest.unwrap_or(0) as f64)
            )
        }
        Loss::Dispatch => {
            let mean = (parts.useful_ns + parts.paused_ns) / parts.chunks.max(1) as f64;
            format!(
                "{part} of the time passes between chunks: a chunk takes only {} on average.",
                duration(mean)
            )
        }
        Loss::Tail => tail(parts, traces),
        Loss::Unused => {
            let text = unused(parts);
            format!("{text}.")
        }
        Loss::Inflation => String::new(), // it is 0, because all computing counts as useful
    }
}

/// The time after the last chunk of each worker is imbalance while another worker has a chunk, and joining
/// after that.
fn tail(parts: &Losses, traces: &[WorkerTrace]) -> String {
    let used = || traces.iter().enumerate().filter(|(_, trace)| trace.chunks > 0);
    let last = used().max_by_key(|(_, trace)| trace.last_ns);
    let (latest, end) = last.map_or((0, 0), |(worker, trace)| (worker, trace.last_ns));
    let joining = parts.wall_ns - end as f64;
    let (idlest, idle) = parts.idlest;
    let imbalance = idle - joining;
    match imbalance > joining {
        true => format!(
            "Worker {} has no chunk in the last {} of the run: worker {} {}, and ends {} later.",
            idlest + 1,
            percent(idle / parts.wall_ns),
            latest + 1,
            longer(&traces[latest], &traces[idlest]),
            duration(imbalance),
        ),
        false => format!(
            "The run ends {} after its last chunk, which is {} of the run.",
            duration(joining),
            percent(joining / parts.wall_ns)
        ),
    }
}

/// The larger reason why a worker ends after another: it started later, or it had chunks for a longer time.
fn longer(latest: &WorkerTrace, idlest: &WorkerTrace) -> String {
    let start = latest.first_ns as f64 - idlest.first_ns as f64;
    let busy = latest.busy_ns as f64 - idlest.busy_ns as f64;
    match start > busy {
        true => format!("starts its first chunk {} later", duration(start)),
        false => format!("is busy for {} longer (imbalance)", duration(busy.max(0.0))),
    }
}

/// What the characters and the parts mean. Only what is there is explained.
fn legend(runs: &[&Timeline], page: Page) -> String {
    let Glyphs { chunks: [one, other], paused, idle, sliver } = glyphs(page);
    let parts: Vec<Losses> = runs.iter().filter_map(|run| run.parts()).collect();
    let (has_lock, has_unused) =
        (parts.iter().any(|p| p.paused_ns > 0.0), parts.iter().any(|p| p.unused > 0));
    let mut text = format!(
        "Each line is a worker. A chunk is a block of {one} or {other}, by turns. {idle} is a worker \
         without a chunk, and {sliver} is such a worker with a short chunk in between."
    );
    if has_lock {
        text += &format!(" {paused} is a worker that waits for a lock inside a chunk.");
    }
    let is_assumed = |run: &&&Timeline| {
        run.pauses.is_empty() && run.chunks.iter().any(|chunk| chunk.paused_ns > 0)
    };
    for run in runs.iter().filter(is_assumed) {
        text += &format!(
            " How long the chunks of {} waited is known, but not when: the drawing shows the waiting at \
             their start.",
            run.backend
        );
    }
    text += "\nThe parts are shares of workers x wall time. computing is the time inside chunks";
    text += if has_lock { " except for the waiting, which is lock" } else { "" };
    text += ". first chunk is the time until a worker starts its first chunk, dispatch is the time between \
             two chunks, and tail is the time after the last chunk of a worker.";
    text += if has_unused { " unused is the time of workers without a chunk." } else { "" };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib_simulate::ChunkTrace;
    use snapbox::{assert_data_eq, str};

    /// A run of 1 ms with these chunks; times in microseconds.
    fn run(workers: usize, chunks: &[(usize, u64, u64, u64)]) -> Timeline {
        let chunk = |&(worker, start, end, paused): &(usize, u64, u64, u64)| ChunkTrace {
            worker,
            start_ns: start * 1000,
            end_ns: end * 1000,
            paused_ns: paused * 1000,
        };
        let chunks = chunks.iter().map(chunk).collect();
        Timeline { backend: "backend".into(), workers, wall_ns: 1_000_000, chunks, pauses: vec![] }
    }

    fn said(run: &Timeline) -> String {
        reading(&run.parts().unwrap(), &run.traces())
    }

    #[test]
    fn the_sentence_names_the_largest_loss_and_nothing_that_is_not_there() {
        let busy = run(2, &[(0, 5, 995, 0), (1, 10, 990, 0)]);
        assert_eq!(said(&busy), "Hardly any time is lost.");
        let uneven = run(2, &[(0, 0, 990, 0), (1, 0, 400, 0)]);
        assert_eq!(
            said(&uneven),
            "Worker 2 has no chunk in the last 60% of the run: worker 1 is busy for 590 us longer \
             (imbalance), and ends 590 us later."
        );
        let shifted = run(2, &[(0, 0, 600, 0), (1, 300, 990, 0)]);
        assert_eq!(
            said(&shifted),
            "Worker 1 has no chunk in the last 40% of the run: worker 2 starts its first chunk 300 us \
             later, and ends 390 us later."
        );
        let joining = run(2, &[(0, 0, 800, 0), (1, 0, 790, 0)]);
        assert_eq!(
            said(&joining),
            "The run ends 200 us after its last chunk, which is 20% of the run."
        );
        let late = run(2, &[(0, 300, 1000, 0), (1, 400, 1000, 0)]);
        assert_eq!(
            said(&late),
            "Workers wait 35% of the time for their first chunk: the last of them starts after 400 us."
        );
        let gaps = run(1, &[(0, 0, 200, 0), (0, 500, 1000, 0)]);
        assert_eq!(
            said(&gaps),
            "30% of the time passes between chunks: a chunk takes only 350 us on average."
        );
        let one = run(2, &[(0, 0, 1000, 0)]);
        assert_eq!(said(&one), "1 of 2 workers got no chunk: there is only 1 chunk.");
    }

    #[test]
    fn a_lock_is_blamed_for_serial_work_only_if_the_work_was_serial() {
        let serial = run(2, &[(0, 0, 500, 0), (1, 0, 1000, 500), (0, 500, 1000, 500)]);
        assert_eq!(
            said(&serial),
            "Workers wait 50% of the time for the lock: all of them together compute no longer than one \
             worker could."
        );
        let parallel = run(2, &[(0, 0, 1000, 100), (1, 0, 1000, 100)]);
        assert_eq!(said(&parallel), "Workers wait 10% of the time for the lock.");
    }

    #[test]
    fn drawings_on_one_axis() {
        let page = Page { width: 60, ..Page::default() };
        let mut short = run(2, &[(0, 0, 250, 0), (1, 0, 500, 240), (0, 260, 480, 0)]);
        (short.backend, short.wall_ns) = ("short".into(), 500_000);
        let long = run(1, &[(0, 0, 990, 0)]);
        let blocks = with_legend("0..9: 9 numbers", &[short, long], page);
        assert_data_eq!(
            page.print(&blocks),
            str![[r#"
0..9: 9 numbers

short, 2 workers: 500 us, 3 chunks
worker 1  █████████████▓▓▓▓▓▓▓▓▓▓▓·
worker 2  ░░░░░░░░░░░░█████████████
          |0                       |0.5 ms
computing 73%, lock 24%, first chunk 0%, dispatch 1%, tail
2%
Workers wait 24% of the time for the lock.

backend, 1 worker: 1.00 ms, 1 chunk
worker 1  ██████████████████████████████████████████████████
          |0                       |0.5 ms
computing 99%, first chunk 0%, dispatch 0%, tail 1%
Hardly any time is lost.

Each line is a worker. A chunk is a block of █ or ▓, by
turns. · is a worker without a chunk, and ▏ is such a
worker with a short chunk in between. ░ is a worker that
waits for a lock inside a chunk. How long the chunks of
short waited is known, but not when: the drawing shows the
waiting at their start.
The parts are shares of workers x wall time. computing is
the time inside chunks except for the waiting, which is
lock. first chunk is the time until a worker starts its
first chunk, dispatch is the time between two chunks, and
tail is the time after the last chunk of a worker.

"#]]
        );
    }

    #[test]
    fn in_markdown_a_drawing_is_a_code_block() {
        let page = Page { markdown: true, ascii: true, ..Page::default() };
        let printed = page.print(&with_legend("title", &[run(1, &[(0, 0, 1000, 0)])], page));
        let (start, end) =
            ("```\nbackend, 1 worker: 1.00 ms, 1 chunk\nworker 1  ##", "\n```\ncomputing 100%");
        assert!(printed.contains(start) && printed.contains(end), "{printed}");
    }
}
