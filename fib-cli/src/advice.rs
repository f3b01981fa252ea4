//! Prints advice as text and as JSON Lines: a recommendation, and the candidates that it was chosen
//! from.

use fib_predict::{Advice, Candidate, Measurement};
use fib_report::{Page, duration, ratio, table};
use serde::Serialize;

/// The recommendation and the table of candidates, with the measurement of each candidate, if any.
pub(crate) fn text(advice: &Advice, measured: Option<&[Measurement]>, page: Page) -> String {
    let mut heading = vec!["backend", "kernel", "workers", "chunking", "predicted", "speedup"];
    if measured.is_some() {
        heading.extend(["measured", "error"]);
    }
    let rows = advice.candidates.iter().map(|candidate| row(advice, candidate, measured));
    let mut notes = String::from(
        "Each backend is listed with the recommended kernel, and each other kernel once, on its \
         fastest backend. The times are those of a program that keeps its pool: one batch, laid out \
         already, right after another. The speedup is over the fastest kernel on one thread.",
    );
    if let Some(runs) = measured.and_then(|all| all.iter().map(|each| each.runs).max()) {
        notes += &format!(
            " The measured times are medians of up to {runs} runs, taken in turn. An error above 0% \
             means that the predicted time was too long."
        );
    }
    if advice.candidates.iter().any(|candidate| candidate.kernel.name != advice.best.kernel.name) {
        notes += " All kernels give the same numbers, so `advise` may choose the kernel; `fib \
                  compare` keeps one kernel and compares only backends.";
    }
    let title = match measured.and_then(Advice::measured) {
        Some(by_times) => recommendation("Recommended, as measured", &by_times),
        None => recommendation("Recommended, as predicted", advice),
    };
    table(&title, &heading, rows.collect(), &notes, page)
}

fn row(advice: &Advice, candidate: &Candidate, measured: Option<&[Measurement]>) -> Vec<String> {
    let (workers, chunking) = match candidate.is_sequential() {
        true => ("1".into(), "any".into()),
        false => (candidate.workers.to_string(), candidate.chunking.to_string()),
    };
    let mut row = vec![
        candidate.backend.name.into(),
        candidate.kernel.name.into(),
        workers,
        chunking,
        duration(candidate.time_ns),
        ratio(advice.alone.time_ns / candidate.time_ns),
    ];
    if let Some(measured) = measured {
        row.extend(match measurement(measured, candidate).map(|m| &m.measured_ns) {
            Some(Ok(ns)) => {
                let error = candidate.time_ns / ns - 1.0;
                [duration(*ns), format!("{:+.0}%", error * 100.0)]
            }
            Some(Err(problem)) => [problem.clone(), String::new()],
            None => ["too slow to check".into(), String::new()],
        });
    }
    row
}

fn measurement<'a>(all: &'a [Measurement], candidate: &Candidate) -> Option<&'a Measurement> {
    let key = |c: &Candidate| (c.backend.name, c.kernel.name);
    all.iter().find(|m| key(&m.candidate) == key(candidate))
}

fn recommendation(recommended: &str, advice: &Advice) -> String {
    let Advice { best, alone, candidates } = advice;
    let (backend, kernel) = (best.backend.name, best.kernel.name);
    let time = duration(best.time_ns);
    if !best.is_sequential() {
        let speedup = ratio(alone.time_ns / best.time_ns);
        let (workers, chunking) = (best.workers, best.chunking);
        return format!(
            "{recommended}: {backend} with {workers} workers, kernel {kernel}, chunking {chunking}: \
             {time}, {speedup} over one thread.\n  \
             --backend {backend} --workers {workers} --kernel {kernel} --chunking {chunking}\n"
        );
    }
    let pool = candidates.iter().find(|candidate| !candidate.is_sequential());
    let pool = pool.map_or(String::new(), |pool| {
        let (name, kernel) = (pool.backend.name, pool.kernel.name);
        format!(" The fastest pool, {name} with {kernel}, takes {}.", duration(pool.time_ns))
    });
    format!(
        "{recommended}: one thread, kernel {kernel}: {time}.{pool}\n  \
         --backend {backend} --kernel {kernel}\n"
    )
}

/// A candidate. Times are in nanoseconds; what was not measured is null. `best` goes by the measured
/// times, if there are any.
#[derive(Serialize)]
struct CandidateLine<'a> {
    best: bool,
    backend: &'a str,
    kernel: &'a str,
    workers: usize,
    chunking: String,
    predicted_ns: f64,
    speedup: f64,
    measured_ns: Option<f64>,
    error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// One line for each candidate.
pub(crate) fn json(advice: &Advice, measured: Option<&[Measurement]>) -> String {
    let by_times = measured.and_then(Advice::measured);
    let best = by_times.as_ref().unwrap_or(advice).best;
    let line = |candidate: &Candidate| {
        let outcome = measured.and_then(|all| measurement(all, candidate));
        let outcome = outcome.map(|measurement| measurement.measured_ns.as_ref());
        let measured_ns = outcome.and_then(Result::ok).copied();
        let line = CandidateLine {
            best: (candidate.backend.name, candidate.kernel.name)
                == (best.backend.name, best.kernel.name),
            backend: candidate.backend.name,
            kernel: candidate.kernel.name,
            workers: candidate.workers.get(),
            chunking: candidate.chunking.to_string(),
            predicted_ns: candidate.time_ns,
            speedup: advice.alone.time_ns / candidate.time_ns,
            measured_ns,
            error: measured_ns.map(|ns| candidate.time_ns / ns - 1.0),
            message: outcome.and_then(Result::err).map(String::as_str),
        };
        serde_json::to_string(&line).unwrap_or_default() + "\n" // plain data
    };
    advice.candidates.iter().map(line).collect()
}
