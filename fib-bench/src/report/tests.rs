//! Every format on one literal matrix, byte for byte.

use super::words::sentence;
use super::{csv, json, markdown, table};
use crate::analysis::tests::{header, rounds};
use crate::analysis::{Matrix, Verdict, analyse};
use crate::record::{EngineHead, Header, Lane, Role, Sample, Status, Usage};
use snapbox::{assert_data_eq, str};

/// Two scenarios: the batch of the analysis tests, where one backend lies, and a tiny one, where
/// everything is slower.
fn matrix() -> Matrix {
    let mut samples = rounds(&[("quick", 2, 640.0), ("slow-one", 2, 2000.0), ("liar", 2, 1.0)]);
    for sample in samples.iter_mut().filter(|sample| sample.backend == "liar") {
        (sample.status, sample.message) = (Status::Wrong, Some("the result is wrong".into()));
    }
    let mut tiny =
        rounds(&[("quick", 2, 40_000.0), ("slow-one", 2, 90_000.0), ("liar", 2, 2000.0)]);
    for sample in &mut tiny {
        sample.scenario = "tiny".into();
        sample.wall_ns /= 1000;
        if sample.role == Role::Best {
            sample.wall_ns *= 90;
        }
    }
    samples.extend(tiny);
    // Quick starts three times, in 4, 2 and 90 ms: 4 ms, 2 ms a worker.
    let template = samples[0].clone();
    samples.extend([4, 2, 90].into_iter().enumerate().map(|(round, ms)| Sample {
        scenario: String::new(),
        role: Role::StartUp,
        backend: "quick".into(),
        workers: 2,
        round,
        repeats: 1,
        wall_ns: ms * 1_000_000,
        ..template.clone()
    }));
    let mut header = header(&["quick", "slow-one", "liar"], &[2]);
    let mut tiny = header.scenarios[0].clone();
    tiny.name = "tiny".into();
    header.scenarios.push(tiny);
    analyse(header, &samples)
}

#[test]
fn the_matrix_for_a_terminal() {
    assert_data_eq!(
        table(&matrix()),
        str![[r#"
noise floor: the baseline differs from itself by up to 1.0%
Test CPU, usable cores: 2, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds, medians with 99% intervals

2 workers: speedup over sequential; if faster, part of the ceiling; (cold, with a new pool)
───────────────────────────────────────────────
scenario    time   quick  slow-   liar   1 core
           whole            one        stepping
         ceiling
───────────────────────────────────────────────
batch    2.00 ms    1.56   0.50  WRONG     100x
         2.20 ms     ±1%    ±1%          shared
           1.60x     98% slower
───────────────────────────────────────────────
tiny     2.00 us   0.025  0.011   0.50    1.11x
         2.20 us  slower slower    ±1%   shared
           1.60x                slower
───────────────────────────────────────────────
start-up         2.00 ms      -      -
a worker
───────────────────────────────────────────────

batch  quick leads with 1.56x, 98% of what this hardware gives; the kernel stepping on one core
       reaches 100x, computing repeats once.
tiny   every backend is slower: not worth sharing out, stay sequential; the kernel stepping on one
       core reaches 1.11x, computing repeats once.

batch/liar/2: the result is wrong

"#]]
    );
}

#[test]
fn one_scenario_for_a_terminal() {
    let mut matrix = matrix();
    matrix.rows.truncate(1);
    assert_data_eq!(
        table(&matrix),
        str![[r#"
noise floor: the baseline differs from itself by up to 1.0%
Test CPU, usable cores: 2, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds, medians with 99% intervals

batch: a batch
2.20 ms sequentially from call to result, layout and allocation included
─────────────────────────────────────────────────────────────────────────────────────
backend    work-    time           speedup cold       of ceiling   over- CPUs verdict
             ers                                                    head
─────────────────────────────────────────────────────────────────────────────────────
sequential     1 2.00 ms 1.00x [0.99,1.01]                                          -
ceiling        2         1.60x [1.60,1.60]
quick          2 1.28 ms 1.56x [1.56,1.56]      0.98 [0.98,0.98] 30.0 us       faster
slow-one       2 4.00 ms 0.50x [0.50,0.50]      0.31 [0.31,0.31] 2.75 ms       slower
liar           2                                                                WRONG
(stepping)     1 20.0 us    100x [100,100]                                     faster
                                                                               shared
─────────────────────────────────────────────────────────────────────────────────────
cold: from nothing to the first results; CPUs: CPU time over time

batch  quick leads with 1.56x, 98% of what this hardware gives; the kernel stepping on one core
       reaches 100x, computing repeats once.

batch/liar/2: the result is wrong

"#]]
    );
}

#[test]
fn the_matrix_in_markdown() {
    assert_data_eq!(
        markdown(&matrix()),
        str![[r#"
noise floor: the baseline differs from itself by up to 1.0%  
Test CPU, usable cores: 2, Test OS  
kernel iterative, chunking balanced:8, seed 1  
20 interleaved rounds, medians with 99% intervals  

2 workers: speedup over sequential; if faster, part of the ceiling; (cold, with a new pool)

| scenario             |    time<br>whole<br>ceiling |              quick |              slow-one |                  liar | 1 core<br>stepping |
|----------------------|-----------------------------|--------------------|-----------------------|-----------------------|--------------------|
| batch                | 2.00 ms<br>2.20 ms<br>1.60x | 1.56<br>±1%<br>98% | 0.50<br>±1%<br>slower |                 WRONG |     100x<br>shared |
| tiny                 | 2.00 us<br>2.20 us<br>1.60x |    0.025<br>slower |       0.011<br>slower | 0.50<br>±1%<br>slower |    1.11x<br>shared |
| start-up<br>a worker |                             |            2.00 ms |                     - |                     - |                    |

- `batch`: quick leads with 1.56x, 98% of what this hardware gives; the kernel stepping on one core reaches 100x, computing repeats once.
- `tiny`: every backend is slower: not worth sharing out, stay sequential; the kernel stepping on one core reaches 1.11x, computing repeats once.

batch/liar/2: the result is wrong  

"#]]
    );
}

#[test]
fn comma_separated() {
    assert_data_eq!(
        csv(&matrix()),
        str![[r#"
scenario,kernel,backend,workers,chunking,status,rounds,wall_ns,speedup,speedup_low,speedup_high,of_ceiling,overhead_ns,start_up_ns,cold_speedup,own_speedup,karp_flatt,cpus,useful_ns,inflation_ns,paused_ns,first_chunk_ns,dispatch_ns,tail_ns,unused_ns,shared,verdict
batch,iterative,sequential,1,balanced:8,ok,20,2000000,1,0.9900990099009901,1.0101010101010102,,,,,,,,,,,,,,,false,
batch,iterative,quick,2,balanced:8,ok,20,1280000,1.5625,1.5625,1.5625,0.9765625,30000,4000000,,,0.28,,,,,,,,,false,faster
batch,iterative,slow-one,2,balanced:8,ok,20,4000000,0.5,0.5,0.5,0.3125,2750000,,,,3,,,,,,,,,false,slower
batch,iterative,liar,2,balanced:8,wrong,0,,,,,,,,,,,,,,,,,,,false,
batch,stepping,sequential,1,balanced:8,ok,20,20000,100.00000000000004,100.00000000000004,100.00000000000004,,,,,,,,,,,,,,,true,faster
tiny,iterative,sequential,1,balanced:8,ok,20,2000,1,0.9900990099009901,1.0101010101010102,,,,,,,,,,,,,,,false,
tiny,iterative,quick,2,balanced:8,ok,20,80000,0.025,0.025,0.025,0.015625000000000007,78750,4000000,,,79,,,,,,,,,false,slower
tiny,iterative,slow-one,2,balanced:8,ok,20,180000,0.011111111111111112,0.011111111111111112,0.011111111111111112,0.006944444444444444,178750,,,,179,,,,,,,,,false,slower
tiny,iterative,liar,2,balanced:8,ok,20,4000,0.5,0.5,0.5,0.3125,2750,,,,3,,,,,,,,,false,slower
tiny,stepping,sequential,1,balanced:8,ok,20,1800,1.1111111111111112,1.1111111111111112,1.1111111111111112,,,,,,,,,,,,,,,true,faster

"#]]
    );
}

#[test]
fn json_lines() {
    assert_data_eq!(
        json(&matrix()),
        str![[r#"
{"kind":"header","schema_version":2,"version":"0.1.0","command":"fib compare","started_unix_s":0,"machine":{"cpu":"Test CPU","logical_cpus":2,"os":"Test OS","kernel":"1.0","arch":"x86_64","load_1min":0.0},"cores":2,"compiler":"rustc","flags":"none","crates":{},"seed":1,"kernel":"iterative","chunking":"balanced:8","pin":false,"budget_s":1.0,"confidence":0.99,"backends":["quick","slow-one","liar"],"workers":[2],"scenarios":[{"name":"batch","summary":"a batch","items":1000,"best_shares":true,"cells_share":false},{"name":"tiny","summary":"a batch","items":1000,"best_shares":true,"cells_share":false}],"comparisons":3,"study":"compare","against":{"backend":"sequential","workers":1},"explain":false}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"sequential","workers":1,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":2000000.0,"speedup":1.0,"speedup_low":0.9900990099009901,"speedup_high":1.0101010101010102,"of_ceiling":null,"of_ceiling_low":null,"of_ceiling_high":null,"overhead_ns":null,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":null,"karp_flatt_low":null,"karp_flatt_high":null,"cpus":null,"shared":false,"verdict":null}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"quick","workers":2,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":1280000.0,"speedup":1.5625,"speedup_low":1.5625,"speedup_high":1.5625,"of_ceiling":0.9765625,"of_ceiling_low":0.9765625,"of_ceiling_high":0.9765625,"overhead_ns":30000.0,"start_up_ns":4000000.0,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":0.28,"karp_flatt_low":0.28,"karp_flatt_high":0.28,"cpus":null,"shared":false,"verdict":"faster"}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"slow-one","workers":2,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":4000000.0,"speedup":0.5,"speedup_low":0.5,"speedup_high":0.5,"of_ceiling":0.3125,"of_ceiling_low":0.3125,"of_ceiling_high":0.3125,"overhead_ns":2750000.0,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":3.0,"karp_flatt_low":3.0,"karp_flatt_high":3.0,"cpus":null,"shared":false,"verdict":"slower"}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"liar","workers":2,"chunking":"balanced:8","status":"wrong","message":"the result is wrong","rounds":0,"wall_ns":null,"speedup":null,"speedup_low":null,"speedup_high":null,"of_ceiling":null,"of_ceiling_low":null,"of_ceiling_high":null,"overhead_ns":null,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":null,"karp_flatt_low":null,"karp_flatt_high":null,"cpus":null,"shared":false,"verdict":null}
{"kind":"cell","scenario":"batch","kernel":"stepping","backend":"sequential","workers":1,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":20000.0,"speedup":100.00000000000004,"speedup_low":100.00000000000004,"speedup_high":100.00000000000004,"of_ceiling":null,"of_ceiling_low":null,"of_ceiling_high":null,"overhead_ns":null,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":null,"karp_flatt_low":null,"karp_flatt_high":null,"cpus":null,"shared":true,"verdict":"faster"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"sequential","workers":1,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":2000.0,"speedup":1.0,"speedup_low":0.9900990099009901,"speedup_high":1.0101010101010102,"of_ceiling":null,"of_ceiling_low":null,"of_ceiling_high":null,"overhead_ns":null,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":null,"karp_flatt_low":null,"karp_flatt_high":null,"cpus":null,"shared":false,"verdict":null}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"quick","workers":2,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":80000.0,"speedup":0.025,"speedup_low":0.025,"speedup_high":0.025,"of_ceiling":0.015625000000000007,"of_ceiling_low":0.015625000000000007,"of_ceiling_high":0.015625000000000007,"overhead_ns":78750.0,"start_up_ns":4000000.0,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":79.0,"karp_flatt_low":79.0,"karp_flatt_high":79.0,"cpus":null,"shared":false,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"slow-one","workers":2,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":180000.0,"speedup":0.011111111111111112,"speedup_low":0.011111111111111112,"speedup_high":0.011111111111111112,"of_ceiling":0.006944444444444444,"of_ceiling_low":0.006944444444444444,"of_ceiling_high":0.006944444444444444,"overhead_ns":178750.0,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":179.0,"karp_flatt_low":179.0,"karp_flatt_high":179.0,"cpus":null,"shared":false,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"liar","workers":2,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":4000.0,"speedup":0.5,"speedup_low":0.5,"speedup_high":0.5,"of_ceiling":0.3125,"of_ceiling_low":0.3125,"of_ceiling_high":0.3125,"overhead_ns":2750.0,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":3.0,"karp_flatt_low":3.0,"karp_flatt_high":3.0,"cpus":null,"shared":false,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"stepping","backend":"sequential","workers":1,"chunking":"balanced:8","status":"ok","rounds":20,"wall_ns":1800.0,"speedup":1.1111111111111112,"speedup_low":1.1111111111111112,"speedup_high":1.1111111111111112,"of_ceiling":null,"of_ceiling_low":null,"of_ceiling_high":null,"overhead_ns":null,"start_up_ns":null,"cold_speedup":null,"cold_speedup_low":null,"cold_speedup_high":null,"karp_flatt":null,"karp_flatt_low":null,"karp_flatt_high":null,"cpus":null,"shared":true,"verdict":"faster"}
{"kind":"noise","scenario":"batch","rounds":20,"ratio":1.0,"low":0.9900990099009901,"high":1.0101010101010102,"whole_ns":2200000.0,"ceilings":[{"copies":2,"ceiling":1.6,"low":1.6,"high":1.6}]}
{"kind":"noise","scenario":"tiny","rounds":20,"ratio":1.0,"low":0.9900990099009901,"high":1.0101010101010102,"whole_ns":2200.0,"ceilings":[{"copies":2,"ceiling":1.6,"low":1.6,"high":1.6}]}

"#]]
    );
}

/// The batch of the analysis tests with another engine and with timelines.
fn everything() -> Matrix {
    let cells = [("quick", 2, 640.0), ("snake/loop", 1, 20_000.0), ("snake/pool", 2, 12_500.0)];
    let mut samples = rounds(&cells);
    let quick: Vec<Sample> = samples.iter().filter(|s| s.backend == "quick").cloned().collect();
    samples.extend(quick.iter().map(|s| Sample {
        role: Role::Cold,
        wall_ns: s.wall_ns * 2,
        ..s.clone()
    }));
    samples.extend(quick.into_iter().map(|s| {
        let (wall_ns, first_ns) = (s.wall_ns / 2, 10_000);
        let lane = |chunks, part| {
            let last_ns = wall_ns * part / 100;
            Lane { chunks, first_ns, last_ns, busy_ns: last_ns - first_ns, paused_ns: 0 }
        };
        let lanes = Some(vec![lane(8, 99), lane(8, 60)]);
        Sample { role: Role::Traced, repeats: 1, wall_ns, lanes, ..s }
    }));
    for sample in samples.iter_mut().filter(|sample| sample.role == Role::Cell) {
        let cpu_ns = sample.wall_ns * sample.workers as u64;
        sample.usage = Some(Usage { cpu_ns, ..Usage::default() });
    }
    let engine = EngineHead {
        name: "snake".into(),
        version: "CSnake 3".into(),
        baseline: "snake/loop".into(),
        backends: vec!["snake/loop".into(), "snake/pool".into()],
    };
    let header = header(&["quick"], &[2]);
    let comparisons = 3;
    let width = Some(0.02);
    analyse(Header { engines: vec![engine], comparisons, width, explain: true, ..header }, &samples)
}

#[test]
fn one_scenario_with_another_engine_and_where_the_time_went() {
    assert_data_eq!(
        table(&everything()),
        str![[r#"
noise floor: the baseline differs from itself by up to 1.0%
Test CPU, usable cores: 2, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds, medians with 99% intervals
every interval is within 2.0% of its median

batch: a batch
2.20 ms sequentially from call to result, layout and allocation included
────────────────────────────────────────────────────────────────────────────────────────
backend    work-    time              speedup cold       of ceiling   over- CPUs verdict
             ers                                                       head
────────────────────────────────────────────────────────────────────────────────────────
sequential     1 2.00 ms    1.00x [0.99,1.01]                                          -
ceiling        2            1.60x [1.60,1.60]
quick          2 1.28 ms    1.56x [1.56,1.56] 0.78 0.98 [0.98,0.98] 30.0 us 2.00  faster
snake/loop     1 40.0 ms 0.050x [0.050,0.050]                               1.00  slower
snake/pool     2 25.0 ms 0.080x [0.080,0.080]                               2.00  slower
(stepping)     1 20.0 us       100x [100,100]                                     faster
                                                                                  shared
────────────────────────────────────────────────────────────────────────────────────────
cold: from nothing to the first results; CPUs: CPU time over time

snake (CSnake 3), 2 workers: speedup over snake/loop; (cold, new pool); over sequential
───────────────────────────────
scenario    loop   pool    best
            time        of ours
───────────────────────────────
batch    40.0 ms  1.60x   quick
                    ±1%   1.56x
                 0.080x
          0.050x
───────────────────────────────

batch  quick leads with 1.56x, 98% of what this hardware gives; the kernel stepping on one core
       reaches 100x, computing repeats once.

batch: where the time of all workers went, in parts of workers x time
─────────────────────────────────────────────────────────────────
backend work-    time useful infla- lock start-  dis- tail unused
          ers                  tion          up patch
─────────────────────────────────────────────────────────────────
quick       2 1.60 ms    78%     1%   0%     1%    0%  20%     0%
─────────────────────────────────────────────────────────────────
quick  tail imbalance: worker 2 idle for 40% of the run; try more chunks, as in balanced:32

"#]]
    );
}

#[test]
fn the_parts_in_csv_add_up_to_the_time_of_all_workers() {
    let text = csv(&everything());
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
    let row = rows.iter().find(|row| row.get(2) == Some("quick")).unwrap();
    let field = |name: &str| {
        let column = head.iter().position(|other| other == name).unwrap();
        row[column].parse::<f64>().unwrap()
    };
    let parts = ["useful", "inflation", "paused", "first_chunk", "dispatch", "tail", "unused"];
    let sum: f64 = parts.iter().map(|part| field(&format!("{part}_ns"))).sum();
    let drift = [1.0, 1.5, 2.0, 2.5, 3.0].map(|drift| 2.0 * 640_000.0 * drift);
    assert!(drift.iter().any(|total| (sum - total).abs() < 1000.0), "{sum}");
}

#[test]
fn what_is_compared_with_another_backend_is_told_so() {
    let mut row = matrix().rows.swap_remove(0);
    assert!(sentence(&row).starts_with("quick leads with "), "{}", sentence(&row));
    row.reference.backend = "slow-one".into();
    assert!(sentence(&row).contains("x of slow-one"), "{}", sentence(&row));
    row.cells.iter_mut().for_each(|cell| cell.verdict = Some(Verdict::Slower));
    assert!(sentence(&row).starts_with("everything is slower than slow-one"));
    row.cells[0].verdict = Some(Verdict::Tie);
    assert!(sentence(&row).starts_with("nothing is faster than slow-one by more than the noise"));
}
