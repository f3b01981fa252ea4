//! `fib advise`: recommends how to compute a batch, without running it.

use crate::advice;
use crate::args::{AdviseArgs, AdviseFormat, ColorChoice};
use crate::diagnostics::say;
use crate::output::{page, to_stdout};
use fib::Order;
use fib::kernels::unlimited;
use fib_bench::is_debug_build;
use fib_predict::{Calibration, Source, advise, calibration, check, recalibrate};
use std::time::Duration;

/// The time budget of `--check`. A candidate that is predicted to take longer is left out, and each
/// of the others runs at least once.
const CHECK_TIME: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &AdviseArgs, quiet: bool) -> anyhow::Result<()> {
    let memory = args.max_memory.unwrap_or_default().fixed();
    let kernels = match args.kernel {
        Some(kernel) => vec![*kernel],
        None => unlimited().copied().collect(),
    };
    let order = if kernels.iter().any(|k| (k.get)().order() == Order::Ascending) {
        Order::Ascending
    } else {
        Order::AsGiven
    };
    let indices = args.specs.wanted(memory, order)?;
    if is_debug_build() {
        log::warn!("this is a debug build (no --release), so its times mean nothing");
    }
    let (calibration, source) = calibrated(args.calibrate)?;
    if !quiet {
        let disturbed =
            if calibration.is_disturbed() { ", while another program was running" } else { "" };
        say(&format!("{}{disturbed}", origin(&source)));
    }
    let workers = args.workers.unwrap_or_else(|| fib::Settings::default().workers);
    let advice = advise(&indices, &kernels, workers, memory, &calibration)?;
    let measured = match args.check {
        true => Some(check(&advice.candidates, &indices, memory, CHECK_TIME)?),
        false => None,
    };
    let text = match args.format {
        AdviseFormat::Table => advice::text(&advice, measured.as_deref(), page(ColorChoice::Never)),
        AdviseFormat::Json => advice::json(&advice, measured.as_deref()),
    };
    to_stdout(|out| out.write_all(text.as_bytes()))
}

fn calibrated(again: bool) -> anyhow::Result<(Calibration, Source)> {
    Ok(if again { recalibrate()? } else { calibration()?.clone() })
}

fn origin(source: &Source) -> String {
    match source {
        Source::Measured(elapsed) => format!("calibrated in {:.1} s", elapsed.as_secs_f64()),
        Source::Kept(file, time) => {
            let hours = time.elapsed().unwrap_or_default().as_secs() / 3600;
            let age = match hours {
                0 => "within the last hour".into(),
                1..48 => format!("{hours} hours ago"),
                _ => format!("{} days ago", hours / 24),
            };
            format!("calibrated {age} ({}; --calibrate repeats it)", file.display())
        }
    }
}
