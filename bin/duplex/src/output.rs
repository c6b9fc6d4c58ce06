//! What people and scripts see.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use duplex_bridge::Progress;
use serde::Serialize;

/// Whether stderr is a terminal that wants colours (<https://no-color.org>).
pub(crate) fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn colours_on_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Bold on terminals.
pub(crate) fn bold(text: &str) -> String {
    if colours_on_stdout() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Writes a line of result. A reader that went away ends the program quietly.
pub(crate) fn line(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Writes a result as JSON.
pub(crate) fn json(value: &impl Serialize) -> eyre::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes a note that is not part of the result.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Writes why the command failed.
pub(crate) fn fail(error: &eyre::Report) -> ExitCode {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("error: {text}");
    ExitCode::FAILURE
}

/// Tells on stderr what is being waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told;

impl Progress for Told {
    fn wait(&self, what: &str, expected: &str) {
        eprintln!("  waiting for {what} ({expected})");
    }

    fn done(&self, what: &str) {
        eprintln!("  {what}");
    }
}
