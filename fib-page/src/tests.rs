//! The pages of literal records.

use super::*;
use fib_core::{Chunking, Scheduling};
use fib_report::{
    BREAK_EVEN_BATCH, BackendHead, BaselineCell, Header, MARGIN, Machine, Role, SCHEMA_VERSION,
    STRONG, Sample, ScenarioHead, Status, Study, analyse,
};
use fib_simulate::{ChunkTrace, PauseTrace, WorkerTrace};
use std::collections::BTreeMap;

fn header(backends: &[&str], workers: &[usize]) -> Header {
    let head = |label: &&str| BackendHead {
        label: (*label).into(),
        name: (*label).into(),
        scheduling: Scheduling::Dynamic,
        chunking: Chunking::default(),
        forks_in_turn: false,
    };
    let machine = Machine {
        cpu: "Test CPU".into(),
        logical_cpus: 2,
        os: "Test OS".into(),
        kernel: "1.0".into(),
        arch: "x86_64".into(),
        load_1min: Some(0.0),
    };
    let scenario = ScenarioHead {
        name: "batch".into(),
        summary: "a batch".into(),
        items: 1000,
        modulus: None,
        index: None,
        workers: None,
        indices: None,
        best_shares: true,
        cells_share: false,
    };
    Header {
        schema_version: SCHEMA_VERSION,
        version: "0.1.0".into(),
        command: "fib compare".into(),
        started_unix_s: 0,
        machine,
        host: None,
        label: None,
        cores: 2,
        compiler: "rustc".into(),
        flags: "none".into(),
        crates: BTreeMap::new(),
        seed: 1,
        kernel: "iterative".into(),
        kernels: BTreeMap::new(),
        pin: false,
        budget_s: 1.0,
        margin: MARGIN,
        backends: backends.iter().map(head).collect(),
        workers: workers.to_vec(),
        scenarios: vec![scenario],
        comparisons: backends.len() * workers.len(),
        study: Study::Compare,
        baseline: BaselineCell::default(),
        engines: vec![],
        width: None,
        explain: false,
        limit_s: None,
    }
}

fn sample(role: Role, backend: &str, workers: usize, round: usize, us: f64) -> Sample {
    Sample {
        scenario: "batch".into(),
        round,
        repeats: 2,
        ..Sample::new(role, backend, workers, (us * 2000.0) as u64)
    }
}

/// Twenty rounds with these cells, beside a baseline of 1000 us whose two copies together take 1250 us.
fn rounds(cells: &[(&str, usize, f64)]) -> Vec<Sample> {
    let one_round = |round: usize| {
        let jitter = 1.0 + 0.01 * ((round % 3) as f64 - 1.0); // -1, 0, +1 %
        let controls = [
            sample(Role::Baseline, "sequential", 1, round, 1000.0),
            sample(Role::Control, "sequential", 1, round, 1000.0 * jitter),
            sample(Role::Best, "sequential", 1, round, 10.0),
            sample(Role::Ceiling, "copies", 2, round, 1250.0),
        ];
        let cells = cells
            .iter()
            .map(move |&(name, workers, us)| sample(Role::Cell, name, workers, round, us));
        controls.into_iter().chain(cells).collect::<Vec<_>>()
    };
    (0..20).flat_map(one_round).collect()
}

const CELLS: [(&str, usize, f64); 3] =
    [("quick", 2, 640.0), ("same", 2, 1003.0), ("slow", 2, 1900.0)];

fn small() -> Analysis {
    analyse(header(&["quick", "same", "slow"], &[2]), &rounds(&CELLS))
}

/// The values of an attribute, in the order of the page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(&*start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What holds for every page.
fn check(page: &str) {
    for address in ["src=", "href=\"http", "@import", "url(", "<link", "<img"] {
        assert!(!page.contains(address), "the page would fetch: {address}");
    }
    assert!(!page.contains("FEED"), "a colour has no class");
    assert!(!page.contains("NaN"), "a number is none");
    let ids = values(page, "id");
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "an id occurs twice: {ids:?}");
    let anchors = values(page, "href").into_iter().map(|link| link.strip_prefix('#').unwrap());
    let labels = values(page, "aria-labelledby").into_iter().flat_map(|names| names.split(' '));
    for id in anchors.chain(labels).chain(values(page, "for")) {
        assert!(distinct.contains(&id), "nothing has the id {id}");
    }
    for tag in
        ["main", "section", "figure", "table", "tr", "svg", "details", "div", "p", "dl", "td", "th"]
    {
        let opened =
            page.matches(&format!("<{tag} ")).count() + page.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let levels: Vec<u8> = page.split("<h").skip(1).map(|rest| rest.as_bytes()[0]).collect();
    let levels: Vec<u8> =
        levels.into_iter().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    assert_eq!(levels.first(), Some(&1));
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn the_same_analysis_gives_the_same_bytes() {
    let page = html(&[small()]);
    check(&page);
    assert_eq!(page, html(&[small()]));
}

#[test]
fn each_cell_leads_to_its_details_and_shows_its_verdict() {
    let page = html(&[small()]);
    assert!(
        page.contains("<td class=\"h-faster4\"><a href=\"#cell-0-0-0\"><b>1.56x</b>"),
        "{page}"
    );
    assert!(page.contains("<tr id=\"cell-0-0-0\"><th scope=\"row\">quick</th>"));
    assert!(page.contains(
        "<td class=\"h-equal\"><a href=\"#cell-0-0-1\"><b>1.00x</b> <small>equal ±1%</small>"
    ));
    assert!(page.contains("<td class=\"h-slower2\"><a href=\"#cell-0-0-2\"><b>0.53x</b>"));
}

/// Two batches: on the first, one backend is faster than one thread, and on the second none is.
fn two_batches() -> Analysis {
    let mut head = header(&["quick", "same", "slow"], &[2]);
    head.scenarios.push(ScenarioHead { name: "tiny".into(), ..head.scenarios[0].clone() });
    let tiny = rounds(&[("quick", 2, 4000.0), ("same", 2, 4000.0), ("slow", 2, 4000.0)]);
    let tiny = tiny.into_iter().map(|sample| Sample { scenario: "tiny".into(), ..sample });
    analyse(head, &rounds(&CELLS).into_iter().chain(tiny).collect::<Vec<_>>())
}

#[test]
fn the_first_screen_answers_in_three_sentences() {
    let page = html(&[two_batches()]);
    check(&page);
    let answer = page.split("<ul class=\"answer\">").nth(1).unwrap().split("</ul>").next().unwrap();
    assert_eq!(answer.matches("<li>").count(), 3);
    for sentence in [
        "Parallel backends beat one thread on 1 of 2 batches: quick leads on 1 (up to 1.56x).",
        "It was not worth it on tiny: there, every backend is slower than one thread.",
        "A better algorithm (stepping) on one core was 100x as fast as the baseline, and faster than every parallel \
         backend on 2 of 2 batches.",
    ] {
        assert!(answer.contains(sentence), "{sentence} {answer}");
    }
    assert!(page.contains("Verdicts of 6 cells: 1 faster, 4 slower, 1 equal, 0 unresolved."));
}

#[test]
fn the_widest_comparison_answers_first_and_the_others_follow() {
    let page = html(&[small(), two_batches()]);
    check(&page);
    assert!(page.contains("<li>Parallel backends beat one thread on 1 of 2 batches"));
    assert!(page.contains("<li>Record 1: batch: quick is fastest: 1.56x"), "{page}");
    assert_eq!(page.matches("<p class=\"from\">Record 1: <code>fib compare</code></p>").count(), 2);
}

#[test]
fn a_cell_that_failed_is_grey_and_gives_its_reason() {
    let mut samples = rounds(&CELLS);
    let liar = samples.iter_mut().find(|sample| sample.backend == "slow").unwrap();
    (liar.status, liar.message) = (Status::Wrong, Some("the result of F(7) is wrong".into()));
    let page = html(&[analyse(header(&["quick", "same", "slow"], &[2]), &samples)]);
    check(&page);
    assert!(page.contains("<td class=\"h-failed\"><a href=\"#cell-0-0-2\"><b>WRONG</b>"), "{page}");
    assert!(page.contains("<p>slow: the result of F(7) is wrong</p>"));
}

#[test]
fn too_few_rounds_are_unresolved_and_not_slower() {
    let samples: Vec<Sample> = rounds(&CELLS).into_iter().filter(|s| s.round < 5).collect();
    let page = html(&[analyse(header(&["quick", "same", "slow"], &[2]), &samples)]);
    check(&page);
    assert_eq!(page.matches("<td class=\"h-unresolved\">").count(), 3);
}

#[test]
fn text_of_a_record_is_text() {
    let evil = "<script>alert(1)</script>\u{1b}[2J\u{202e}\"'&";
    let mut head = header(&[evil], &[2]);
    (head.label, head.command) = (Some(evil.into()), evil.into());
    (head.machine.cpu, head.machine.os, head.compiler) = (evil.into(), evil.into(), evil.into());
    (head.scenarios[0].name, head.scenarios[0].summary) = (evil.into(), evil.into());
    let mut samples = rounds(&[(evil, 2, 640.0)]);
    for sample in &mut samples {
        sample.scenario = evil.into();
    }
    let failed = Sample { status: Status::Crash, message: Some(evil.into()), ..samples[5].clone() };
    for samples in [samples.clone(), [samples, vec![failed]].concat()] {
        let analysis = analyse(head.clone(), &samples);
        let page = html(std::slice::from_ref(&analysis));
        check(&page);
        assert!(
            !page.contains("<script>alert")
                && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u001b[2J")
        );
        assert!(!page.contains(|c: char| c != '\n' && fib_report::is_hidden(c)));
        for file in chart_files(&[analysis]) {
            assert!(
                !file.svg.contains("<script")
                    && !file.svg.contains(|c: char| c != '\n' && fib_report::is_hidden(c))
            );
            assert!(
                file.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                file.name
            );
        }
    }
}

#[test]
fn an_empty_record_gives_a_page() {
    check(&html(&[analyse(header(&["quick"], &[2]), &[])]));
    check(&html(&[]));
    for study in [
        Study::Granularity,
        Study::BreakEven,
        Study::Scaling,
        Study::Chunking,
        Study::Forks,
        Study::Model,
        Study::Race,
    ] {
        check(&html(&[analyse(Header { study, ..header(&["quick"], &[2]) }, &[])]));
    }
}

/// A backend with these worker counts whose serial fraction is 5 %, on a batch with this name.
fn scaled(study: Study, name: &str, counts: &[usize]) -> Analysis {
    let cells: Vec<_> =
        counts.iter().map(|&p| ("quick", p, 1000.0 * (0.05 + 0.95 / p as f64))).collect();
    let mut samples = rounds(&cells);
    let mut head = Header { study, cores: 64, ..header(&["quick"], counts) };
    head.scenarios[0].name = name.into();
    for sample in &mut samples {
        sample.scenario = name.into();
        sample.wall_ns /= if sample.role == Role::Ceiling { 1 } else { 2 };
    }
    analyse(head, &samples)
}

#[test]
fn a_machine_with_64_cores_has_a_choice_of_worker_counts_and_its_curves() {
    let counts = [1, 2, 4, 8, 16, 32, 64, 128];
    let page = html(&[scaled(Study::Compare, "batch", &counts)]);
    check(&page);
    assert_eq!(page.matches("name=\"matrix-1-workers-choice\"").count(), 8);
    // The largest count that fits the machine is shown first.
    assert!(page.contains("id=\"matrix-1-workers-choice-6\" checked"), "{page}");
    assert!(
        page.contains(
            "<label for=\"matrix-1-workers-choice-7\">128 workers, more than CPUs</label>"
        )
    );
    assert!(page.contains("Speedup of batch against workers"));
}

#[test]
fn laws_are_drawn_where_they_can_be_fitted() {
    let many = scaled(Study::Scaling, STRONG, &[1, 2, 4, 8, 16, 32]);
    let page = html(&[many]);
    check(&page);
    let chart = page.split("<figure id=\"scaling\">").nth(1).unwrap();
    assert_eq!(
        chart.split("</svg>").next().unwrap().matches("s-law").count(),
        2,
        "with the legend"
    );
    let few = html(&[scaled(Study::Scaling, STRONG, &[1, 2])]);
    check(&few);
    let chart = few.split("<figure id=\"scaling\">").nth(1).unwrap();
    assert_eq!(chart.split("</svg>").next().unwrap().matches("s-law").count(), 1, "the legend");
    assert!(few.contains("the law needs 3 different worker counts"));
}

/// Batches of 400, 1600, 6400 and 25600 us, and 1 ms more in parallel. For break-even their items grow, and for
/// granularity their numbers do.
fn sizes(study: Study) -> Analysis {
    let sizes = [4usize, 16, 64, 256];
    let name = |items: usize| format!("{BREAK_EVEN_BATCH}{items}");
    let scenario = |items: &usize| ScenarioHead {
        name: name(*items),
        items: if study == Study::Granularity { 128 } else { *items },
        index: Some(1000),
        ..header(&[], &[]).scenarios[0].clone()
    };
    let head = Header {
        study,
        scenarios: sizes.iter().map(scenario).collect(),
        ..header(&["quick"], &[2])
    };
    let one = |items: usize| {
        let sequential = 100.0 * items as f64;
        let samples = rounds(&[("quick", 2, 1000.0)]).into_iter();
        samples.map(move |sample| {
            let us = if sample.role == Role::Cell { sequential / 2.0 + 1000.0 } else { sequential };
            Sample { scenario: name(items), wall_ns: (us * 2000.0) as u64, ..sample }
        })
    };
    analyse(head, &sizes.into_iter().flat_map(one).collect::<Vec<_>>())
}

#[test]
fn crossings_are_marked() {
    let page = html(&[sizes(Study::Granularity), sizes(Study::BreakEven)]);
    check(&page);
    let circles = |figure: &str| {
        let figure = page.split(&format!("<figure id=\"{figure}\">")).nth(1).unwrap();
        figure.split("</svg>").next().unwrap().matches("r=\"5\"").count()
    };
    // The smallest batches are less than 50% efficient, and the largest 93%. The legend has a circle too.
    assert_eq!((circles("granularity"), circles("break-even-items")), (4, 2));
    assert!(page.contains("2 workers are 90% efficient if each task takes at least"));
}

#[test]
fn lost_time_is_a_bar_for_each_backend() {
    let mut samples = rounds(&CELLS[..1]);
    let traced = |round: usize| {
        let trace = |first_ns, last_ns| WorkerTrace {
            chunks: 1,
            first_ns,
            last_ns,
            busy_ns: last_ns - first_ns,
            paused_ns: 0,
        };
        let traces = Some(vec![trace(100_000, 700_000), trace(300_000, 1_000_000)]);
        Sample {
            traces,
            wall_ns: 1_000_000,
            repeats: 1,
            ..sample(Role::Traced, "quick", 2, round, 0.0)
        }
    };
    samples.extend((0..20).map(traced));
    let page = html(&[analyse(header(&["quick"], &[2]), &samples)]);
    check(&page);
    assert!(
        page.contains("<figure id=\"losses-batch\">") && page.contains("first chunk 20%"),
        "{page}"
    );
}

#[test]
fn charts_are_files_that_follow_the_theme() {
    let files = chart_files(&[small()]);
    let names: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["matrix-2-workers", "rounds-batch"]);
    for ChartFile { svg, .. } in &files {
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")
                && svg.ends_with("</svg>\n")
        );
        assert!(svg.contains("@media (prefers-color-scheme:dark)") && !svg.contains("FEED"));
    }
    assert!(files[0].csv.starts_with("group,,quick,same,slow\n"), "{}", files[0].csv);
}

#[test]
fn two_records_of_one_study_share_a_page() {
    let page = html(&[small(), small()]);
    check(&page);
    assert!(
        page.contains("<figure id=\"matrix-2-workers-2\">")
            && page.contains("href=\"#cell-1-0-0\"")
    );
}

/// Twelve batches, nine backends and eight worker counts, as a large machine measures them with `--full`.
#[test]
fn a_page_of_many_cells_stays_below_a_megabyte() {
    let labels: Vec<String> = (0..9).map(|i| format!("backend-number-{i}")).collect();
    let labels: Vec<&str> = labels.iter().map(|label| &**label).collect();
    let counts = [1, 2, 4, 8, 16, 32, 64, 96];
    let mut head = Header { cores: 96, ..header(&labels, &counts) };
    let scenario = head.scenarios[0].clone();
    head.scenarios = (0..12)
        .map(|i| ScenarioHead { name: format!("scenario-{i}"), ..scenario.clone() })
        .collect();
    let time = |i: usize, workers: usize, round: usize| {
        1000.0 / workers as f64 * (1.0 + (i + 7 * round % 11) as f64 / 50.0)
    };
    let mut samples = vec![];
    for scenario in &head.scenarios {
        for round in 0..20 {
            let mut take = |role, label: &str, workers, us| {
                samples.push(Sample {
                    scenario: scenario.name.clone(),
                    ..sample(role, label, workers, round, us)
                });
            };
            take(Role::Baseline, "sequential", 1, 1000.0);
            take(Role::Control, "sequential", 1, 1000.0);
            for (i, label) in labels.iter().enumerate() {
                counts
                    .iter()
                    .for_each(|&workers| take(Role::Cell, label, workers, time(i, workers, round)));
            }
        }
    }
    let page = html(&[analyse(head, &samples)]);
    check(&page);
    assert!(page.len() < 1_000_000, "{}", page.len());
}

/// Every chart is XML that a browser reads as a picture.
#[test]
fn charts_are_well_formed() {
    let analyses = [
        two_batches(),
        sizes(Study::Granularity),
        scaled(Study::Scaling, STRONG, &[1, 2, 4, 8, 16, 32]),
    ];
    let files = chart_files(&analyses);
    assert!(files.len() >= 5);
    for ChartFile { name, svg, csv } in files {
        let document = roxmltree::Document::parse(&svg).unwrap();
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg", "{name}");
        assert!(
            root.descendants().filter(|node| node.is_text() && node.text() == Some("NaN")).count()
                == 0
        );
        let shapes = root.descendants().filter(|node| {
            ["rect", "polyline", "circle", "polygon"].contains(&node.tag_name().name())
        });
        assert!(shapes.count() > 4, "{name}");
        assert!(csv.lines().count() > 1, "{name}");
    }
}

#[test]
fn the_chunks_of_a_run_are_bars() {
    let mut samples = rounds(&CELLS[..1]);
    let chunk = |worker, start_ns, end_ns| ChunkTrace { worker, start_ns, end_ns, paused_ns: 0 };
    let chunks =
        vec![chunk(0, 100_000, 400_000), chunk(0, 400_000, 700_000), chunk(1, 300_000, 1_000_000)];
    let traced = |round: usize| {
        let trace = |chunks, first_ns, last_ns| WorkerTrace {
            chunks,
            first_ns,
            last_ns,
            busy_ns: last_ns - first_ns,
            paused_ns: 0,
        };
        Sample {
            traces: Some(vec![trace(2, 100_000, 700_000), trace(1, 300_000, 1_000_000)]),
            chunks: Some(chunks.clone()),
            pauses: Some(vec![PauseTrace { worker: 1, start_ns: 300_000, end_ns: 500_000 }]),
            wall_ns: 1_000_000,
            repeats: 1,
            ..sample(Role::Traced, "quick", 2, round, 0.0)
        }
    };
    samples.extend((0..20).map(traced));
    let analysis = analyse(header(&["quick"], &[2]), &samples);
    let page = html(std::slice::from_ref(&analysis));
    check(&page);
    let chart = page
        .split("<figure id=\"timelines-batch\">")
        .nth(1)
        .unwrap()
        .split("</svg>")
        .next()
        .unwrap();
    // Three chunks and one pause, each with its place in the legend.
    assert_eq!(
        (chart.matches("f-useful").count(), chart.matches("f-lock").count()),
        (4, 2),
        "{chart}"
    );
    assert!(chart.contains("quick: 1.00 ms") && chart.contains("worker 2"));
}
