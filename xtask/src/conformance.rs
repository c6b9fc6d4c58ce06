//! Ethereum's blockchain tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::steps::{binary, cargo, run as execute, skip};

/// Runs all tests in `dir`: unpacked `.json` files, or archives of them.
pub(crate) fn run(root: &Path, dir: &Path) -> Result<(), String> {
    if !dir.exists() {
        return Err(skip(&format!("there is no {}", dir.display())));
    }
    let dir = unpacked(root, dir)?;
    // As the steps before build it: alone it would be built of dependencies with fewer features, and these a second time.
    cargo(root, &["build", "--quiet", "--workspace", "--all-targets"])?;
    execute(Command::new(binary(root).with_file_name("conformance")).arg(dir).current_dir(root))
}

/// The folder itself, or where its archives are unpacked.
fn unpacked(root: &Path, dir: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let archives: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".tar.xz"))
        .collect();
    if archives.is_empty() {
        return Ok(dir.to_owned());
    }
    let out = root.join("target").join("conformance");
    for archive in archives {
        let name =
            archive.file_name().map(|name| name.to_string_lossy().replace(".tar.xz", "")).unwrap_or_default();
        let place = out.join(&name);
        let done = place.join(".unpacked");
        if !done.exists() {
            fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
            execute(Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&place))
                .map_err(|error| format!("{error} (unpacking needs tar and xz-utils)"))?;
            fs::write(&done, b"").map_err(|error| format!("{}: {error}", done.display()))?;
        }
    }
    Ok(out)
}
