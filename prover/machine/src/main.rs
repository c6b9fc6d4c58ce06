//! `duplex-machine`: executes bundles, and compares.

use std::process::ExitCode;

use clap::Parser;
use duplex_machine::CompareArgs;

/// Execute bundles in the machine that validity proofs are about, and natively, and compare.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    compare: CompareArgs,
}

fn main() -> ExitCode {
    match Cli::parse().compare.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
