//! `duplex-prover setup`.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use duplex_machine::ProgramArgs;
use eyre::bail;

use crate::{
    children::{ParentArgs, Stop, run_self},
    keys::{Keys, SetupStep},
    parameters::Parameters,
};

/// Where keys are, and of what.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Folder of the keys.
    #[arg(long, env = "DUPLEX_PROVER_KEYS", value_name = "DIR", default_value = "prover-keys")]
    pub(crate) keys: PathBuf,
    /// The parameters of the proof for L1: development's proofs can be forged.
    #[arg(long = "params", env = "DUPLEX_PROVER_PARAMS", value_enum, default_value = "development")]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
}

impl KeyArgs {
    pub(crate) fn keys(&self) -> Keys {
        Keys::new(&self.keys, self.parameters)
    }

    /// As arguments for a process of our own.
    pub(crate) fn to_arguments(&self) -> Vec<std::ffi::OsString> {
        let mut arguments: Vec<std::ffi::OsString> = vec!["--keys".into(), self.keys.clone().into()];
        arguments.extend(["--params".into(), self.parameters.to_string().into()]);
        if let Some(path) = self.program.path() {
            arguments.extend(["--program".into(), path.into()]);
        }
        arguments
    }
}

/// Make the keys that proving and verifying need, once for a program. Steps that were done are not done again.
///
/// With `--params development` this takes some 14 GB of memory; with `--params production` more than 24 GB, and the reference
/// string of a ceremony (`--srs`).
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    keys: KeyArgs,
    /// The reference string of a ceremony: raw points for 2^23 or more.
    #[arg(long, value_name = "FILE", requires = "srs_digest")]
    srs: Option<PathBuf>,
    /// SHA-256 of that file, from who published it.
    #[arg(long, value_name = "HASH", requires = "srs")]
    srs_digest: Option<String>,
    /// Stop before the keys of the proof for L1: enough to make and verify STARKs.
    #[arg(long)]
    stark_only: bool,
    /// Make the keys again, whatever is there.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    parent: ParentArgs,
}

pub(crate) fn run(args: &SetupArgs) -> eyre::Result<()> {
    args.parent.heed();
    let keys = args.keys.keys();
    if let (Some(file), Some(digest)) = (&args.srs, &args.srs_digest) {
        if args.keys.parameters == Parameters::Development {
            bail!("the development's reference string is made here: --srs is for --params production");
        }
        keys.references().adopt(file, digest)?;
    }
    let other = keys.is_done(SetupStep::Machine) && !keys.pins()?.are_of(&args.keys.program.read()?);
    let steps = if args.stark_only { &SetupStep::ALL[..1] } else { &SetupStep::ALL };
    for (i, step) in steps.iter().enumerate() {
        // All else is the same for every program and machine.
        let stale = other && *step == SetupStep::Machine;
        if keys.is_done(*step) && !args.again && !stale {
            continue;
        }
        eprintln!("{}/{}  {}", i + 1, steps.len(), step.what());
        let start = Instant::now();
        let mut arguments = vec!["make-keys".into(), step.name().into()];
        arguments.extend(args.keys.to_arguments());
        let used = run_self(&arguments, &Stop::default())?;
        eprintln!("     {:.0} s, {:.1} GB", start.elapsed().as_secs_f64(), used.gigabytes());
    }
    let pins = keys.pins()?;
    println!("program  {}", pins.program_commitment);
    println!("machine  {}", pins.machine_commitment);
    if args.keys.parameters == Parameters::Development && !args.stark_only {
        println!("These are development parameters: anybody can forge proofs for L1 with them.");
    }
    Ok(())
}
