//! The repository tests itself: the arrows between crates, the names of backends and types, README.

use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Each workspace crate with the workspace crates that it needs, except for tests and thread models.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(root()).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let ours = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let built_in = dependencies.filter(|dependency| {
            dependency["kind"] != "dev" && dependency["target"] != "cfg(shuttle)"
        });
        let names = built_in.map(name).filter(|name| name == "fib" || name.starts_with("fib-"));
        (name(package), names.collect())
    };
    metadata["packages"].as_array().unwrap().iter().map(ours).collect()
}

#[test]
fn arrows_point_one_way() {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let expected = [
        ("fib-core", set(&[])),
        ("fib-conformance", set(&["fib-core"])),
        ("fib-threads", set(&["fib-core"])),
        ("fib-crossbeam", set(&["fib-core"])),
        ("fib-rayon", set(&["fib-core"])),
        ("fib-process", set(&["fib-core"])),
        ("fib", set(&["fib-core", "fib-threads", "fib-crossbeam", "fib-rayon", "fib-process"])),
        ("fib-simulate", set(&["fib-core"])),
        ("fib-engine", set(&["fib-core"])),
        ("fib-predict", set(&["fib", "fib-engine", "fib-simulate"])),
        ("fib-report", set(&["fib-core", "fib-simulate"])),
        ("fib-page", set(&["fib-report"])),
        ("fib-bench", set(&["fib", "fib-engine", "fib-report", "fib-simulate"])),
        (
            "fib-cli",
            set(&["fib", "fib-bench", "fib-engine", "fib-page", "fib-predict", "fib-report"]),
        ),
        ("fib-ntt", set(&[])),
        ("fib-shuttle", set(&[])),
        ("fib-python", set(&["fib", "fib-predict"])),
    ];
    assert_eq!(arrows(), expected.map(|(name, arrows)| (name.to_owned(), arrows)).into());
}

/// Every Rust file of a folder, with its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

#[test]
fn the_harness_names_no_backend() {
    // Records list versions of crates, and two backends have the names of their crates.
    let crates = "fib-bench/src/machine.rs";
    let folders =
        ["fib-bench/src", "fib-bench/benches", "fib-cli/src", "fib-engine/src", "fib-simulate/src"];
    for (file, text) in folders.into_iter().flat_map(sources) {
        for backend in fib::REGISTRY.iter().filter(|entry| entry.name != "sequential") {
            let quoted = format!("\"{}\"", backend.name);
            assert!(file == crates || !text.contains(&quoted), "{file} names {quoted}");
        }
    }
}

#[test]
fn one_file_asks_for_backend_features() {
    let folders = LIBRARIES.into_iter().chain(["fib-process", "fib-ntt", "fib-cli"]);
    let all = folders.flat_map(|folder| sources(&format!("{folder}/src")));
    // `fault-injection` is for tests, and not about a backend.
    let asks = |line: &str| line.contains("feature = ") && !line.contains("fault-injection");
    let asking: Vec<_> =
        all.filter(|(_, text)| text.lines().any(asks)).map(|(file, _)| file).collect();
    assert_eq!(asking, ["fib/src/lib.rs"]);
}

/// All libraries but the five that have `unsafe` code.
const LIBRARIES: [&str; 11] = [
    "fib-conformance",
    "fib-crossbeam",
    "fib-rayon",
    "fib",
    "fib-simulate",
    "fib-engine",
    "fib-predict",
    "fib-report",
    "fib-page",
    "fib-bench",
    "fib-shuttle",
];

#[test]
fn libraries_forbid_unsafe_code() {
    for library in LIBRARIES {
        let text = fs::read_to_string(root().join(library).join("src/lib.rs")).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{library}");
    }
}

/// `unsafe` appears in few modules, whose headers say why, and every block says why it is sound.
#[test]
fn unsafe_code_is_in_few_modules_and_explained() {
    for (library, modules) in [
        (
            "fib-core",
            &[
                "fib-core/src/number/ifma/mod.rs",
                "fib-core/src/residue/dispatch.rs",
                "fib-core/src/walk/mod.rs",
            ][..],
        ),
        (
            "fib-ntt",
            &[
                "fib-ntt/src/lanes/avx2.rs",
                "fib-ntt/src/lanes/avx512.rs",
                "fib-ntt/src/processor.rs",
            ],
        ),
        ("fib-python", &["fib-python/src/buffer.rs", "fib-python/src/table.rs"]),
        ("fib-threads", &["fib-threads/src/forks.rs", "fib-threads/src/loan.rs"]),
        ("fib-process", &["fib-process/src/segment.rs"]),
        ("fib-cli", &["fib-cli/src/last_resort.rs", "fib-cli/src/stdout.rs"]),
    ] {
        let text = fs::read_to_string(root().join(library).join("src/lib.rs")).unwrap();
        assert!(text.contains("#![deny(unsafe_code)]"), "{library}");
        let mut allowing: Vec<_> = sources(&format!("{library}/src"))
            .into_iter()
            .filter(|(_, text)| text.contains("allow(unsafe_code)"))
            .collect();
        allowing.sort();
        assert_eq!(allowing.iter().map(|(file, _)| file).collect::<Vec<_>>(), modules);
        for (file, text) in &allowing {
            let lines: Vec<&str> = text.lines().collect();
            let blocks = (0..lines.len())
                .filter(|&i| lines[i].contains("unsafe {") || lines[i].contains("unsafe impl"));
            let explained =
                |i: usize| lines[i.saturating_sub(5)..i].iter().any(|l| l.contains("// SAFETY: "));
            let unexplained: Vec<_> = blocks.filter(|&i| !explained(i)).map(|i| lines[i]).collect();
            assert_eq!(unexplained, [""; 0], "{file}");
        }
    }
}

#[test]
fn readme_lists_the_registry() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("## Backends").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    for entry in fib::REGISTRY {
        let halves = match entry.forking {
            fib::Forking::Parallel => "at once",
            fib::Forking::Sequential => "in turn",
        };
        let row = format!("| `{}` | {} | {halves} |", entry.name, entry.summary);
        assert!(rows.contains(&row.as_str()), "README lacks the row\n{row}");
    }
    let all = ["crossbeam", "process", "rayon", "threads-static"];
    if all.into_iter().all(|name| fib::by_name(name).is_some()) {
        assert_eq!(rows.len(), fib::REGISTRY.len(), "README lists what is not there");
    }
}

/// Rust files of all crates, without tests.
fn all_sources() -> Vec<(String, String)> {
    let folders = LIBRARIES.into_iter().chain(["fib-process", "fib-ntt", "fib-cli"]);
    folders.flat_map(|folder| sources(&format!("{folder}/src"))).collect()
}

/// One word means one thing: a public type has a name of its own in the whole workspace.
#[test]
fn public_types_have_distinct_names() {
    let exceptions = ["Builder"]; // in `fib-shuttle` it is the one of `std::thread`
    let declaration = Regex::new(r"(?m)^pub (?:struct|enum|trait|type) (\w+)").unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in all_sources() {
        for name in declaration.captures_iter(&text).map(|captures| captures[1].to_owned()) {
            found.entry(name).or_default().push(file.clone());
        }
    }
    assert!(found.len() > 80, "the pattern finds types");
    found.retain(|name, files| files.len() > 1 && !exceptions.contains(&name.as_str()));
    assert_eq!(found, BTreeMap::new());
}

/// A file that grows longer than this hides an idea of its own.
#[test]
fn files_are_short() {
    let own = |text: &str| {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        code.lines().count()
    };
    let is_test = |file: &str| file.ends_with("/tests.rs");
    let long: Vec<(String, usize)> = all_sources()
        .into_iter()
        .filter(|(file, _)| !is_test(file))
        .map(|(file, text)| (file, own(&text)))
        .filter(|(_, lines)| *lines > 350)
        .collect();
    assert_eq!(long, []);
}

/// No crate holds more than a quarter of the code of all crates, tests aside.
#[test]
fn no_crate_is_too_large() {
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    let all = arrows().into_keys().flat_map(|library| sources(&format!("{library}/src")));
    for (file, text) in all.filter(|(file, _)| !file.ends_with("tests.rs")) {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let folder = file.split('/').next().unwrap().to_owned();
        *lines.entry(folder).or_default() += code.lines().filter(is_code).count();
    }
    let total: usize = lines.values().sum();
    let large: Vec<_> = lines.into_iter().filter(|(_, own)| own * 4 > total).collect();
    assert_eq!(large, [], "of {total}");
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The code blocks of README in this language.
fn blocks(language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let readme = readme();
    let blocks = readme.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(String::from).collect()
}

/// Every table in README is what `fib analyse` prints for a record of the repository.
#[test]
fn readme_shows_what_the_records_say() {
    let folders = fs::read_dir(root().join("records")).unwrap().map(|entry| entry.unwrap().path());
    let newest = folders.max().unwrap();
    let name = newest.file_name().unwrap().to_str().unwrap();
    assert!(readme().contains(&format!("records/{name}")), "README names {name}");
    let analyse = |file: fs::DirEntry| {
        let program = env!("CARGO_BIN_EXE_fib");
        let output = Command::new(program).arg("analyse").arg(file.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let records = fs::read_dir(newest).unwrap().map(|entry| entry.unwrap());
    let reports: Vec<String> = records.map(analyse).collect();
    let blocks = blocks("text");
    assert!(blocks.len() >= 3, "README shows its tables");
    for block in blocks {
        assert!(reports.iter().any(|report| report.contains(&block)), "no record says\n{block}");
    }
}

/// Every link to a file of the repository leads somewhere.
#[test]
fn documents_link_to_files_that_exist() {
    let link = Regex::new(r"\]\(([^)#: ]+)(?:#[^)]*)?\)").unwrap();
    let documents =
        ["README.md", "ARCHITECTURE.md", "METHODOLOGY.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let documents = documents.into_iter().chain(["docs/engines.md"]);
    let mut links = 0;
    for document in documents {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        for target in link.captures_iter(&text) {
            let file = path.parent().unwrap().join(&target[1]);
            assert!(file.exists(), "{document} links to {}", &target[1]);
            links += 1;
        }
    }
    assert!(links > 20, "the pattern finds links");
}

/// Everything in `docs/` can be found from README.
#[test]
fn readme_links_to_all_documents() {
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(readme().contains(&format!("docs/{name}")), "README does not name docs/{name}");
    }
}

/// The minimum Rust version that README names is the one that Cargo checks.
#[test]
fn readme_states_the_rust_version() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(readme().contains(&format!("Rust {version}")), "README does not say Rust {version}");
}
