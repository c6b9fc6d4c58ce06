//! Clients nobody here wrote, and anvil as an L1 nobody here wrote: from npm.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::steps::{binary, run as execute};

/// Installs what the lock file names. Not `npm ci`: the lock file has the programs of the platform
/// that wrote it, and `npm ci` wants those of all others in it too.
const INSTALL: [&str; 5] = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];

/// A process that ends with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join("testing").join("clients")
}

/// Installs the locked packages, unless that was done for the present lock file.
fn install(root: &Path) -> Result<PathBuf, String> {
    let folder = folder(root);
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let lock = read(&folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules").join(".duplex-lock");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        execute(Command::new("npm").args(INSTALL).current_dir(&folder))
            .map_err(|error| format!("{error} (the client tests need Node.js 20 or later with npm)"))?;
        fs::write(&stamp, lock).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(folder)
}

/// The anvil binary.
pub(crate) fn anvil(root: &Path) -> Result<PathBuf, String> {
    let packages = install(root)?.join("node_modules").join("@foundry-rs");
    let entries = fs::read_dir(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join("anvil")))
        .find(|path| path.is_file() && path.to_string_lossy().contains("anvil-"))
        .ok_or_else(|| format!("npm installed no anvil for this machine in {}", packages.display()))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|addr| addr.port()).map_err(|error| error.to_string())
}

/// Runs the client tests against a devnet.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let folder = install(root)?;
    let data = root.join("target").join("clients-devnet");
    let (l1, l2) = (free_port()?, free_port()?);
    let mut child = Command::new(binary(root))
        .args([
            "up",
            "--fresh",
            "--l1-port",
            &l1.to_string(),
            "--l2-port",
            &l2.to_string(),
            "--log",
            "warn",
            "--data-dir",
        ])
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            format!("cannot start the devnet: {error}; build it with cargo build --package duplex")
        })?;
    let stdout = child.stdout.take();
    let _running = Running(child);
    let mut lines = stdout.map(BufReader::new).into_iter().flat_map(BufRead::lines);
    if !lines.any(|line| line.is_ok_and(|line| line.starts_with("Ready"))) {
        return Err("the devnet did not start".into());
    }
    execute(
        Command::new("npm")
            .args(["test", "--silent"])
            .current_dir(folder)
            .env("L1_RPC", format!("http://127.0.0.1:{l1}"))
            .env("L2_RPC", format!("http://127.0.0.1:{l2}"))
            .env("DEPLOYMENT", data.join("deployment.json")),
    )
}
