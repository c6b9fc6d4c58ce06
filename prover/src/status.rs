//! `duplex-prover status`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use crate::{
    job::Job,
    keys::Keys,
    parameters::Parameters,
    progress::{Timings, progress},
    steps::ProveStep,
};

/// Say how far proofs are, from what is on disk.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Folder of the keys.
    #[arg(long, env = "DUPLEX_PROVER_KEYS", value_name = "DIR", default_value = "prover-keys")]
    keys: PathBuf,
    /// The parameters of the proofs for L1.
    #[arg(long = "params", env = "DUPLEX_PROVER_PARAMS", value_enum, default_value = "development")]
    parameters: Parameters,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// Folders of proofs, or a folder of such folders, as `serve` has one.
    #[arg(value_name = "DIR", default_value = "prover-jobs")]
    jobs: Vec<PathBuf>,
}

pub(crate) fn run(args: &StatusArgs) -> eyre::Result<()> {
    let keys = Keys::new(&args.keys, args.parameters);
    let timings = Timings::load(&keys);
    let mut out = std::io::stdout().lock();
    for path in args.jobs.iter().flat_map(|path| jobs(path)) {
        let job = Job::open(&path)?;
        let (statement, now) = (job.statement()?.hash(), progress(&job, &keys, &timings, &ProveStep::ALL));
        if args.json {
            writeln!(out, "{}", json!({ "job": path, "statement": statement, "progress": now }))?;
            continue;
        }
        let what = match &now.step {
            None => "proved".to_owned(),
            Some(step) => format!(
                "{:.0} %, {step} {}/{}, about {:.0} s left",
                now.percent, now.done, now.total, now.seconds_left
            ),
        };
        writeln!(out, "{statement}  {what}")?;
    }
    Ok(())
}

/// A folder of a proof is itself; of any other those in it.
fn jobs(path: &Path) -> Vec<PathBuf> {
    if Job::open(path).is_ok() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| Job::open(path).is_ok()).collect();
    found.sort();
    // Nothing there is said by opening it.
    if found.is_empty() { vec![path.to_owned()] } else { found }
}
