//! `cargo xtask validity`: the validity program, in the machine that proofs are about, against native execution.

use std::{fs, path::Path, process::Command};

use crate::{
    guest::{Guest, build, toolchain},
    steps::run as execute,
};

/// The validity program: RV32IM and OpenVM's own instructions.
const VALIDITY: Guest = Guest {
    dir: "prover/guest",
    package: "duplex-validity",
    program: "duplex-validity",
    target: "riscv32im-risc0-zkvm-elf",
    flags: &[
        "-Cpasses=lower-atomic",
        "-Cpanic=abort",
        "-Clinker=ld.lld",
        // Where OpenVM has programs begin.
        "-Clink-arg=-Ttext=0x00200800",
        "-Clink-arg=--build-id=none",
        "-Zlocation-detail=none",
        "--cfg",
        "getrandom_backend=\"custom\"",
    ],
    arguments: &["-Zbuild-std=core,alloc,panic_abort", "-Zbuild-std-features=compiler-builtins-mem"],
    build: "validity",
};

/// Builds the program and the prover, writes a bundle for every batch of the program's tests, executes all of them in the
/// machine and natively, and compares.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let fail = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let place = root.join("target").join("validity");
    let (program, bundles) = (place.join("duplex-validity.elf"), place.join("bundles"));
    println!("building the validity program");
    let elf = build(root, &toolchain(root)?, &VALIDITY)?;
    fs::write(&program, elf).map_err(|error| fail(&program, error))?;
    println!("building duplex-prover, which takes minutes the first time");
    let prover = root.join("prover");
    let mut compile = Command::new("cargo");
    execute(compile.args(["build", "--quiet", "--locked", "--release"]).current_dir(&prover))?;
    println!("writing bundles");
    if bundles.exists() {
        fs::remove_dir_all(&bundles).map_err(|error| fail(&bundles, error))?;
    }
    fs::create_dir_all(&bundles).map_err(|error| fail(&bundles, error))?;
    let mut test = Command::new("cargo");
    test.args(["test", "--quiet", "--package", "duplex-program", "--test", "it", "--"]).current_dir(root);
    // Those that make chains; blobs, of which another one is, cannot be in bundles.
    test.args(["any::", "blocks::", "precompiles::", "ranges::"]);
    execute(test.env("DUPLEX_BUNDLES", &bundles))?;
    let mut compare = Command::new(prover.join("target/release/duplex-prover"));
    execute(compare.args(["execute", "--all-hold", "--program"]).arg(&program).arg(&bundles))
}
