//! The words of the page, with their formulas and where these come from.

use maud::{Markup, html};

/// The anchor and the title of the section.
pub(super) const LINK: (&str, &str) = ("glossary", "Words and formulas");

/// A word, what it means, its formula, and the source of the formula.
const WORDS: [[&str; 4]; 21] = [
    ["batch", "the indices n of the numbers F(n) that are computed by one call", "", ""],
    ["backend", "a way to run a batch on workers: where and when to compute", "", ""],
    [
        "worker",
        "a thread or a process that computes for a backend",
        "p is the number of workers",
        "",
    ],
    [
        "baseline",
        "one thread with the same kernel, unless the record names another cell",
        "T_s: its time in a round",
        "",
    ],
    [
        "speedup",
        "how many times as fast as the baseline a backend is, in the same round",
        "S = T_s / T_p",
        "",
    ],
    [
        "ceiling",
        "the speedup that copies of the baseline reach here if they share nothing",
        "C = T_s (1/c_1 + ... + 1/c_p), where c_i is the time of copy i",
        "",
    ],
    ["of ceiling", "how good the scheduler is", "S / C", ""],
    ["efficiency", "the share of their time that workers use", "S / p", ""],
    ["overhead", "what this batch paid to be parallel", "T_p - T_s / C", ""],
    [
        "interval",
        "holds the median of the next measurement too, in 98% of cases; all intervals of a batch hold together in 99%",
        "sign test over the rounds, widened by the design effect of the runs",
        "Kish, Survey Sampling, 1965",
    ],
    [
        "noise",
        "how much the baseline differs from itself, measured twice in each round",
        "A / A'",
        "",
    ],
    [
        "equal",
        "the whole interval lies within the margin around 1",
        "two one-sided tests",
        "Schuirmann, J. Pharmacokin. Biopharm. 15, 1987",
    ],
    [
        "leads",
        "is the fastest, or is not shown to be slower than the fastest",
        "comparison with the best",
        "Hsu, Annals of Statistics 9, 1981",
    ],
    ["first batch", "the speedup with the start of the pool in its time", "T_s / T_cold", ""],
    [
        "run, round",
        "a run has its own processes; a round of a run measures everything once",
        "",
        "",
    ],
    [
        "Amdahl's law",
        "a part f of the work runs on one worker",
        "S = 1 / (f + (1 - f) / p)",
        "Amdahl, AFIPS 1967",
    ],
    [
        "Karp-Flatt",
        "the serial fraction that would explain a speedup",
        "e = (1/S - 1/p) / (1 - 1/p)",
        "Karp and Flatt, CACM 33(5), 1990",
    ],
    [
        "Gustafson's law",
        "the batch grows with the workers; s is the serial share of its parallel time",
        "S = p - s (p - 1)",
        "Gustafson, CACM 31(5), 1988",
    ],
    [
        "USL",
        "contention a: workers queue; coherency b: each pair of workers must agree",
        "X = g p / (1 + a (p - 1) + b p (p - 1))",
        "Gunther, Guerrilla Capacity Planning, 2007",
    ],
    [
        "METG",
        "the smallest tasks at which workers reach an efficiency",
        "size of a task = wall time x p / tasks",
        "Slaughter et al., Task Bench, SC20",
    ],
    ["break-even", "the smallest batch that is not slower than one thread", "S = 1", ""],
];

pub(super) fn section() -> Markup {
    html! {
        section id=(LINK.0) {
            h2 { (LINK.1) }
            div.table tabindex="0" role="group" aria-label=(LINK.1) {
                table.words {
                    thead { tr { @for heading in ["word", "meaning", "formula", "source"] { th scope="col" { (heading) } } } }
                    tbody { @for [word, rest @ ..] in WORDS { tr {
                        th scope="row" { (word) }
                        @for cell in rest { td { (cell) } }
                    } } }
                }
            }
        }
    }
}
