//! The line on stderr that says how far the work is. Only a terminal shows it.

use crate::diagnostics;
use fib::Control;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::Builder;
use std::time::Duration;

/// Computations that take less time than this show nothing.
const QUIET_TIME: Duration = Duration::from_secs(1);

const REDRAW: Duration = Duration::from_millis(200);

/// Shows a progress bar until it is dropped.
pub(crate) struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// The line of a measurement, with positions from 0 to 1000. `None` if nobody would see it.
    pub(crate) fn of_measurement(quiet: bool) -> Option<Self> {
        let bar = ProgressBar::new(1000).with_style(style("{bar:40} {percent:>3} %  {msg}"));
        (!quiet && io::stderr().is_terminal()).then(|| Self::show(bar))
    }

    /// The line of a computation that starts at `position`. `None` if nobody would see it.
    pub(crate) fn of_computation(
        quiet: bool,
        control: &Control,
        position: Position,
    ) -> Option<Self> {
        if quiet || !io::stderr().is_terminal() {
            return None;
        }
        // The bar starts a thread, and panics if the system refuses the thread.
        Builder::new().spawn(|| {}).ok()?;
        let control = control.clone();
        let write = move |state: &ProgressState, out: &mut dyn Write| {
            let time = state.elapsed();
            if time >= QUIET_TIME {
                let text = position.status(control.done() as u64, time);
                let _ = out.write_str(&text); // it cannot fail: this is memory
            }
        };
        let bar =
            ProgressBar::new_spinner().with_style(style("{status}").with_key("status", write));
        bar.enable_steady_tick(REDRAW);
        Some(Self::show(bar))
    }

    fn show(bar: ProgressBar) -> Self {
        diagnostics::show(&bar);
        ProgressLine(bar)
    }

    /// Shows this position, from 0 to 1000, and this text.
    pub(crate) fn set(&self, position: u64, text: String) {
        self.0.set_position(position);
        self.0.set_message(text);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        diagnostics::clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Where a computation starts, and what it is to reach.
#[derive(Clone)]
pub(crate) struct Position {
    /// How many numbers an earlier run has written.
    pub(crate) earlier: u64,
    /// How many numbers there are in all, if that is known.
    pub(crate) count: Option<u64>,
    /// The bytes that this run has written so far.
    pub(crate) written: Arc<AtomicU64>,
}

impl Position {
    /// How far the computation is after `time`, when this run has computed `done` numbers. The time
    /// that is left assumes that all numbers take equally long.
    fn status(&self, done: u64, time: Duration) -> String {
        let seconds = time.as_secs_f64();
        if self.count == Some(1) {
            return format!("one number, {seconds:.0} s so far");
        }
        let rate = done as f64 / seconds;
        let of = self.count.map_or(String::new(), |count| format!(" of {}", HumanCount(count)));
        let all = self.earlier + done;
        let mut text = format!(
            "{}{of} numbers in {:.0} s, {:.1} MB written",
            HumanCount(all),
            seconds,
            self.written.load(Relaxed) as f64 / 1e6
        );
        if done > 0 {
            text += &format!(", {} numbers/s", HumanCount(rate as u64));
            if let Some(left) = self.count.map(|count| count.saturating_sub(all)) {
                text += &format!(", about {:.0} s left", left as f64 / rate);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_names_numbers_bytes_rate_and_time_left() {
        let status = |done, count| {
            let written = Arc::new(AtomicU64::new(2_500_000));
            Position { earlier: 0, count, written }.status(done, Duration::from_secs(4))
        };
        let known = "1,000 of 4,000 numbers in 4 s, 2.5 MB written, 250 numbers/s, about 12 s left";
        assert_eq!(status(1000, Some(4000)), known);
        assert_eq!(status(1000, None), "1,000 numbers in 4 s, 2.5 MB written, 250 numbers/s");
        assert_eq!(status(0, Some(9)), "0 of 9 numbers in 4 s, 2.5 MB written");
        assert_eq!(status(0, Some(1)), "one number, 4 s so far");
        let resumed = Position { earlier: 2000, count: Some(4000), written: Arc::default() };
        let known = "3,000 of 4,000 numbers in 4 s, 0.0 MB written, 250 numbers/s, about 4 s left";
        assert_eq!(resumed.status(1000, Duration::from_secs(4)), known);
    }
}
