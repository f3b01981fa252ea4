//! `fib report`: pages and charts from records.

use crate::records::{COMPARE, fib};
use crate::support::text;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The record files of a folder, in the order of their names.
fn records_of(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = files.map(|file| file.to_str().unwrap().to_owned()).collect();
    files.sort();
    files
}

/// The newest folder of committed records.
fn newest() -> PathBuf {
    fs::read_dir(root().join("records")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap()
}

fn page_of(records: &[String]) -> String {
    let arguments: Vec<&str> = ["report"].into_iter().chain(records.iter().map(|r| &**r)).collect();
    let output = fib(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

#[test]
fn committed_records_are_pages_below_a_megabyte() {
    for folder in fs::read_dir(root().join("records")).unwrap() {
        let records = records_of(&folder.unwrap().path());
        let all = page_of(&records);
        assert!(all.contains("id=\"matrix\"") && all.contains("id=\"speedups\""));
        for page in records.iter().map(|record| page_of(std::slice::from_ref(record))).chain([all])
        {
            assert!(page.len() < 1_000_000, "{}", page.len());
            assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
        }
    }
}

#[test]
fn a_comparison_writes_the_page_that_its_record_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (record, page, again) = (path("record"), path("page.html"), path("again.html"));
    let arguments = [&COMPARE[..], &["csv", "--record", &record, "--report", &page]].concat();
    let output = fib(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = fib(&["report", &record, "--out", &again]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stderr));
    assert_eq!(fs::read(&page).unwrap(), fs::read(&again).unwrap());
}

#[test]
fn what_is_no_record_gives_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let file = folder.path().join("file");
    let good = fs::read_to_string(newest().join("chunking.jsonl")).unwrap();
    let newer = good.replacen("\"schema_version\":4", "\"schema_version\":99", 1);
    let corrupt = good.replacen("\"kind\":\"sample\"", "\"kind\":\"surprise\"", 1);
    for content in ["", "hello\n", &newer, &corrupt] {
        fs::write(&file, content).unwrap();
        let output = fib(&["report", file.to_str().unwrap(), "-o", page.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let error = text(&output.stderr);
        assert!(error.starts_with(&format!("error: {}: line ", file.display())), "{error}");
        assert!(!page.exists());
    }
}

#[test]
fn text_of_a_record_does_not_become_part_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    let record = fs::read_to_string(newest().join("chunking.jsonl")).unwrap();
    let evil = "<script>alert(1)</script>\\u001b[2J";
    fs::write(&file, record.replace("range-2000", evil).replace("AMD EPYC", evil)).unwrap();
    let page = page_of(&[file.to_str().unwrap().to_owned()]);
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u001b[2J"));
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_before_the_measurement() {
    let output = fib(&["compare", "--time", "60", "--report", "/nowhere/at/all.html"]);
    assert_eq!(output.status.code(), Some(5));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: cannot write /nowhere/at/all.html: "), "{error}");
}

/// `SNAPSHOTS=overwrite cargo test -p fib-cli --test it report` writes the charts again.
#[test]
fn charts_in_the_documentation_are_those_of_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let records = ["matrix", "model"].map(|name| newest().join(format!("{name}.jsonl")));
    let [matrix, model] = records.map(|path| path.to_str().unwrap().to_owned());
    let output = fib(&["report", &matrix, &model, "--svg", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let committed = root().join("docs/charts");
    for entry in fs::read_dir(&committed).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        let drawn = fs::read_to_string(folder.path().join(name)).unwrap();
        if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
            fs::write(&file, &drawn).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), drawn, "{name}");
        assert!(readme.contains(&format!("docs/charts/{name}")), "README does not show {name}");
    }
}
