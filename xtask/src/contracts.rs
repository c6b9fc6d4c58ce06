//! Builds and tests the Solidity side: `contracts/`.
//!
//! Everything comes from npm: the compiler (`solc`, WebAssembly), the libraries, and `forge` for the tests.
//! The artifacts are committed, so only work on the contracts needs any of this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Compiles the contracts into `contracts/artifacts/`. With `check`, compiles into a temporary folder instead
/// and fails if anything differs from what is committed.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let contracts = root.join("contracts");
    install(&contracts)?;
    let artifacts = contracts.join("artifacts");
    if !check {
        return build(&contracts, &artifacts);
    }
    let fresh = contracts.join("cache").join("artifacts-check");
    build(&contracts, &fresh)?;
    let stale = differences(&read_artifacts(&artifacts)?, &read_artifacts(&fresh)?);
    fs::remove_dir_all(&fresh).map_err(|error| format!("cannot remove {}: {error}", fresh.display()))?;
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "committed artifacts differ from the sources: {}\nrun `cargo xtask contracts` and commit the result",
        stale.join(", ")
    ))
}

/// Runs the Solidity tests, then measures gas and compares it with `contracts/snapshots/`.
pub(crate) fn forge_test(root: &Path) -> Result<(), String> {
    let contracts = root.join("contracts");
    install(&contracts)?;
    let mut forge = Command::new(forge(&contracts)?);
    forge.arg("test").current_dir(contracts);
    execute(&mut forge, "forge")?;
    execute(forge.env("FOUNDRY_PROFILE", "gas").env("FORGE_SNAPSHOT_CHECK", "true"), "forge")
}

/// The forge of this machine's kind. Not by its wrapper in `.bin`, which ends with 0 whatever forge ends with.
pub(crate) fn forge(contracts: &Path) -> Result<PathBuf, String> {
    let packages = contracts.join("node_modules").join("@foundry-rs");
    let entries = fs::read_dir(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("forge-")))
        .map(|path| path.join("bin").join("forge"))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("npm installed no forge for this machine in {}", packages.display()))
}

/// Installs the locked npm packages, unless that has been done for the present lock file.
pub(crate) fn install(contracts: &Path) -> Result<(), String> {
    let lock = read(&contracts.join("package-lock.json"))?;
    let stamp = contracts.join("node_modules").join(".duplex-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    execute(Command::new("npm").arg("ci").current_dir(contracts), "npm")?;
    fs::write(&stamp, lock).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

fn build(contracts: &Path, out: &Path) -> Result<(), String> {
    execute(Command::new("node").arg("scripts/build.mjs").arg(out).current_dir(contracts), "node")
}

fn execute(command: &mut Command, tool: &str) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| {
        format!("cannot run {tool}: {error}\nthe contracts need Node.js 20 or later, with npm, on the PATH")
    })?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}")) }
}

/// The artifacts in a folder by file name, parsed so that only their content counts.
fn read_artifacts(folder: &Path) -> Result<BTreeMap<String, serde_json::Value>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut artifacts = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("cannot list {}: {error}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let artifact = serde_json::from_str(&read(&path)?)
                .map_err(|error| format!("{} is not JSON: {error}", path.display()))?;
            artifacts.insert(name, artifact);
        }
    }
    Ok(artifacts)
}

/// Names of the artifacts that are missing on one side or not the same on both.
fn differences(
    committed: &BTreeMap<String, serde_json::Value>,
    fresh: &BTreeMap<String, serde_json::Value>,
) -> Vec<String> {
    let names: BTreeSet<_> = committed.keys().chain(fresh.keys()).collect();
    names.into_iter().filter(|name| committed.get(*name) != fresh.get(*name)).cloned().collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_lists_changed_missing_and_surplus_artifacts() {
        let set = |items: &[(&str, u8)]| {
            items.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!(value))).collect()
        };
        let committed = set(&[("Same", 1), ("Changed", 1), ("Surplus", 1)]);
        let fresh = set(&[("Same", 1), ("Changed", 2), ("Missing", 1)]);
        assert_eq!(differences(&committed, &fresh), ["Changed", "Missing", "Surplus"]);
        assert!(differences(&fresh, &fresh).is_empty());
    }
}
