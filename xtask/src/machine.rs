//! `cargo xtask machine`: what takes too long for every run of the tests of `crates/vm`.

use std::{path::Path, process::Command};

use crate::steps::run as execute;

/// Decodes all 2^32 words in both implementations, then runs random programs, from a seed that is
/// another one each day, through interpreter, verifier and L1's contract.
pub(crate) fn run(root: &Path, programs: u64) -> Result<(), String> {
    let day = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() / 86_400);
    let seed = day << 32;
    println!("all words, then {programs} programs from seed {seed}");
    let test = |target: &[&str], filter: &str| {
        execute(
            Command::new("cargo")
                .args(["test", "--release", "--package", "duplex-vm"])
                .args(target)
                .args([filter, "--", "--nocapture"])
                .current_dir(root)
                .env("VM_ALL_WORDS", "1")
                .env("VM_FUZZ", programs.to_string())
                .env("VM_SEED", seed.to_string()),
        )
    };
    test(&["--lib"], "verify::tests")?;
    test(&["--test", "it"], "contract::the_contract_follows")
}
