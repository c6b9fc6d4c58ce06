//! `duplex-prover`: what validity proofs are made of.

mod children;
mod files;
mod job;
mod keys;
mod machine;
mod parameters;
mod progress;
mod prove;
mod reference;
mod serve;
mod setup;
mod status;
mod steps;
mod verify;
mod work;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Validity proofs of Duplex: that batches make of one output root another.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the keys that proving and verifying need.
    Setup(setup::SetupArgs),
    /// Prove a bundle's statement.
    Prove(prove::ProveArgs),
    /// Take bundles over HTTP, and prove them.
    Serve(serve::ServeArgs),
    /// Help another prover that serves.
    Work(work::WorkArgs),
    /// Say how far proofs are.
    Status(status::StatusArgs),
    /// Verify the STARK of a run of batches.
    Verify(verify::VerifyArgs),
    /// Execute bundles in the machine that proofs are about, and natively, and compare.
    Execute(duplex_machine::CompareArgs),
    /// A step of `setup`.
    #[command(hide = true)]
    MakeKeys {
        step: keys::SetupStep,
        #[command(flatten)]
        keys: setup::KeyArgs,
    },
    /// A step of `prove`.
    #[command(hide = true)]
    ProveStep {
        step: steps::ProveStep,
        #[command(flatten)]
        keys: setup::KeyArgs,
        #[command(flatten)]
        memory: prove::MemoryArgs,
        /// Only these segments or nodes.
        #[arg(long, value_delimiter = ',')]
        only: Option<Vec<job::Node>>,
        job: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Setup(args) => setup::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::Work(args) => work::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Execute(args) => args.run(),
        Command::MakeKeys { step, keys } => {
            children::end_with_parent();
            let done = keys.program.read().and_then(|program| keys.keys().make(step, &program));
            children::report();
            done
        }
        Command::ProveStep { step, keys, memory, only, job } => {
            children::end_with_parent();
            let done = job::Job::open(&job).and_then(|job| {
                step.run(&job, &keys.keys(), &keys.program.read()?, &memory, only.as_deref())
            });
            children::report();
            done
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
