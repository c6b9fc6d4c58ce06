//! Steps run in processes of their own, so that what one has used is free for the next.

use std::{
    ffi::OsString,
    io,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::Args;
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

/// Ends a step from elsewhere, before it is done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<Mutex<Stopping>>);

#[derive(Debug, Default)]
struct Stopping {
    stopped: bool,
    /// A step runs for as long as its standard input is open.
    input: Option<ChildStdin>,
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, Stopping> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The step that runs ends, and none is begun any more.
    pub(crate) fn stop(&self) {
        let mut stopping = self.lock();
        stopping.stopped = true;
        stopping.input = None;
    }

    /// Waits until a step has ended.
    fn wait(&self, mut step: Child) -> io::Result<ExitStatus> {
        let input = step.stdin.take();
        {
            let mut stopping = self.lock();
            // If it was stopped before, the step's input ends here.
            stopping.input = input.filter(|_| !stopping.stopped);
        }
        let status = step.wait();
        self.lock().input = None;
        status
    }
}

/// Where a step says how much memory it used, at the most.
const REPORT: &str = "DUPLEX_PROVER_REPORT";

/// Runs this program with other arguments, to its end or until it is stopped.
pub(crate) fn run_self(arguments: &[OsString], stop: &Stop) -> eyre::Result<Used> {
    let program = std::env::current_exe().wrap_err("where this program is")?;
    let report = std::env::temp_dir().join(format!("duplex-prover-{}.used", std::process::id()));
    let child = Command::new(&program).args(arguments).env(REPORT, &report).stdin(Stdio::piped()).spawn();
    let status = child.and_then(|child| stop.wait(child));
    let status = status.wrap_err_with(|| program.display().to_string())?;
    let bytes = std::fs::read_to_string(&report).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let _ = std::fs::remove_file(&report);
    if stop.lock().stopped {
        bail!("it was stopped");
    }
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

/// For who starts this program, and may be killed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ParentArgs {
    /// Stop when standard input ends: for who starts this and may be killed.
    #[arg(long)]
    stop_with_stdin: bool,
}

impl ParentArgs {
    /// Ends this process with its parent, if that is wanted. Steps that run end with it; what they left goes on next time.
    pub(crate) fn heed(self) {
        if self.stop_with_stdin {
            end_with_parent();
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Something that runs for as long as its standard input is open.
    fn step() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn what_is_stopped_ends() {
        let stop = Stop::default();
        let running = std::thread::spawn({
            let stop = stop.clone();
            move || stop.wait(step()).unwrap()
        });
        while stop.lock().input.is_none() {
            std::thread::yield_now();
        }
        assert!(!running.is_finished());
        stop.stop();
        assert!(running.join().unwrap().success());
        assert!(stop.wait(step()).unwrap().success(), "and so does what comes later");
    }
}
