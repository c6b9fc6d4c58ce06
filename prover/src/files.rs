//! Files that are there whole or not at all.

use std::{
    fs::{self, File},
    io::{BufWriter, Read, Write},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use alloy_primitives::B256;
use eyre::{WrapErr, eyre};
use openvm_stark_backend::codec::{Decode, Encode};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// How many files this process wrote.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Makes a folder, if it is not there.
pub(crate) fn make_folder(folder: &Path) -> eyre::Result<()> {
    fs::create_dir_all(folder).wrap_err_with(|| folder.display().to_string())
}

/// Writes a file beside its name, and then gives it that: what is there under a name is complete. The folder must be there: one that
/// was removed stays so.
pub(crate) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> eyre::Result<()>,
) -> eyre::Result<()> {
    let named = || path.display().to_string();
    let name = path.file_name().ok_or_else(|| eyre!("{} is no name of a file", path.display()))?;
    // Two processes or threads that write the same do not meet.
    let (process, nth) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    let partial = path.with_file_name(format!(".{}.{process}.{nth}", name.to_string_lossy()));
    let done = File::create(&partial).map_err(eyre::Report::from).and_then(|file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&partial, path)?;
        Ok(())
    });
    if done.is_err() {
        let _ = fs::remove_file(&partial);
    }
    done.wrap_err_with(named)
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> eyre::Result<()> {
    write_with(path, |file| Ok(file.write_all(bytes)?))
}

pub(crate) fn read(path: &Path) -> eyre::Result<Vec<u8>> {
    fs::read(path).wrap_err_with(|| path.display().to_string())
}

/// In the proof system's own encoding.
pub(crate) fn encode(path: &Path, value: &impl Encode) -> eyre::Result<()> {
    write_with(path, |file| Ok(value.encode(file)?))
}

/// In the proof system's own encoding, as a stream: some keys are gigabytes.
pub(crate) fn decode<T: Decode>(path: &Path) -> eyre::Result<T> {
    let named = || path.display().to_string();
    let file = File::open(path).wrap_err_with(named)?;
    let mut reader = std::io::BufReader::with_capacity(1 << 20, file);
    let value = T::decode(&mut reader).wrap_err_with(named)?;
    let mut more = [0];
    if reader.read(&mut more).wrap_err_with(named)? != 0 {
        return Err(eyre!("{}: more than what it should have", path.display()));
    }
    Ok(value)
}

/// In the SDK's encoding of what serde knows. (The proof system's own loses its way in the last STARK.)
pub(crate) fn write_object(path: &Path, value: &impl Serialize) -> eyre::Result<()> {
    // The SDK writes in place: a name of its own until it is whole.
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    openvm_sdk::fs::write_object_to_file(&partial, value)?;
    fs::rename(&partial, path).wrap_err_with(|| path.display().to_string())
}

pub(crate) fn read_object<T: DeserializeOwned>(path: &Path) -> eyre::Result<T> {
    openvm_sdk::fs::read_object_from_file(path)
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> eyre::Result<()> {
    write_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        Ok(file.write_all(b"\n")?)
    })
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> eyre::Result<T> {
    serde_json::from_slice(&read(path)?).wrap_err_with(|| path.display().to_string())
}

/// SHA-256 of a file.
pub(crate) fn digest(path: &Path) -> eyre::Result<B256> {
    let named = || path.display().to_string();
    let mut file = File::open(path).wrap_err_with(named)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).wrap_err_with(named)? {
            0 => return Ok(B256::from_slice(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}
