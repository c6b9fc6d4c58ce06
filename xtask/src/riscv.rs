//! Compiles what runs in proofs for the proof machine.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::steps::{run as execute, skip};

/// Bare RV64IM, atomics lowered to plain loads and stores: the machine has one hart.
const TARGET: &str = "riscv64imac-unknown-none-elf";
const FLAGS: &str = "-C target-feature=-c -C passes=lower-atomic --cfg getrandom_backend=\"custom\"";

/// A compiler that has the sources of `core` and `alloc` beside it.
struct Toolchain {
    rustc: PathBuf,
    cargo: PathBuf,
}

fn toolchain() -> Option<Toolchain> {
    let candidates = [("/usr/bin/rustc", "cargo"), ("rustc", "cargo")];
    for (rustc, cargo) in candidates {
        let Ok(output) = Command::new(rustc).args(["--print", "sysroot"]).output() else { continue };
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml").exists() {
            return Some(Toolchain { rustc: rustc.into(), cargo: cargo.into() });
        }
    }
    None
}

/// Compiles derivation and the state-transition function for RV64IM, without std.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let Some(toolchain) = toolchain() else {
        return Err(skip(
            "no compiler with the sources of core: install Debian's rustc-web, rust-web-src and lld, or rustup's rust-src",
        ));
    };
    let mut command = Command::new(&toolchain.cargo);
    command
        .args([
            "build",
            "--release",
            "--package",
            "duplex-stf",
            "--package",
            "duplex-derivation",
            "--no-default-features",
            "--features",
            "duplex-stf/k256",
        ])
        .args(["--target", TARGET, "-Zbuild-std=core,alloc", "--target-dir", "target/riscv"])
        .current_dir(root)
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN");
    execute(&mut command)
}
