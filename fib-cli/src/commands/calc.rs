//! `fib calc`: one number.

use super::compute;
use crate::args::{CalcArgs, CalcFormat};
use crate::failure::BadInput;
use crate::format::{brief, hex};
use crate::input::quoted;
use crate::output::to_stdout;
use crate::spec::index;

pub(crate) fn run(args: &CalcArgs) -> anyhow::Result<()> {
    let n = index(&args.n).map_err(|error| {
        let expected = "expected one index in decimal digits, as in 1000";
        let known = matches!(error, crate::spec::SpecError::Malformed);
        let problem = if known { expected.into() } else { error.to_string() };
        BadInput(format!("{}: {problem}", quoted(&args.n)))
    })?;
    let (table, outcome) = compute(&args.how, (args.kernel.get)(), &[n])?;
    outcome?;
    let number = table.to_biguint(0).unwrap_or_default(); // there is one, since nothing failed
    let text = match args.format {
        CalcFormat::Dec => number.to_string(),
        CalcFormat::Hex => hex(&number),
        CalcFormat::Brief => brief(&number),
    };
    to_stdout(|out| writeln!(out, "{text}"))
}
