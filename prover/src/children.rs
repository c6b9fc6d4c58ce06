//! Steps run in processes of their own, so that what one has used is free for the next.

use std::{
    ffi::OsString,
    process::{Command, Stdio},
};

use eyre::{WrapErr, bail};

/// What a process used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    bytes: u64,
}

impl Used {
    pub(crate) fn gigabytes(self) -> f64 {
        self.bytes as f64 / 1e9
    }

    pub(crate) const fn bytes(self) -> u64 {
        self.bytes
    }
}

/// Where a step says how much memory it used, at the most.
const REPORT: &str = "DUPLEX_PROVER_REPORT";

/// Runs this program with other arguments, to its end.
pub(crate) fn run_self(arguments: &[OsString]) -> eyre::Result<Used> {
    let program = std::env::current_exe().wrap_err("where this program is")?;
    let report = std::env::temp_dir().join(format!("duplex-prover-{}.used", std::process::id()));
    let child = Command::new(&program).args(arguments).env(REPORT, &report).stdin(Stdio::piped()).spawn();
    // Its standard input is open for as long as this process lives.
    let status = child.and_then(|mut child| {
        let input = child.stdin.take();
        let status = child.wait();
        drop(input);
        status
    });
    let status = status.wrap_err_with(|| program.display().to_string())?;
    let bytes = std::fs::read_to_string(&report).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let _ = std::fs::remove_file(&report);
    if !status.success() {
        let what = arguments.iter().take(2).map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ");
        match status.code() {
            Some(code) => bail!("the step `{what}` failed ({code})"),
            // The kernel ends what takes more memory than there is.
            None => bail!("the step `{what}` was killed: did the machine run out of memory? ({status})"),
        }
    }
    Ok(Used { bytes })
}

/// In a step: ends it when who started it is gone, whatever ended that.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
}

/// In a step, at its end: tells who started it how much memory it used.
pub(crate) fn report() {
    let (Some(path), Ok(status)) = (std::env::var_os(REPORT), std::fs::read_to_string("/proc/self/status"))
    else {
        return;
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(kibibytes) = peak.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()) {
        let _ = std::fs::write(path, (kibibytes * 1024).to_string());
    }
}
