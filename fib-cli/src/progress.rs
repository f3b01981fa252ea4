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

    /// The line of a computation of `count` numbers, if the count is known. `None` if nobody would
    /// see it, or if the results go to the same terminal.
    pub(crate) fn of_computation(
        quiet: bool,
        to_stdout: bool,
        control: &Control,
        written: &Arc<AtomicU64>,
        count: Option<u64>,
    ) -> Option<Self> {
        if quiet || !io::stderr().is_terminal() || (to_stdout && io::stdout().is_terminal()) {
            return None;
        }
        // The bar starts a thread, and panics if the system refuses the thread.
        Builder::new().spawn(|| {}).ok()?;
        let (control, written) = (control.clone(), Arc::clone(written));
        let write = move |state: &ProgressState, out: &mut dyn Write| {
            let time = state.elapsed();
            if time >= QUIET_TIME {
                let text = status(control.done() as u64, count, written.load(Relaxed), time);
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

/// How far a computation is after `time`, with `written` bytes of output. The time that is left
/// assumes that all numbers take equally long.
fn status(done: u64, count: Option<u64>, written: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if count == Some(1) {
        return format!("one number, {seconds:.0} s so far");
    }
    let rate = done as f64 / seconds;
    let of = count.map_or(String::new(), |count| format!(" of {}", HumanCount(count)));
    let mut text = format!(
        "{}{of} numbers in {:.0} s, {:.1} MB written",
        HumanCount(done),
        seconds,
        written as f64 / 1e6
    );
    if done > 0 {
        text += &format!(", {} numbers/s", HumanCount(rate as u64));
        if let Some(left) = count.map(|count| count.saturating_sub(done)) {
            text += &format!(", about {:.0} s left", left as f64 / rate);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_names_numbers_bytes_rate_and_time_left() {
        let status = |done, count| status(done, count, 2_500_000, Duration::from_secs(4));
        let known = "1,000 of 4,000 numbers in 4 s, 2.5 MB written, 250 numbers/s, about 12 s left";
        assert_eq!(status(1000, Some(4000)), known);
        assert_eq!(status(1000, None), "1,000 numbers in 4 s, 2.5 MB written, 250 numbers/s");
        assert_eq!(status(0, Some(9)), "0 of 9 numbers in 4 s, 2.5 MB written");
        assert_eq!(status(0, Some(1)), "one number, 4 s so far");
    }
}
