//! Advice: what to do in a sentence, and what else there is as a table.

use super::numbers::{duration, ratio};
use super::style::PLAIN;
use fib_predict::{Advice, Candidate, Measurement};
use serde::Serialize;

/// The advice, and beside each prediction what was measured, if it was.
pub fn advice(advice: &Advice, measured: Option<&[Measurement]>) -> String {
    let mut heading = vec!["backend", "kernel", "workers", "chunking", "predicted", "speedup"];
    if measured.is_some() {
        heading.extend(["measured", "error"]);
    }
    let mut table = PLAIN.table(heading.into_iter().map(Into::into).collect());
    for candidate in &advice.candidates {
        let (workers, chunking) = match candidate.is_sequential() {
            true => ("-".into(), "-".into()),
            false => (candidate.workers.to_string(), candidate.chunking.to_string()),
        };
        let mut line = vec![
            candidate.backend.name.into(),
            candidate.kernel.name.into(),
            workers,
            chunking,
            duration(candidate.predicted_ns),
            ratio(advice.alone.predicted_ns / candidate.predicted_ns),
        ];
        line.extend(measured.map(|all| of(all, candidate)).map_or(vec![], |measured| {
            match measured.map(|m| &m.measured_ns) {
                Some(Ok(ns)) => {
                    let error = candidate.predicted_ns / ns - 1.0;
                    vec![duration(*ns), format!("{:+.0}%", error * 100.0)]
                }
                Some(Err(problem)) => vec![problem.clone(), "-".into()],
                None => vec!["-".into(), "-".into()],
            }
        }));
        table.add_row(line);
    }
    let notes = "Predicted is one warm batch, laid out already; speedup is over the calling thread \
                 at its best.\n";
    format!("{}\n{}\n{notes}", sentence(advice), table.trim_fmt())
}

fn of<'a>(measured: &'a [Measurement], candidate: &Candidate) -> Option<&'a Measurement> {
    let key = |c: &Candidate| (c.backend.name, c.kernel.name);
    measured.iter().find(|m| key(&m.candidate) == key(candidate))
}

fn sentence(advice: &Advice) -> String {
    let Advice { best, alone, candidates } = advice;
    let (kernel, time) = (best.kernel.name, duration(best.predicted_ns));
    if !best.is_sequential() {
        return format!(
            "{}, {} workers, kernel {kernel}, chunks {}: {time}, {} of the calling thread alone\n\
             as in: --backend {} --workers {} --kernel {kernel} --chunking {}\n",
            best.backend.name,
            best.workers,
            best.chunking,
            ratio(alone.predicted_ns / best.predicted_ns),
            best.backend.name,
            best.workers,
            best.chunking,
        );
    }
    let pool = candidates.iter().find(|candidate| !candidate.is_sequential());
    let instead = pool.map_or(String::new(), |pool| {
        format!(
            "; {}, the best of the pools, takes {}",
            pool.backend.name,
            duration(pool.predicted_ns)
        )
    });
    format!(
        "stay sequential, kernel {kernel}: {time}{instead}\n\
         as in: --backend {} --kernel {kernel}\n",
        best.backend.name
    )
}

/// A candidate; times in nanoseconds. What was not measured is null.
#[derive(Serialize)]
struct Line<'a> {
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

/// The same as JSON Lines, a line a candidate.
pub fn advice_json(advice: &Advice, measured: Option<&[Measurement]>) -> String {
    let line = |candidate: &Candidate| {
        let outcome = measured.and_then(|all| of(all, candidate)).map(|m| m.measured_ns.as_ref());
        let measured_ns = outcome.and_then(Result::ok).copied();
        let line = Line {
            best: (candidate.backend.name, candidate.kernel.name)
                == (advice.best.backend.name, advice.best.kernel.name),
            backend: candidate.backend.name,
            kernel: candidate.kernel.name,
            workers: candidate.workers.get(),
            chunking: candidate.chunking.to_string(),
            predicted_ns: candidate.predicted_ns,
            speedup: advice.alone.predicted_ns / candidate.predicted_ns,
            measured_ns,
            error: measured_ns.map(|ns| candidate.predicted_ns / ns - 1.0),
            message: outcome.and_then(Result::err).map(String::as_str),
        };
        serde_json::to_string(&line).unwrap_or_default() + "\n" // plain data
    };
    advice.candidates.iter().map(line).collect()
}
