//! `duplex-prover`: what validity proofs are made of.

mod execute;
mod machine;

use std::process::ExitCode;

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
    /// Execute bundles in the machine that proofs are about, and natively, and compare.
    Execute(execute::ExecuteArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Execute(args) => execute::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
