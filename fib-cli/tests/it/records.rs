//! Records: they follow the schema, give the same report again, and can be added to.

use crate::support::text;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

pub(crate) fn fib(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fib")).args(arguments).output().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) const COMPARE: [&str; 7] =
    ["compare", "--scenario", "10xF100,100xF1000", "--time", "0.3", "--explain", "--format"];

const LABEL: [&str; 2] = ["--label", "room 12, seat 7"];

/// A comparison of every backend, recorded; what it printed.
pub(crate) fn recorded(file: &Path, format: &str) -> String {
    let arguments = [&COMPARE[..], &[format, "--record", file.to_str().unwrap()]].concat();
    let output = fib(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

#[test]
fn every_format_is_printed_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["table", "markdown", "csv", "json"] {
        let file = folder.path().join(format);
        let printed = recorded(&file, format);
        let again = fib(&["analyse", file.to_str().unwrap(), "--format", format]);
        assert_eq!(text(&again.stdout), printed);
    }
}

fn schema() -> jsonschema::Validator {
    validator("docs/records.schema.json")
}

/// The schema of what `fib analyse --format json` prints.
fn analysis_schema() -> jsonschema::Validator {
    validator("docs/analysis.schema.json")
}

fn validator(file: &str) -> jsonschema::Validator {
    let schema = fs::read_to_string(root().join(file)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

/// Every record file of the repository.
fn committed() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("records")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

fn assert_follows(schema: &jsonschema::Validator, file: &Path) {
    assert_lines_follow(schema, &fs::read_to_string(file).unwrap(), file);
}

fn assert_lines_follow(schema: &jsonschema::Validator, lines: &str, file: &Path) {
    for (line, number) in lines.lines().zip(1..) {
        let value: Value = serde_json::from_str(line).unwrap();
        let problem = schema.validate(&value).err().map(|error| error.to_string());
        assert_eq!(problem, None, "{} line {number}: {line}", file.display());
    }
}

#[test]
fn every_report_in_json_follows_its_schema() {
    let schema = analysis_schema();
    let mut kinds = BTreeSet::new();
    for file in committed() {
        let output = fib(&["analyse", file.to_str().unwrap(), "--format", "json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lines = text(&output.stdout);
        assert_lines_follow(&schema, lines, &file);
        let kind = |line| serde_json::from_str::<Value>(line).unwrap()["kind"].to_string();
        kinds.extend(lines.lines().map(kind));
    }
    for kind in ["header", "cell", "scenario", "model", "prediction-errors", "race"] {
        assert!(kinds.contains(&format!("\"{kind}\"")), "{kind}: {kinds:?}");
    }
    for wrong in [r#"{"kind":"cell","surprise":1}"#, r#"{"kind":"surprise"}"#] {
        assert!(!schema.is_valid(&serde_json::from_str(wrong).unwrap()), "{wrong}");
    }
}

#[test]
fn every_record_follows_the_schema() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    recorded(&new, "csv");
    let resume = [&COMPARE[..], &["csv", "--resume", new.to_str().unwrap()]].concat();
    assert!(fib(&resume).status.success());
    let committed = committed();
    assert!(committed.len() >= 3);
    for file in [new].into_iter().chain(committed) {
        assert_follows(&schema, &file);
    }
    let unknown = serde_json::json!({ "kind": "sample", "surprise": 1 });
    assert!(!schema.is_valid(&unknown));
}

#[test]
fn rounds_are_added_to_a_record_of_the_same_settings_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    recorded(&file, "csv");
    let before = fs::read(&file).unwrap();
    // As after a crash: the last line is half there.
    fs::write(&file, &before[..before.len() - 9]).unwrap();
    let path = file.to_str().unwrap();
    let output = fib(&[&COMPARE[..], &["json", "--resume", path]].concat());
    let warning = format!("warning: {path}: the last line is incomplete and was left out");
    assert_eq!(text(&output.stderr).lines().find(|line| line.contains(path)), Some(&*warning));
    let after = fs::read(&file).unwrap();
    let whole = before[..before.len() - 9].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    assert_eq!(after[..whole], before[..whole]);
    assert!(after.len() > before.len() * 3 / 2);
    let rounds = |text: &str| {
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let lines: Vec<Value> = text.lines().map(parse).collect();
        lines
            .iter()
            .filter(|line| line["kind"] == "scenario")
            .map(|line| line["rounds"].as_u64().unwrap())
            .min()
    };
    let alone = folder.path().join("alone");
    let fewest = rounds(&recorded(&alone, "json")).unwrap();
    assert!(rounds(text(&output.stdout)).unwrap() > fewest, "{fewest}");
    let other = fib(&["compare", "--scenario", "10xF100", "--time", "0.3", "--resume", path]);
    assert_eq!(other.status.code(), Some(2));
    let error = text(&other.stderr).lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.starts_with(&format!("error: {path} cannot be resumed: ")), "{error}");
    assert_eq!(fs::read(&file).unwrap(), after);
}

#[test]
fn what_is_no_record_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for (content, problem) in [
        (&b"hello\n"[..], "line 1: this is not a record of fib"),
        (b"", "line 1: this is not a record of fib"),
        (b"\xff\xfe\n", "line 1: this is not a record of fib"),
        (
            b"{\"kind\":\"header\",\"schema_version\":99}\n",
            "line 1: the record has format version 99",
        ),
    ] {
        fs::write(&file, content).unwrap();
        let output = fib(&["analyse", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let start = format!("error: {}: {problem}", file.display());
        assert!(text(&output.stderr).starts_with(&start), "{}", text(&output.stderr));
    }
    let output = fib(&["analyse", "/no/such/record"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_study_is_printed_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let backend = fib::default_backend().name;
    let schema = schema();
    for (study, title, result) in [
        (&["sweep", "granularity"][..], "METG", "granularity"),
        (&["sweep", "break-even"], "16 items", "break-even"),
        (&["sweep", "scaling"], "Gustafson", "scaling"),
        (&["sweep", "chunking"], "speedup by chunking", "chunking"),
        (&["sweep", "forks"], "What a fork costs", "forks"),
        (&["model", "10x100", "0..500"], "upper bound", "model"),
    ] {
        let file = folder.path().join(study[1]);
        let path = file.to_str().unwrap();
        let output =
            fib(&[study, &LABEL, &["--backend", backend, "--time", "0.1", "--record", path][..]]
                .concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        let wanted = [title, backend, "label: room 12, seat 7\n"];
        assert!(wanted.iter().all(|wanted| printed.contains(wanted)), "{printed}");
        assert_eq!(text(&fib(&["analyse", path]).stdout), printed);
        assert_follows(&schema, &file);
        let json = fib(&["analyse", path, "--format", "json"]);
        assert_lines_follow(&analysis_schema(), text(&json.stdout), &file);
        let lines = text(&json.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        let found = lines.filter(|line: &Value| line["kind"] == result).collect::<Vec<_>>();
        assert!(!found.is_empty(), "{}", text(&json.stdout));
        assert!(found.iter().any(|line| line.to_string().contains(backend)), "{found:?}");
    }
}

#[test]
fn a_race_and_residues_are_printed_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, schema) = (fib::default_backend().name, schema());
    let race = ["race", "--seconds", "0.1", "--workers", "2", "--backend", backend, "--record"];
    let residues = ["compare", "--residues", "--time", "0.1", "--backend", backend, "--record"];
    let label = "label: room 12, seat 7\n";
    let wanted = ["largest-text", "python/loop", "iterative", "lanes", "in time", label];
    let wanted_of_residues =
        ["sequential@lanes", "ceiling of lanes", "@scalar", "mod-prime", label];
    for (name, command, wanted) in
        [("race", &race[..], &wanted[..]), ("residues", &residues, &wanted_of_residues)]
    {
        let file = folder.path().join(name);
        let path = file.to_str().unwrap();
        let output = fib(&[command, &[path], &LABEL].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        assert!(wanted.iter().all(|wanted| printed.contains(wanted)), "{printed}");
        assert_eq!(text(&fib(&["analyse", path]).stdout), printed);
        assert_follows(&schema, &file);
    }
    // What a race says that it found is in time, and the numbers were checked.
    let json = fib(&["analyse", folder.path().join("race").to_str().unwrap(), "--format", "json"]);
    let lines = text(&json.stdout).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<Value> = lines.filter(|line| line["kind"] == "race").collect();
    assert!(found.len() >= 10 && found.iter().all(|line| line["status"] == "ok"), "{found:?}");
    assert!(found.iter().all(|line| line["wall_ns"].as_u64().is_none_or(|ns| ns <= 100_000_000)));
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_interrupted_shows_and_keeps_what_there_was() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record");
        let path = file.to_str().unwrap();
        let compare = ["compare", "--scenario", "10xF100", "--time", "1000", "--record", path];
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
        let compare = command.args(compare).stdout(Stdio::piped()).stderr(Stdio::piped());
        let compare = compare.spawn().unwrap();
        while fs::read_to_string(&file).unwrap_or_default().lines().count() < 50 {
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_child(&compare), signal).unwrap();
        let output = compare.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let said = text(&output.stderr).lines().last();
        assert_eq!(said, Some("interrupted: this report covers the rounds so far"));
        assert_eq!(fib(&["analyse", path]).stdout, output.stdout);
        assert!(text(&output.stdout).contains("10xF100"));
    }
}

/// `fib analyse --timelines` draws every backend of the record, and JSON has every chunk.
#[test]
fn recorded_runs_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    recorded(&file, "csv");
    let path = file.to_str().unwrap();
    let drawn = fib(&["analyse", path, "--timelines", "--ascii"]);
    let drawn = text(&drawn.stdout);
    assert!(drawn.is_ascii() && drawn.lines().all(|line| line.len() <= 80), "{drawn}");
    let json = fib(&["analyse", path, "--timelines", "--format", "json"]);
    let lines = text(&json.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let parallel = fib::REGISTRY.iter().filter(|entry| entry.name != "sequential");
    for scenario in ["10xF100", "100xF1000"] {
        assert!(drawn.contains(&format!("{scenario}: one run of each backend\n")), "{drawn}");
        for backend in parallel.clone() {
            let run = |line: &&Value| {
                (&line["scenario"], &line["backend"]) == (&scenario.into(), &backend.name.into())
            };
            let found: Vec<_> = lines.iter().filter(run).collect();
            assert_eq!(found.len(), 1, "{}", backend.name);
            let chunks = found[0]["chunks"].as_array().unwrap();
            assert!(
                chunks.iter().all(|chunk| chunk["end_ns"].as_u64() <= found[0]["wall_ns"].as_u64())
            );
            assert!(drawn.contains(&format!("\n{}, ", backend.name)), "{drawn}");
        }
    }
    // Older records have none.
    let old = root().join("records/2026-11-24-amd-epyc-2/matrix.jsonl");
    let output = fib(&["analyse", old.to_str().unwrap(), "--timelines"]);
    assert_eq!(output.status.code(), Some(2));
    let problem =
        "the record has no timelines; `fib compare --explain --record FILE` records them\n";
    assert!(text(&output.stderr).ends_with(problem));
}

/// Two committed records of one scenario list, and records that measure other things.
#[test]
fn two_records_are_compared_cell_by_cell() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    recorded(&old, "csv");
    recorded(&new, "csv");
    let paths = [old.to_str().unwrap(), new.to_str().unwrap()];
    let table = fib(&[&["analyse"], &paths[..]].concat());
    let printed = text(&table.stdout);
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(
        printed
            .starts_with(&format!("old: {}: fib ", paths[0]).chars().take(60).collect::<String>())
    );
    let cells = 2 * (fib::REGISTRY.len() - 1);
    assert!(printed.contains(&format!("Of {cells} cells, ")), "{printed}");
    let json = fib(&[&["analyse"], &paths[..], &["--format", "json"]].concat());
    let lines: Vec<Value> =
        text(&json.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), cells);
    for line in &lines {
        let ratio = line["new_speedup"]["median"].as_f64().unwrap()
            / line["old_speedup"]["median"].as_f64().unwrap();
        assert!((line["change"]["median"].as_f64().unwrap() / ratio - 1.0).abs() < 1e-9, "{line}");
        assert!(line["verdict"].is_string(), "{line}");
    }
    let csv = fib(&[&["analyse"], &paths[..], &["--format", "csv"]].concat());
    assert_eq!(text(&csv.stdout).lines().count(), cells + 1);
    let other = root().join("records/2026-11-26-amd-epyc-2/model.jsonl");
    let refused = fib(&["analyse", paths[0], other.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let last = text(&refused.stderr).lines().last().unwrap();
    assert!(last.ends_with(": the records are of different studies"), "{last}");
}
