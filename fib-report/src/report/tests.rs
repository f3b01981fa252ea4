//! Every format of one literal analysis, byte for byte.

use super::conclusions::conclusion;
use super::{Page, csv, json, text};
use crate::analyse::{Analysis, analyse};
use crate::analysis::Verdict;
use crate::analysis::tests::{header, rounds};
use crate::record::{EngineHead, Header, LeftOut};
use crate::sample::{Role, Sample, SampleUsage, Status};
use crate::stats::Estimate;
use fib_simulate::WorkerTrace;
use snapbox::{assert_data_eq, str};

fn plain(analysis: &Analysis) -> String {
    let printed = text(analysis, Page::default());
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    printed
}

/// Two scenarios: the batch of the analysis tests, where one backend lies, and a tiny batch, where
/// every backend is slower.
fn analysis() -> Analysis {
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
    // The pool of `quick` starts three times, in 4, 2 and 90 ms: the median is 2 ms for each worker.
    let template = samples[0].clone();
    samples.extend([4, 2, 90].into_iter().enumerate().map(|(round, ms)| Sample {
        scenario: String::new(),
        role: Role::StartUp,
        backend: "quick".into(),
        workers: 2,
        round,
        repeats: 1,
        size: None,
        wall_ns: ms * 1_000_000,
        ..template.clone()
    }));
    let mut header = header(&["quick", "slow-one", "liar"], &[2]);
    let mut tiny = header.scenarios[0].clone();
    tiny.name = "tiny".into();
    header.scenarios.push(tiny);
    analyse(header, &samples)
}

/// The label stands below the machine, in every kind of report.
#[test]
fn a_label_stands_below_the_machine() {
    let mut labelled = analysis();
    labelled.matrix.header.label = Some("room 12, seat 7".into());
    for limit_s in [None, Some(1.0)] {
        labelled.matrix.header.limit_s = limit_s;
        let start = "Test CPU, 2 CPUs, Test OS\nlabel: room 12, seat 7\n";
        assert!(plain(&labelled).starts_with(start), "{}", plain(&labelled));
    }
}

#[test]
fn the_matrix_for_a_terminal() {
    assert_data_eq!(
        plain(&analysis()),
        str![[r#"
Test CPU, 2 CPUs, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds; medians with 99% intervals
noise: the baseline differs from itself by up to 1.0%

batch, a batch
baseline: sequential, kernel iterative: 2.00 ms (2.20 ms with allocation)
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential

backend           workers     time  speedup  [99% interval]       of  verdict
                                                             ceiling
─────────────────────────────────────────────────────────────────────────────
quick                   2  1.28 ms    1.56x     [1.55,1.57]      98%   faster
slow-one                2  4.00 ms    0.50x     [0.50,0.50]      31%   slower
liar                    2                                               WRONG
(stepping alone)        1  20.0 us     100x      [99.5,100]            faster

tiny, a batch
baseline: sequential, kernel iterative: 2.00 us (2.20 us with allocation)
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential

backend           workers     time  speedup  [99% interval]       of  verdict
                                                             ceiling
─────────────────────────────────────────────────────────────────────────────
quick                   2  80.0 us   0.025x   [0.025,0.025]       2%   slower
slow-one                2   180 us   0.011x   [0.011,0.011]       1%   slower
liar                    2  4.00 us    0.50x     [0.50,0.50]      31%   slower
(stepping alone)        1  1.80 us    1.11x     [1.11,1.12]            faster

All scenarios, 2 workers: speedup over sequential
              quick  slow-   liar
                       one
─────────────────────────────────
batch: baseline 2.00 ms, ceiling 1.60x, stepping on one core 100x
  speedup      1.56   0.50  WRONG
  ± (99%)        1%     1%
  verdict    faster slower
  of ceiling    98%
tiny: baseline 2.00 us, ceiling 1.60x, stepping on one core 1.11x
  speedup     0.025  0.011   0.50
  ± (99%)                      1%
  verdict    slower slower slower

pool start for each worker: quick 2.00 ms

Conclusions
batch  quick is fastest: 1.56x, 98% of the ceiling. A better algorithm
       (stepping) on one core is 100x as fast, partly because it computes each
       distinct number once.
tiny   All backends are slower than one thread for this batch. A better
       algorithm (stepping) on one core is 1.11x as fast, partly because it
       computes each distinct number once.

batch: liar/2: the result is wrong

"#]]
    );
}

#[test]
fn one_scenario_for_a_terminal() {
    let mut analysis = analysis();
    analysis.matrix.rows.truncate(1);
    assert_data_eq!(
        plain(&analysis),
        str![[r#"
Test CPU, 2 CPUs, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds; medians with 99% intervals
noise: the baseline differs from itself by up to 1.0%

batch, a batch
baseline: sequential, kernel iterative: 2.00 ms (2.20 ms with allocation)
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential

backend           workers     time  speedup  [99% interval]       of  verdict
                                                             ceiling
─────────────────────────────────────────────────────────────────────────────
quick                   2  1.28 ms    1.56x     [1.55,1.57]      98%   faster
slow-one                2  4.00 ms    0.50x     [0.50,0.50]      31%   slower
liar                    2                                               WRONG
(stepping alone)        1  20.0 us     100x      [99.5,100]            faster

batch: details
backend   workers  first     pool           overhead  CPUs    serial
                   batch    start                     busy  fraction
────────────────────────────────────────────────────────────────────
quick           2      -  4.00 ms  30.0 us ± 15.0 us     -     0.280
slow-one        2      -        -  2.75 ms ± 1.38 ms     -      none

first batch is the speedup of the first batch, with the start of the pool in its
time. overhead is the time beyond the time at the ceiling. serial fraction is
the share of the work that would explain the speedup if this share ran on one
worker (Karp and Flatt). stepping computes each distinct number once. No
fraction from 0 to 1 would explain a speedup below 1 or above the workers.

batch: rounds
backend   workers    10%    10%   spread   spread      rounds
                   below  above  in runs  of runs
─────────────────────────────────────────────────────────────
quick           2  1.55x  1.57x     0.4%        -  ▃▅▆▃▄▆▃▅▆▃
slow-one        2  0.50x  0.50x     0.4%        -  ▃▄▆▃▄▆▃▅▆▃

10% of the rounds have a speedup below the first number, and 10% above the
second. spread is a standard deviation: of the rounds in a run, and of the
medians of the runs. The strip shows the rounds in their order; high is fast.

Conclusions
batch  quick is fastest: 1.56x, 98% of the ceiling. A better algorithm
       (stepping) on one core is 100x as fast, partly because it computes each
       distinct number once.

batch: liar/2: the result is wrong

"#]]
    );
}

#[test]
fn the_matrix_in_markdown() {
    assert_data_eq!(
        text(&analysis(), Page { markdown: true, ..Page::default() }),
        str![[r#"
Test CPU, 2 CPUs, Test OS  
kernel iterative, chunking balanced:8, seed 1  
20 interleaved rounds; medians with 99% intervals  
noise: the baseline differs from itself by up to 1.0%  

**batch, a batch**

baseline: sequential, kernel iterative: 2.00 ms (2.20 ms with allocation)  
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential  

| backend          | workers |    time | speedup | [99% interval] | of ceiling | verdict |
|------------------|---------|---------|---------|----------------|------------|---------|
| quick            |       2 | 1.28 ms |   1.56x |    [1.55,1.57] |        98% |  faster |
| slow-one         |       2 | 4.00 ms |   0.50x |    [0.50,0.50] |        31% |  slower |
| liar             |       2 |         |         |                |            |   WRONG |
| (stepping alone) |       1 | 20.0 us |    100x |     [99.5,100] |            |  faster |

**tiny, a batch**

baseline: sequential, kernel iterative: 2.00 us (2.20 us with allocation)  
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential  

| backend          | workers |    time | speedup | [99% interval] | of ceiling | verdict |
|------------------|---------|---------|---------|----------------|------------|---------|
| quick            |       2 | 80.0 us |  0.025x |  [0.025,0.025] |         2% |  slower |
| slow-one         |       2 |  180 us |  0.011x |  [0.011,0.011] |         1% |  slower |
| liar             |       2 | 4.00 us |   0.50x |    [0.50,0.50] |        31% |  slower |
| (stepping alone) |       1 | 1.80 us |   1.11x |    [1.11,1.12] |            |  faster |

**All scenarios, 2 workers: speedup over sequential**

|                                                                       |  quick | slow-one |   liar |
|-----------------------------------------------------------------------|--------|----------|--------|
| **batch: baseline 2.00 ms, ceiling 1.60x, stepping on one core 100x** |        |          |        |
|   speedup                                                             |   1.56 |     0.50 |  WRONG |
|   ± (99%)                                                             |     1% |       1% |        |
|   verdict                                                             | faster |   slower |        |
|   of ceiling                                                          |    98% |          |        |
| **tiny: baseline 2.00 us, ceiling 1.60x, stepping on one core 1.11x** |        |          |        |
|   speedup                                                             |  0.025 |    0.011 |   0.50 |
|   ± (99%)                                                             |        |          |     1% |
|   verdict                                                             | slower |   slower | slower |

pool start for each worker: quick 2.00 ms  

**Conclusions**

- `batch`: quick is fastest: 1.56x, 98% of the ceiling. A better algorithm (stepping) on one core is 100x as fast, partly because it computes each distinct number once.
- `tiny`: All backends are slower than one thread for this batch. A better algorithm (stepping) on one core is 1.11x as fast, partly because it computes each distinct number once.

batch: liar/2: the result is wrong  

"#]]
    );
}

#[test]
fn comma_separated() {
    assert_data_eq!(
        csv(&analysis()),
        str![[r#"
scenario,kernel,backend,workers,chunking,engine,status,message,rounds,wall_ns,speedup,speedup_low,speedup_high,p10,p90,within_runs,between_runs,slow,fast,slow_share,of_ceiling,of_ceiling_low,of_ceiling_high,overhead_ns,overhead_ns_low,overhead_ns_high,pool_start_ns,cold_speedup,cold_speedup_low,cold_speedup_high,own_speedup,own_speedup_low,own_speedup_high,own_cold_speedup,own_cold_speedup_low,own_cold_speedup_high,karp_flatt,karp_flatt_low,karp_flatt_high,cpus,peak_rss_bytes,traced_wall_ns,useful_ns,inflation_ns,paused_ns,first_chunk_ns,dispatch_ns,tail_ns,unused_ns,shared,leads,equal_within,verdict
batch,iterative,sequential,1,,,ok,,20,2004987.562112089,1.0,1.0,1.0,1.0,1.0,0.0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,false,false,,
batch,iterative,quick,2,balanced:8,,ok,,20,1280000.0,1.5625,1.5546678704790937,1.570293065800139,1.5546678704790937,1.570293065800139,0.0041286032830975495,,,,,0.9765625,0.9765625,0.9765625,30000.0,15000.0,45000.0,4000000.0,,,,,,,,,,0.28,0.273647603468786,0.28644840353179135,,,,,,,,,,,false,true,,faster
batch,iterative,slow-one,2,balanced:8,,ok,,20,4000000.0,0.5,0.49749371855331,0.5024937810560445,0.49749371855331,0.5024937810560445,0.004128603283097566,,,,,0.3125,0.3125,0.3125,2750000.0,1375000.0,4125000.0,,,,,,,,,,,3.0,2.980148760839957,3.0201512610368484,,,,,,,,,,,false,false,,slower
batch,iterative,liar,2,balanced:8,,wrong,the result is wrong,0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,false,false,,
batch,stepping,sequential,1,,,ok,,20,20000.0,100.00000000000004,99.49874371066197,100.49875621120889,99.49874371066197,100.49875621120889,0.0041286032830976285,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,true,false,,faster
tiny,iterative,sequential,1,,,ok,,20,2004.987562112089,1.0,1.0,1.0,1.0,1.0,0.0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,false,false,,
tiny,iterative,quick,2,balanced:8,,ok,,20,80000.0,0.025,0.024874685927665494,0.025124689052802223,0.024874685927665494,0.025124689052802223,0.0041286032830975105,,,,,0.015625000000000007,0.015625000000000007,0.015625000000000007,78750.0,39375.0,118125.0,4000000.0,,,,,,,,,,79.0,78.60297521679914,79.40302522073698,,,,,,,,,,,false,false,,slower
tiny,iterative,slow-one,2,balanced:8,,ok,,20,180000.0,0.011111111111111112,0.011055415967851335,0.011166528467912105,0.011055415967851335,0.011166528467912105,0.004128603283097606,,,,,0.006944444444444444,0.006944444444444444,0.006944444444444444,178750.0,89375.0,268125.0,,,,,,,,,,,179.0,178.10669423779797,179.90680674665813,,,,,,,,,,,false,false,,slower
tiny,iterative,liar,2,balanced:8,,ok,,20,4000.0,0.5,0.49749371855331,0.5024937810560445,0.49749371855331,0.5024937810560445,0.004128603283097538,,,,,0.3125,0.3125,0.3125,2750.0,1375.0,4125.0,,,,,,,,,,,3.0,2.980148760839957,3.0201512610368484,,,,,,,,,,,false,true,,slower
tiny,stepping,sequential,1,,,ok,,20,1800.0,1.1111111111111112,1.1055415967851332,1.11665284679121,1.1055415967851332,1.11665284679121,0.004128603283097519,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,true,false,,faster

"#]]
    );
}

#[test]
fn json_lines() {
    assert_data_eq!(
        json(&analysis()),
        str![[r#"
{"kind":"header","schema_version":5,"version":"0.1.0","command":"fib compare","started_unix_s":0,"machine":{"cpu":"Test CPU","logical_cpus":2,"os":"Test OS","kernel":"1.0","arch":"x86_64","load_1min":0.0},"cores":2,"compiler":"rustc","flags":"none","crates":{},"seed":1,"kernel":"iterative","pin":false,"budget_s":1.0,"margin":0.01,"backends":[{"label":"quick","name":"quick","scheduling":"dynamic","chunking":"balanced:8"},{"label":"slow-one","name":"slow-one","scheduling":"dynamic","chunking":"balanced:8"},{"label":"liar","name":"liar","scheduling":"dynamic","chunking":"balanced:8"}],"workers":[2],"scenarios":[{"name":"batch","summary":"a batch","items":1000,"best_shares":true,"cells_share":false},{"name":"tiny","summary":"a batch","items":1000,"best_shares":true,"cells_share":false}],"comparisons":3,"study":"compare","baseline":{"label":"sequential","workers":1},"explain":false}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"sequential","workers":1,"chunking":null,"engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":2004987.562112089,"speedup":{"median":1.0,"low":1.0,"high":1.0},"distribution":{"p10":1.0,"p90":1.0,"within_runs":0.0,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":null,"low":null,"high":null},"overhead_ns":{"median":null,"low":null,"high":null},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":null,"low":null,"high":null},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":null}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"quick","workers":2,"chunking":"balanced:8","engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":1280000.0,"speedup":{"median":1.5625,"low":1.5546678704790937,"high":1.570293065800139},"distribution":{"p10":1.5546678704790937,"p90":1.570293065800139,"within_runs":0.0041286032830975495,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":0.9765625,"low":0.9765625,"high":0.9765625},"overhead_ns":{"median":30000.0,"low":15000.0,"high":45000.0},"pool_start_ns":4000000.0,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":0.28,"low":0.273647603468786,"high":0.28644840353179135},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":true,"equal_within":null,"verdict":"faster"}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"slow-one","workers":2,"chunking":"balanced:8","engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":4000000.0,"speedup":{"median":0.5,"low":0.49749371855331,"high":0.5024937810560445},"distribution":{"p10":0.49749371855331,"p90":0.5024937810560445,"within_runs":0.004128603283097566,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":0.3125,"low":0.3125,"high":0.3125},"overhead_ns":{"median":2750000.0,"low":1375000.0,"high":4125000.0},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":3.0,"low":2.980148760839957,"high":3.0201512610368484},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":"slower"}
{"kind":"cell","scenario":"batch","kernel":"iterative","backend":"liar","workers":2,"chunking":"balanced:8","engine":null,"status":"wrong","message":"the result is wrong","rounds":0,"wall_ns":null,"speedup":{"median":null,"low":null,"high":null},"distribution":{"p10":null,"p90":null,"within_runs":null,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":null,"low":null,"high":null},"overhead_ns":{"median":null,"low":null,"high":null},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":null,"low":null,"high":null},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":null}
{"kind":"cell","scenario":"batch","kernel":"stepping","backend":"sequential","workers":1,"chunking":null,"engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":20000.0,"speedup":{"median":100.00000000000004,"low":99.49874371066197,"high":100.49875621120889},"distribution":{"p10":99.49874371066197,"p90":100.49875621120889,"within_runs":0.0041286032830976285,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":null,"low":null,"high":null},"overhead_ns":{"median":null,"low":null,"high":null},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":null,"low":null,"high":null},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":true,"leads":false,"equal_within":null,"verdict":"faster"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"sequential","workers":1,"chunking":null,"engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":2004.987562112089,"speedup":{"median":1.0,"low":1.0,"high":1.0},"distribution":{"p10":1.0,"p90":1.0,"within_runs":0.0,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":null,"low":null,"high":null},"overhead_ns":{"median":null,"low":null,"high":null},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":null,"low":null,"high":null},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":null}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"quick","workers":2,"chunking":"balanced:8","engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":80000.0,"speedup":{"median":0.025,"low":0.024874685927665494,"high":0.025124689052802223},"distribution":{"p10":0.024874685927665494,"p90":0.025124689052802223,"within_runs":0.0041286032830975105,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":0.015625000000000007,"low":0.015625000000000007,"high":0.015625000000000007},"overhead_ns":{"median":78750.0,"low":39375.0,"high":118125.0},"pool_start_ns":4000000.0,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":79.0,"low":78.60297521679914,"high":79.40302522073698},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"slow-one","workers":2,"chunking":"balanced:8","engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":180000.0,"speedup":{"median":0.011111111111111112,"low":0.011055415967851335,"high":0.011166528467912105},"distribution":{"p10":0.011055415967851335,"p90":0.011166528467912105,"within_runs":0.004128603283097606,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":0.006944444444444444,"low":0.006944444444444444,"high":0.006944444444444444},"overhead_ns":{"median":178750.0,"low":89375.0,"high":268125.0},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":179.0,"low":178.10669423779797,"high":179.90680674665813},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":false,"equal_within":null,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"iterative","backend":"liar","workers":2,"chunking":"balanced:8","engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":4000.0,"speedup":{"median":0.5,"low":0.49749371855331,"high":0.5024937810560445},"distribution":{"p10":0.49749371855331,"p90":0.5024937810560445,"within_runs":0.004128603283097538,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":0.3125,"low":0.3125,"high":0.3125},"overhead_ns":{"median":2750.0,"low":1375.0,"high":4125.0},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":3.0,"low":2.980148760839957,"high":3.0201512610368484},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":false,"leads":true,"equal_within":null,"verdict":"slower"}
{"kind":"cell","scenario":"tiny","kernel":"stepping","backend":"sequential","workers":1,"chunking":null,"engine":null,"status":"ok","message":null,"rounds":20,"wall_ns":1800.0,"speedup":{"median":1.1111111111111112,"low":1.1055415967851332,"high":1.11665284679121},"distribution":{"p10":1.1055415967851332,"p90":1.11665284679121,"within_runs":0.004128603283097519,"between_runs":null,"slow":null,"fast":null,"slow_share":null},"of_ceiling":{"median":null,"low":null,"high":null},"overhead_ns":{"median":null,"low":null,"high":null},"pool_start_ns":null,"cold_speedup":{"median":null,"low":null,"high":null},"own_speedup":{"median":null,"low":null,"high":null},"own_cold_speedup":{"median":null,"low":null,"high":null},"karp_flatt":{"median":null,"low":null,"high":null},"cpus":null,"peak_rss_bytes":null,"losses":{"traced_wall_ns":null,"useful_ns":null,"inflation_ns":null,"paused_ns":null,"first_chunk_ns":null,"dispatch_ns":null,"tail_ns":null,"unused_ns":null},"shared":true,"leads":false,"equal_within":null,"verdict":"faster"}
{"kind":"scenario","scenario":"batch","rounds":20,"runs":1,"noise":{"median":1.0,"low":0.9900990099009901,"high":1.0101010101010102},"whole_ns":2200000.0,"ceilings":[{"kernel":"iterative","copies":2,"median":1.6,"low":1.5919798993705918,"high":1.6079800993793425}],"dropped":0,"disturbed":false,"carry_overs":[]}
{"kind":"scenario","scenario":"tiny","rounds":20,"runs":1,"noise":{"median":1.0,"low":0.9900990099009901,"high":1.0101010101010102},"whole_ns":2200.0,"ceilings":[{"kernel":"iterative","copies":2,"median":1.6,"low":1.5919798993705918,"high":1.6079800993793425}],"dropped":0,"disturbed":false,"carry_overs":[]}

"#]]
    );
}

/// The batch of the analysis tests, with another engine and with timelines.
fn everything() -> Analysis {
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
        let trace = |chunks, part| {
            let last_ns = wall_ns * part / 100;
            WorkerTrace { chunks, first_ns, last_ns, busy_ns: last_ns - first_ns, paused_ns: 0 }
        };
        let traces = Some(vec![trace(8, 99), trace(8, 60)]);
        Sample { role: Role::Traced, repeats: 1, wall_ns, traces, ..s }
    }));
    for sample in samples.iter_mut().filter(|sample| sample.role == Role::Cell) {
        let cpu_ns = sample.wall_ns * sample.workers as u64;
        sample.usage = Some(SampleUsage { cpu_ns, ..SampleUsage::default() });
    }
    let engine = EngineHead {
        name: "snake".into(),
        version: "CSnake 3".into(),
        baseline: "snake/loop".into(),
        backends: vec!["snake/loop".into(), "snake/pool".into()],
        left_out: vec![LeftOut {
            label: "snake/jit".into(),
            reason: "there is no snakejit".into(),
        }],
    };
    let header = header(&["quick"], &[2]);
    let comparisons = 3;
    let width = Some(0.02);
    analyse(Header { engines: vec![engine], comparisons, width, explain: true, ..header }, &samples)
}

#[test]
fn one_scenario_with_another_engine_and_where_the_time_went() {
    assert_data_eq!(
        plain(&everything()),
        str![[r#"
Test CPU, 2 CPUs, Test OS
kernel iterative, chunking balanced:8, seed 1
20 interleaved rounds; medians with 99% intervals
noise: the baseline differs from itself by up to 1.0%
every interval is within ±2.0% of its median

batch, a batch
baseline: sequential, kernel iterative: 2.00 ms (2.20 ms with allocation)
ceiling: 1.60x [1.59,1.61] with 2 independent copies of sequential

backend           workers     time  speedup  [99% interval]       of  verdict
                                                             ceiling
─────────────────────────────────────────────────────────────────────────────
quick                   2  1.28 ms    1.56x     [1.55,1.57]      98%   faster
snake/loop              1  40.0 ms   0.050x   [0.050,0.050]            slower
snake/pool              2  25.0 ms   0.080x   [0.080,0.080]            slower
(stepping alone)        1  20.0 us     100x      [99.5,100]            faster

batch: details
backend     workers  first   pool           overhead  CPUs    serial
                     batch  start                     busy  fraction
────────────────────────────────────────────────────────────────────
quick             2  0.78x      -  30.0 us ± 15.0 us  2.00     0.280
snake/loop        1      -      -                  -  1.00         -
snake/pool        2      -      -                  -  2.00         -

first batch is the speedup of the first batch, with the start of the pool in its
time. overhead is the time beyond the time at the ceiling. serial fraction is
the share of the work that would explain the speedup if this share ran on one
worker (Karp and Flatt). Overhead and serial fraction compare with our
sequential baseline, so other engines have none. stepping computes each distinct
number once. With one worker there is no serial fraction.

batch: rounds
backend     workers     10%     10%   spread   spread      rounds
                      below   above  in runs  of runs
─────────────────────────────────────────────────────────────────
quick             2   1.55x   1.57x     0.4%        -  ▃▅▆▃▄▆▃▅▆▃
snake/loop        1  0.050x  0.050x     0.4%        -  ▃▅▆▃▅▆▃▅▆▃
snake/pool        2  0.080x  0.080x     0.4%        -  ▃▅▆▃▅▆▃▅▆▃

10% of the rounds have a speedup below the first number, and 10% above the
second. spread is a standard deviation: of the rounds in a run, and of the
medians of the runs. The strip shows the rounds in their order; high is fast.

snake (CSnake 3), 2 workers: speedup over loop
                 loop    pool fastest
                              of ours
─────────────────────────────────────
batch (ours: quick)
  time        40.0 ms 25.0 ms
  speedup       1.00x   1.60x
  ± (99%)          0%      0%
  first batch       -       -
  over ours    0.050x  0.080x   1.56x

snake/jit is left out: there is no snakejit

Conclusions
batch  quick is fastest: 1.56x, 98% of the ceiling. A better algorithm
       (stepping) on one core is 100x as fast, partly because it computes each
       distinct number once.

batch: where worker time went (100% = workers x wall time)
backend workers    time useful infla- lock first  dis- tail unused
                                 tion      chunk patch
──────────────────────────────────────────────────────────────────
quick         2 1.28 ms    78%     1%   0%    1%    0%  20%     0%

quick  worker 2 is idle for the last 40% of the run; try more chunks, for
       example balanced:32

Each column is a part of the time of all workers. useful is the work that the
baseline does, and inflation is the extra time that this work took. lock is the
time that workers waited for a lock. first chunk is the time until a worker
starts its first chunk, dispatch is the time between two chunks, and tail is the
time after the last chunk of a worker. unused is the time of workers without a
chunk.

"#]]
    );
}

#[test]
fn the_parts_in_csv_add_up_to_the_time_of_all_workers() {
    let text = csv(&everything());
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
    let row = rows.iter().find(|row| row.iter().any(|field| field == "quick")).unwrap();
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
fn a_conclusion_names_another_baseline() {
    let Analysis { mut matrix, .. } = analysis();
    let mut row = matrix.rows.swap_remove(0);
    assert!(conclusion(&matrix, &row).starts_with("quick is fastest: 1.56x, "));
    matrix.header.baseline.label = "slow-one".into();
    assert!(conclusion(&matrix, &row).contains("1.56x over slow-one"));
    row.cells.iter_mut().for_each(|cell| cell.verdict = Some(Verdict::Slower));
    assert!(conclusion(&matrix, &row).starts_with("All backends are slower than slow-one"));
    row.cells[0].verdict = Some(Verdict::Equal(0.01));
    assert!(
        conclusion(&matrix, &row).starts_with("No backend is shown to be faster than slow-one")
    );
}

#[test]
fn noise_gives_no_advice() {
    let Analysis { mut matrix, findings } = analysis();
    let row = &mut matrix.rows[0];
    row.cells[0].verdict = Some(Verdict::Unresolved);
    let said = conclusion(&matrix, &matrix.rows[0]);
    assert!(said.starts_with("The intervals are too wide"), "{said}");
    for row in &mut matrix.rows {
        row.noise = Some(Estimate { median: 1.0, interval: Some((0.7, 1.1)) });
    }
    let said = conclusion(&matrix, &matrix.rows[0]);
    assert!(said.starts_with("Too noisy to compare"), "{said}");
    let report = plain(&Analysis { matrix, findings });
    assert!(report.starts_with("!! This measurement is too noisy to compare"), "{report}");
}

/// No sentence names a fastest cell and hides a cell with a higher median.
#[test]
fn a_cell_that_measured_more_is_named_beside_the_fastest() {
    let Analysis { mut matrix, .. } = analysis();
    let fast = Estimate { median: 1.7, interval: Some((0.9, 2.4)) };
    (matrix.rows[0].cells[1].speedup, matrix.rows[0].cells[1].verdict) =
        (Some(fast), Some(Verdict::Unresolved));
    let said = conclusion(&matrix, &matrix.rows[0]);
    assert!(
        said.contains("slow-one reached 1.70x, but its interval is too wide for a verdict"),
        "{said}"
    );
}
