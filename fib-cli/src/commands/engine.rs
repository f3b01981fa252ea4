//! `fib runner` and `fib engine`: batches for other programs, and programs for batches.

use crate::failure::{BadCells, BadInput};
use crate::output::to_stdout;
use fib_bench::engine::{
    Engine, NAME, Offer, check as checks, end_with_parent, python, serve_stdio,
};
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Serves every backend and kernel there is, or becomes another engine.
pub(crate) fn runner(other: &[OsString]) -> anyhow::Result<()> {
    if let Some((program, arguments)) = other.split_first() {
        return become_engine(program, arguments);
    }
    let backends: Vec<_> = fib_predict::choices().copied().collect();
    let offer = Offer { name: NAME, backends: &backends, kernels: fib::kernels::KERNELS };
    Ok(serve_stdio(offer)?)
}

/// An engine that does not know that it must end with its harness is made to.
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

/// How this program is started as a runner.
pub(crate) fn own_runner() -> anyhow::Result<Vec<OsString>> {
    Ok(vec![std::env::current_exe()?.into(), "runner".into()])
}

/// The engine that an argument names; `None`, with a warning, if it is one we bring along for which
/// this machine has no interpreter.
pub(crate) fn chosen(text: &str) -> anyhow::Result<Option<Engine>> {
    let command = if text == python::NAME {
        match python::command() {
            Ok(command) => command,
            Err(reason) => {
                log::warn!("without the engine python: {reason}");
                return Ok(None);
            }
        }
    } else {
        text.split_whitespace().map(OsString::from).collect()
    };
    let engine = Engine::ask(command);
    let engine = engine.map_err(|fault| BadInput(format!("engine {text}: {fault}")))?;
    // From now on it may hang, and must end with this process all the same.
    let tied = own_runner()?.into_iter().chain(["--".into()]).chain(engine.command);
    Ok(Some(Engine { command: tied.collect(), ..engine }))
}

/// Tells what an engine does and does not do.
pub(crate) fn check(command: &[OsString]) -> anyhow::Result<()> {
    let command = match command {
        [name] if name == python::NAME => python::command().map_err(BadInput)?,
        command => command.to_vec(),
    };
    let mut problems = 0;
    to_stdout(|out| {
        let mut written = Ok(());
        let findings = checks(&command, &mut |finding| {
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
        writeln!(out, "{} of {} hold", findings.len() - problems, findings.len())
    })?;
    if problems > 0 { Err(BadCells::Checks(problems).into()) } else { Ok(()) }
}
