//! `duplex-prover prove`.

use std::{ffi::OsString, path::PathBuf, time::Instant};

use clap::Args;
use serde_json::json;

use crate::{
    children::{ParentArgs, Stop, Used, run_self},
    files,
    job::{Job, LEAF, Node},
    parameters::Parameters,
    setup::KeyArgs,
    steps::ProveStep,
};

/// How long a segment may become, as memory.
#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    /// Most memory for proving a segment, in MiB. Segments become as long as that allows: with 8192 instead of 14336 proving takes
    /// twice as long. From 16384 on four are brought together at once instead of two. A proof for L1 takes 14 GB with development
    /// parameters, whatever is said here.
    #[arg(long, env = "DUPLEX_PROVER_MEMORY", value_name = "MIB", default_value_t = 14336, value_parser = clap::value_parser!(u64).range(4096..))]
    memory: u64,
}

/// Of what a process takes, the tables that the machine counts in are more than this part: from 0.26, with transfers of ERC-20s, to 0.41.
const TABLES: (u64, u64) = (1, 4);

/// A leaf over as many segments as there can be takes this much.
const WIDE: u64 = 16 << 10;

impl MemoryArgs {
    pub(crate) fn segment(&self) -> usize {
        (self.memory * TABLES.0 / TABLES.1 * (1 << 20)) as usize
    }

    /// How many segments a leaf brings together.
    pub(crate) const fn leaf(&self) -> usize {
        if self.memory < WIDE { 2 } else { LEAF }
    }

    fn to_arguments(&self) -> [OsString; 2] {
        ["--memory".into(), self.memory.to_string().into()]
    }
}

/// Prove that a bundle's statement is true, step by step: segments, one STARK, and a proof for L1.
///
/// Every step leaves what it makes in the folder, and one that was interrupted goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    /// Folder of this proof. Default: beside the bundle, with its name.
    #[arg(long, value_name = "DIR")]
    job: Option<PathBuf>,
    /// Stop at the STARK, before the proof for L1.
    #[arg(long)]
    stark_only: bool,
    /// Print a JSON line for each step instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    parent: ParentArgs,
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

/// Runs a step, or the part of it that has these nodes, in a process of its own, which can be stopped.
pub(crate) fn run_step(
    step: ProveStep,
    job: &Job,
    keys: &KeyArgs,
    memory: &MemoryArgs,
    only: Option<&[Node]>,
    stop: &Stop,
) -> eyre::Result<Used> {
    let mut arguments: Vec<OsString> = vec!["prove-step".into(), step.name().into()];
    arguments.extend(keys.to_arguments());
    arguments.extend(memory.to_arguments());
    if let Some(only) = only {
        let nodes: Vec<String> = only.iter().map(Node::to_string).collect();
        arguments.extend(["--only".into(), nodes.join(",").into()]);
    }
    arguments.push(job.folder().into());
    run_self(&arguments, stop)
}

pub(crate) fn run(args: &ProveArgs) -> eyre::Result<()> {
    args.parent.heed();
    let keys = args.keys.keys();
    let folder = args.job.clone().unwrap_or_else(|| args.bundle.with_extension("proof"));
    let job = Job::create(&folder, &files::read(&args.bundle)?.into())?;
    let steps = if args.stark_only { &ProveStep::ALL[..2] } else { &ProveStep::ALL };
    for (i, step) in steps.iter().enumerate() {
        if step.is_done(&job, &keys) {
            continue;
        }
        if !args.json {
            eprintln!("{}/{}  {}", i + 1, steps.len(), step.what());
        }
        let start = Instant::now();
        let used = run_step(*step, &job, &args.keys, &args.memory, None, &Stop::default())?;
        let seconds = start.elapsed().as_secs_f64();
        if args.json {
            println!("{}", json!({ "step": step.name(), "seconds": seconds, "bytes": used.bytes() }));
        } else {
            eprintln!("     {seconds:.0} s, {:.1} GB", used.gigabytes());
        }
        if *step == ProveStep::Segments && !args.json {
            let cut = job.segments()?;
            let tree = cut.tree();
            eprintln!(
                "     {} instructions in {} segments, {} proofs in the tree",
                cut.instructions,
                cut.segments.len(),
                tree.nodes()
            );
        }
    }
    let result = if args.stark_only { job.stark_path() } else { job.l1_path(&keys) };
    if args.json {
        println!("{}", json!({ "proof": result, "statement": job.statement()?.hash() }));
    } else {
        println!("{}", result.display());
        if !args.stark_only && args.keys.parameters == Parameters::Development {
            println!(
                "With development parameters, which anybody can forge proofs for: for development chains only."
            );
        }
    }
    Ok(())
}
