//! The project's own chores.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod clients;
mod conformance;
mod contracts;
mod fuzz;
mod guest;
mod machine;
mod mutate;
mod steps;
mod validity;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

const USAGE: &str = "\
The project's own chores.

  cargo xtask test [--data DIR] [--only STEP,…] [--skip STEP,…]
                              all tests; the steps are printed with their names. DIR holds
                              Ethereum's blockchain tests (as .tar.xz, or unpacked)
  cargo xtask contracts [--check]
                              build contracts/artifacts from the Solidity sources, or check
                              that they are what the sources give
  cargo xtask conformance DIR run a folder of Ethereum blockchain tests
  cargo xtask clients         cast, ethers and viem against a devnet
  cargo xtask fuzz [SECONDS [TARGET]]
                              run the fuzz targets (content, blob, derive), 60 s each unless given
  cargo xtask guest [--check | --cost]
                              build the programs that are proved (guest/, prover/guest/), check that
                              what is committed is what the sources give, or measure blocks in the
                              machine of disputes
  cargo xtask machine [PROGRAMS]
                              the machine's long tests: all 2^32 words (some 20 minutes), and random
                              programs (50000 unless given, some 60 steps each) in the contract
  cargo xtask validity [--instructions | --prove]
                              compare the validity program in its machine with native execution,
                              build the prover (prover/; minutes) and test it, and compare what
                              transactions cost with what is committed; or count that anew, or make
                              the committed proof anew (half an hour, 14 GB)
  cargo xtask mutate [FILE…]  take the lane contracts' checks away one by one, and see whether a test
                              notices (some 5 s each); FILEs are paths in contracts/
";

/// The workspace's root.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let result = match args.as_slice() {
        ["test", options @ ..] => steps::test(&root, options),
        ["contracts"] => contracts::run(&root, false),
        ["contracts", "--check"] => contracts::run(&root, true),
        ["conformance", dir] => conformance::run(&root, Path::new(dir)),
        ["clients"] => clients::run(&root),
        ["fuzz", rest @ ..] if rest.len() <= 2 => match rest.first().map_or(Ok(60), |text| text.parse()) {
            Ok(seconds) => fuzz::fuzz(&root, seconds, rest.get(1).copied()),
            Err(_) => Err(format!("{:?} is no number of seconds", rest[0])),
        },
        ["guest"] => guest::run(&root, false),
        ["guest", "--check"] => guest::run(&root, true),
        ["guest", "--cost"] => guest::cost(&root),
        ["validity"] => validity::run(&root),
        ["validity", "--prove"] => validity::prove(&root),
        ["validity", "--instructions"] => validity::count(&root),
        ["mutate", files @ ..] => mutate::mutate(&root, files),
        ["machine"] => machine::run(&root, 50_000),
        ["machine", programs] => match programs.parse() {
            Ok(programs) => machine::run(&root, programs),
            Err(_) => Err(format!("{programs:?} is no number of programs")),
        },
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
