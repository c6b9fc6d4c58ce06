//! The report as plain text.

use core::fmt;

use super::{
    Report,
    sections::{Block, Section, sections},
};

const WIDTH: usize = 108;

/// Sections of tables and sentences, and the verdict at the end.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in sections(self) {
            write_section(f, section)?;
        }
        writeln!(f, "{}\n", wrap(&headline(self), 0, 0))?;
        for check in &self.verdict.checks {
            let mark = if check.passed { "ok" } else { "NO" };
            let mut text = format!("{mark}  {}: {}.", check.name, check.because);
            if !check.passed {
                text = format!("{text} Way out: {}.", check.way_out);
            }
            writeln!(f, "{}", wrap(&text, 2, 6))?;
        }
        Ok(())
    }
}

/// A section's heading, tables and sentences.
pub(crate) fn write_section(f: &mut fmt::Formatter<'_>, section: Section) -> fmt::Result {
    writeln!(f, "{}\n", section.title)?;
    for block in section.blocks {
        match block {
            Block::Text(text) if text.is_empty() => {}
            Block::Text(text) => writeln!(f, "{}\n", wrap(&text, 2, 2))?,
            Block::Table(head, rows) => table(f, &head, &rows)?,
            Block::Chart(_) => {}
        }
    }
    Ok(())
}

/// The verdict in a sentence.
pub(super) fn headline(report: &Report) -> String {
    let verdict = &report.verdict;
    let failed = |funds| {
        let names = verdict.checks.iter().filter(|check| !check.passed && check.funds == funds);
        names.map(|check| check.name).collect::<Vec<_>>().join(", ")
    };
    let (value, budget) = (report.setting.value, report.setting.budget);
    if !verdict.funds_safe {
        return format!(
            "NOT SAFE for {value} with {budget} at hand, because it does not withstand: {}.",
            failed(true)
        );
    }
    let safe = format!(
        "SAFE for {value} with {budget} at hand, because that is more than the {} needed, somebody looks, and L1 cannot be \
         bought",
        report.needed_capital
    );
    if verdict.all_well {
        format!("{safe}.")
    } else {
        format!("{safe}. But bonds and finality do not withstand: {}.", failed(false))
    }
}

fn table(f: &mut fmt::Formatter<'_>, head: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(head[column].chars().count())
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    // A table without a heading is one of words, one with a heading of numbers.
    let words = head.iter().all(|name| name.is_empty());
    let line = |cells: &[&str]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 || words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    if !words {
        writeln!(f, "{}", line(head))?;
    }
    for row in rows {
        writeln!(f, "{}", line(&row.iter().map(String::as_str).collect::<Vec<_>>()))?;
    }
    writeln!(f)
}

/// Breaks lines between words; the first is indented by `first`, the others by `rest`.
fn wrap(text: &str, first: usize, rest: usize) -> String {
    let mut lines = vec![" ".repeat(first)];
    for (index, word) in text.split(' ').enumerate() {
        let line = lines.last_mut().filter(|line| line.len() + 1 + word.len() <= WIDTH);
        match line {
            Some(line) => {
                if index > 0 {
                    line.push(' ');
                }
                line.push_str(word);
            }
            None => lines.push(format!("{}{word}", " ".repeat(rest))),
        }
    }
    lines.join("\n")
}
