//! Where the page comes from: the header of each record, and the commands that repeat it.

use crate::figure::Item;
use fib_report::{Analysis, Header};
use maud::{Markup, html};

/// The anchor and the title of the section.
pub(super) const LINK: (&str, &str) = ("records", "Where this comes from");

pub(super) fn section(analyses: &[Analysis]) -> Markup {
    let several = if analyses.len() == 1 { "RECORD" } else { "RECORDS..." };
    html! {
        section id=(LINK.0) {
            h2 { (LINK.1) }
            p { "This page was made from " (analyses.len()) " record" @if analyses.len() != 1 { "s" } " and nothing else. The same \
                 records give the same page, byte for byte:" }
            pre tabindex="0" { code { "fib report " (several) " -o report.html" } }
            p { "Each record was measured by its command:" }
            @for analysis in analyses { (record(&analysis.matrix.header)) }
        }
    }
}

/// A line that names a record above what it gave, for a page of several records.
pub(super) fn named(position: usize, analysis: &Analysis) -> Item {
    let header = &analysis.matrix.header;
    Item::Prose(html! {
        p.from {
            "Record " (position + 1)
            @if let Some(label) = &header.label { ", " (label) }
            ": " code { (header.command) }
        }
    })
}

fn record(header: &Header) -> Markup {
    html! {
        pre tabindex="0" { code { (header.command) } }
        details {
            summary { "The header of this record" }
            dl.header { @for (name, value) in fields(header) { dt { (name) } dd { (value) } } }
        }
    }
}

fn fields(header: &Header) -> Vec<(&'static str, String)> {
    let machine = &header.machine;
    let crates = header.crates.iter().map(|(name, version)| format!("{name} {version}"));
    let crates: Vec<String> = crates.collect();
    let backends: Vec<String> =
        header.backends.iter().map(|b| format!("{} ({})", b.label, b.chunking)).collect();
    let counts: Vec<String> = header.workers.iter().map(usize::to_string).collect();
    let all = [
        ("label", header.label.clone().unwrap_or_default()),
        ("processor", machine.cpu.clone()),
        ("CPUs", format!("{} of {}", header.cores, machine.logical_cpus)),
        ("system", format!("{}, kernel {}, {}", machine.os, machine.kernel, machine.arch)),
        ("host", header.host.clone().unwrap_or_default()),
        ("load before", machine.load_1min.map_or(String::new(), |load| load.to_string())),
        ("measured", date(header.started_unix_s)),
        ("fib", format!("{}, record format {}", header.version, header.schema_version)),
        ("compiler", format!("{}; {}", header.compiler, header.flags)),
        ("crates", crates.join(", ")),
        ("kernel", header.kernel.clone()),
        ("backends", backends.join(", ")),
        ("workers", counts.join(", ")),
        ("bound to CPUs", if header.pin { "yes".into() } else { "no".into() }),
        ("seed", header.seed.to_string()),
        ("time budget", format!("{} s", header.budget_s)),
        ("margin", format!("{}%", header.margin * 100.0)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// The day of a moment, as 2026-11-26 (UTC). The algorithm is that of Howard Hinnant, "chrono-compatible
/// low-level date algorithms".
fn date(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year_of_era + era * 400 + later)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_have_their_dates() {
        let days = [0, 951_782_399, 951_782_400, 1_795_706_873, 4_102_444_799].map(date);
        assert_eq!(days, ["1970-01-01", "2000-02-28", "2000-02-29", "2026-11-26", "2099-12-31"]);
        assert!(!date(u64::MAX).is_empty());
    }
}
