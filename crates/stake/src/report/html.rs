//! The report as a page that needs nothing else: no script, no font, no network.

use core::fmt::Write;

use super::{
    Report,
    sections::{Block, Section, sections},
    text::headline,
};
use crate::chart::{Chart, escape};

const STYLE: &str = "\
:root{color-scheme:light dark;--back:#fff;--text:#1d2127;--soft:#59616c;--rule:#dfe3e8;--good:#00684a;--bad:#b33a00}\
@media (prefers-color-scheme:dark){:root{--back:#15181d;--text:#e6e9ee;--soft:#a7b0bc;--rule:#2b3038;--good:#2fd3a6;--bad:#ff8c42}}\
body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--back);color:var(--text);\
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem}p{max-width:46rem}.scroll{overflow-x:auto}\
table{border-collapse:collapse;font-size:.9rem;margin:1rem 0}th,td{padding:.3rem .8rem .3rem 0;text-align:right;\
border-bottom:1px solid var(--rule);vertical-align:top}th{color:var(--soft);font-weight:600}\
th:first-child,td:first-child,.words td{text-align:left}td:first-child{white-space:nowrap}svg{width:100%;height:auto;margin:1rem 0}\
.verdict{border-left:.4rem solid;padding:.2rem 1rem;font-weight:600}.good{border-color:var(--good)}.bad{border-color:var(--bad)}\
li{margin:.5rem 0}.yes{color:var(--good)}.no{color:var(--bad)}";

pub(super) fn page(report: &Report) -> String {
    let checks: Vec<(bool, String)> = report
        .verdict
        .checks
        .iter()
        .map(|check| {
            let way_out = if check.passed { String::new() } else { format!(" Way out: {}.", check.way_out) };
            (check.passed, format!("{}: {}.{way_out}", check.name, check.because))
        })
        .collect();
    let good = report.verdict.funds_safe;
    let title = "How much stake is enough";
    document(title, &headline(report), good, &checks, sections(report), &report.charts())
}

/// A page: a verdict, what it rests on, sections with tables and charts.
pub(crate) fn document(
    title: &str,
    headline: &str,
    good: bool,
    checks: &[(bool, String)],
    sections: Vec<Section>,
    charts: &[Chart],
) -> String {
    let mut body = String::new();
    let class = if good { "good" } else { "bad" };
    // Writing to a string does not fail.
    let _ = writeln!(body, "<h1>{}</h1>", escape(title));
    let _ = writeln!(body, r#"<p class="verdict {class}">{}</p>"#, escape(headline));
    if !checks.is_empty() {
        body.push_str("<ul>\n");
        for (passed, text) in checks {
            let (class, mark) = if *passed { ("yes", "yes") } else { ("no", "no") };
            let _ = writeln!(body, r#"<li><strong class="{class}">{mark}</strong> {}</li>"#, escape(text));
        }
        body.push_str("</ul>\n");
    }
    for section in sections {
        let _ = writeln!(body, "<h2>{}</h2>", escape(section.title));
        for block in section.blocks {
            match block {
                Block::Text(text) if text.is_empty() => {}
                Block::Text(text) => {
                    let _ = writeln!(body, "<p>{}</p>", escape(&text));
                }
                Block::Table(head, rows) => table(&mut body, &head, &rows),
                Block::Chart(file) => {
                    if let Some(chart) = charts.iter().find(|chart| chart.file == file) {
                        body.push_str(&chart.svg);
                    }
                }
            }
        }
    }
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn table(body: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let words = head.iter().all(|name| name.is_empty());
    body.push_str(if words {
        r#"<div class="scroll"><table class="words">"#
    } else {
        r#"<div class="scroll"><table>"#
    });
    if !words {
        body.push_str("<thead><tr>");
        for name in head {
            let _ = write!(body, r#"<th scope="col">{}</th>"#, escape(name));
        }
        body.push_str("</tr></thead>");
    }
    body.push_str("<tbody>\n");
    for row in rows {
        body.push_str("<tr>");
        for cell in row {
            let _ = write!(body, "<td>{}</td>", escape(cell));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
}
