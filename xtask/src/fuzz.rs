//! `cargo xtask fuzz`: runs the fuzz targets for a while.
//!
//! With the coverage flags that cargo-fuzz uses, on stable Rust and without a sanitizer: the code
//! has no `unsafe`. New inputs go to `target/fuzz/corpus`; what is committed stays as it is.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::steps::{run, skip};

const TARGETS: [&str; 3] = ["content", "blob", "derive"];
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Builds the targets and runs each for `seconds`.
pub(crate) fn fuzz(root: &Path, seconds: u64, only: Option<&str>) -> Result<(), String> {
    let targets: Vec<&str> =
        TARGETS.into_iter().filter(|target| only.is_none_or(|name| name == *target)).collect();
    if targets.is_empty() {
        return Err(format!(
            "there is no target {}; the targets are {}",
            only.unwrap_or(""),
            TARGETS.join(", ")
        ));
    }
    let compiler = Command::new("c++").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !compiler.is_ok_and(|status| status.success()) {
        return Err(skip("libFuzzer needs a C++ compiler: install g++"));
    }
    let host = host()?;
    let dir = root.join("fuzz");
    let built = root.join("target").join("fuzz");
    run(Command::new("cargo")
        // With a target named, build scripts and macros are built without the flags.
        .args(["build", "--release", "--quiet", "--locked", "--bins", "--target", &host, "--target-dir"])
        .arg(&built)
        .env("RUSTFLAGS", FLAGS)
        .current_dir(&dir))?;
    for target in targets {
        println!("fuzzing {target} for {seconds} s");
        let found = built.join("corpus").join(target);
        let crashes = built.join("crashes").join("");
        for path in [&found, &crashes] {
            std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let output = Command::new(built.join(&host).join("release").join(target))
            .arg(&found)
            .arg(dir.join("corpus").join(target))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/{target}-", crashes.display()))
            .args([
                "-timeout=20",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
                "-verbosity=0",
                "-max_len=8192",
            ])
            .output()
            .map_err(|error| format!("cannot run {target}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{target} failed; its input is in {}\n{said}", crashes.display()));
        }
        let stat = |name: &str| {
            said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned()
        };
        println!("  {} inputs", stat("stat::number_of_executed_units:"));
    }
    Ok(())
}

/// The triple of this machine.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(Into::into).ok_or_else(|| "rustc -vV does not name its host".into())
}
