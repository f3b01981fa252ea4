//! `fib runner` and `fib engine`: our engine for other harnesses, and other engines for our
//! harness.

use crate::backends;
use crate::failure::{BadCells, BadInput};
use crate::measuring::own_runner;
use crate::output::to_stdout;
use fib::kernels::{CUTOFFS, KERNELS};
use fib_bench::engine::{Engine, check as check_engine, python};
use fib_engine::{NAME, Offer, end_with_parent, serve_stdio};
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Serves every backend and kernel, or becomes another engine if `command` names one.
pub(crate) fn runner(command: &[OsString]) -> anyhow::Result<()> {
    if let Some((program, arguments)) = command.split_first() {
        return become_engine(program, arguments);
    }
    let backends: Vec<_> = backends::all().collect();
    let cutoffs = CUTOFFS.iter().map(|(_, entry)| *entry);
    let kernels: Vec<_> = KERNELS.iter().copied().chain(cutoffs).collect();
    let offer = Offer { name: NAME, backends: &backends, kernels: &kernels };
    Ok(serve_stdio(offer)?)
}

/// Becomes the engine. On Linux the system kills it when the harness ends.
#[cfg(unix)]
fn become_engine(program: &OsStr, arguments: &[OsString]) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;
    end_with_parent()?;
    let error = Command::new(program).args(arguments).exec();
    Err(BadInput(format!("cannot start {}: {error}", program.display())).into())
}

#[cfg(not(unix))]
fn become_engine(program: &OsStr, arguments: &[OsString]) -> anyhow::Result<()> {
    end_with_parent()?;
    let started = Command::new(program).args(arguments).status();
    let problem = |error| BadInput(format!("cannot start {}: {error}", program.display()));
    started.map(drop).map_err(|error| problem(error).into())
}

/// The engine that an argument names. `None`, with a warning, if it is a built-in engine for which
/// this machine has no interpreter.
pub(crate) fn chosen(text: &str) -> anyhow::Result<Option<Engine>> {
    let command = if text == python::PYTHON {
        match python::command() {
            Ok(command) => command,
            Err(reason) => {
                log::warn!("the engine python is left out: {reason}");
                return Ok(None);
            }
        }
    } else {
        text.split_whitespace().map(OsString::from).collect()
    };
    let engine = Engine::ask(tied(command)?);
    Ok(Some(engine.map_err(|fault| BadInput(format!("engine {text}: {fault}")))?))
}

/// The command that has our runner become the engine, so that even an engine that hangs ends with
/// this process.
fn tied(command: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    Ok(own_runner()?.into_iter().chain(["--".into()]).chain(command).collect())
}

/// Prints which checks an engine passes and which it fails.
pub(crate) fn check(command: &[OsString]) -> anyhow::Result<()> {
    let command = match command {
        [name] if name == python::PYTHON => python::command().map_err(BadInput)?,
        command => command.to_vec(),
    };
    let command = tied(command)?;
    let mut problems = 0;
    to_stdout(|out| {
        let mut written = Ok(());
        let findings = check_engine(&command, &mut |finding| {
            let line = match &finding.problem {
                None => format!("ok    {}", finding.what),
                Some(problem) => format!("FAIL  {}: {problem}", finding.what),
            };
            if written.is_ok() {
                written = writeln!(out, "{line}").and_then(|()| out.flush());
            }
        });
        written?;
        problems = findings.iter().filter(|finding| finding.problem.is_some()).count();
        writeln!(out, "{} of {} checks passed", findings.len() - problems, findings.len())
    })?;
    if problems > 0 { Err(BadCells::Checks(problems).into()) } else { Ok(()) }
}
