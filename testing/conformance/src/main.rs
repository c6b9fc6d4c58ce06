//! Runs a folder of Ethereum blockchain tests and compares the failures with a committed list.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cases;

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use cases::run;

/// One expected failure per line: the test's name, a tab, the reason.
const EXPECTED: &str = include_str!("../expected-failures.txt");

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1) else {
        eprintln!("usage: conformance DIR, a folder of Ethereum blockchain tests (unpacked .json files)");
        return ExitCode::from(2);
    };
    let summary = match run(Path::new(&dir)) {
        Ok(summary) => summary,
        Err(error) => {
            eprintln!("conformance: {error}");
            return ExitCode::from(2);
        }
    };
    let mut expected: BTreeMap<&str, &str> = EXPECTED
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('\t').unwrap_or((line, "")))
        .collect();
    let mut unexpected = 0;
    for (name, why) in &summary.failed {
        if expected.remove(name.as_str()).is_none() {
            unexpected += 1;
            println!("FAILED {name}\n       {why}");
        }
    }
    println!("{} passed, {} failed", summary.passed, summary.failed.len());
    if unexpected > 0 {
        eprintln!("{unexpected} failures are not in testing/conformance/expected-failures.txt");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
