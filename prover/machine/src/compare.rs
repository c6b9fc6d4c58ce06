//! Execution in the machine against native execution.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use alloy_primitives::{B256, Bytes};
use clap::Args;
use duplex_program::{Bundle, RangeStatement, host::holds, range_output};
use eyre::{WrapErr, bail, eyre};
use serde_json::json;

use crate::{Machine, ProgramArgs};

/// Execute bundles in the machine that proofs are about, and natively, and compare.
///
/// A bundle has a statement about batches, and all that it follows from. The machine's program makes the hash of the statement
/// public that is true of the batches; it must be what native execution says. Whether the bundle's own statement is true is
/// told, too.
#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// Bundles, or folders of them.
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// Fail unless every bundle's statement holds.
    #[arg(long)]
    all_hold: bool,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
}

impl CompareArgs {
    /// Does it, and says a line for each bundle.
    ///
    /// # Errors
    /// If machine and native execution differ on a bundle, one of the statements does not hold where all must, or a bundle cannot be
    /// read.
    pub fn run(&self) -> eyre::Result<()> {
        let machine = Machine::load(&self.program.read()?)?;
        let (mut different, mut false_ones) = (Vec::new(), 0);
        let bundles = find(&self.bundles)?;
        for path in &bundles {
            let bytes = Bytes::from(std::fs::read(path).wrap_err_with(|| path.display().to_string())?);
            let size = bytes.len();
            let start = Instant::now();
            let executed = machine.execute(&bytes);
            let seconds = start.elapsed().as_secs_f64();
            let native = natively(&bytes);
            let same = match (&executed, &native) {
                (Ok(executed), Ok((truth, _))) => executed.public == *truth,
                // There is nothing to prove, for both.
                (Err(_), Err(_)) => true,
                _ => false,
            };
            let instructions = executed.as_ref().ok().map(|done| done.instructions);
            let holds = native.as_ref().is_ok_and(|(_, holds)| *holds);
            let why = executed.as_ref().err().map(|error| format!("{error:#}"));
            let text = if self.json {
                json!({
                    "bundle": path, "bytes": size, "same": same, "holds": holds, "instructions": instructions,
                    "public": executed.as_ref().ok().map(|done| done.public), "seconds": seconds, "error": why,
                })
                .to_string()
            } else {
                let what = match (same, instructions) {
                    (false, _) => "DIFFERS from native execution".to_owned(),
                    (true, None) => format!("nothing to prove ({})", why.unwrap_or_default()),
                    (true, Some(count)) => {
                        format!("{} in {count} instructions", if holds { "holds" } else { "does not hold" })
                    }
                };
                format!("{}: {what}", path.display())
            };
            writeln!(std::io::stdout(), "{text}")?;
            false_ones += usize::from(!holds);
            if !same {
                different.push(path.display().to_string());
            }
        }
        if !different.is_empty() {
            bail!("the machine differs from native execution on {}", different.join(", "));
        }
        if self.all_hold && false_ones > 0 {
            bail!("{false_ones} of {} statements do not hold", bundles.len());
        }
        Ok(())
    }
}

/// The hash of the statement that is true, and whether it is the bundle's.
fn natively(bytes: &Bytes) -> eyre::Result<(B256, bool)> {
    let bundle = Bundle::decode(bytes, holds)?;
    let statement = *bundle.statement();
    let output = range_output(&bundle, &statement).map_err(|error| eyre!("{error}"))?;
    Ok((RangeStatement { output, ..statement }.hash(), output == statement.output))
}

/// The bundles that are named: files, and what ends with `.bundle` in folders, in order.
fn find(named: &[PathBuf]) -> eyre::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in named {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let within = |path: &Path| path.extension().is_some_and(|extension| extension == "bundle");
        let entries = std::fs::read_dir(path).wrap_err_with(|| path.display().to_string())?;
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| within(path)).collect();
        if files.is_empty() {
            bail!("{} has no file that ends with .bundle", path.display());
        }
        files.sort();
        found.append(&mut files);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Program;

    /// Where the statement ends, which is followed by the first section: its length, how many blobs it has, and the first one.
    const SECTION: usize = 192;
    const BLOBS: usize = SECTION + 4;
    const COMMITMENT: usize = BLOBS + 4;
    const PROOF: usize = COMMITMENT + 48;
    const BLOB: usize = PROOF + 48;
    /// Bytes of a blob.
    const LENGTH: usize = 131_072;
    /// How many bundles are spoilt of each kind.
    const SOME: usize = 3;

    fn blobs(bundle: &[u8]) -> usize {
        u32::from_le_bytes(bundle[BLOBS..COMMITMENT].try_into().unwrap()) as usize
    }

    /// The smallest ones of those that `cargo xtask test` had written, without blobs and with.
    fn bundles() -> [Vec<Vec<u8>>; 2] {
        let folder = std::env::var_os("DUPLEX_BUNDLES").expect("DUPLEX_BUNDLES is the folder of the bundles");
        let found = find(&[folder.into()]).unwrap();
        let mut all: Vec<Vec<u8>> = found.iter().map(|path| std::fs::read(path).unwrap()).collect();
        all.sort_by_key(Vec::len);
        [false, true].map(|with| {
            let these: Vec<_> =
                all.iter().filter(|bundle| (blobs(bundle) > 0) == with).take(SOME).cloned().collect();
            assert_eq!(these.len(), SOME, "bundles with blobs: {with}");
            these
        })
    }

    fn assert_nothing_to_prove(machine: &Machine, what: &str, bundle: Vec<u8>) {
        let bundle = Bytes::from(bundle);
        assert!(natively(&bundle).is_err(), "{what}: natively");
        assert!(machine.execute(&bundle).is_err(), "{what}: in the machine");
    }

    #[test]
    #[ignore = "takes bundles: cargo xtask test --only validity"]
    fn of_what_is_spoilt_nothing_is_proved() {
        let machine = Machine::load(&Program::committed()).unwrap();
        let [without, with] = bundles();
        let spoilt = |bundle: &[u8], at: usize| {
            let mut bundle = bundle.to_vec();
            bundle[at] ^= 1;
            bundle
        };
        for bundle in without.iter().chain(&with) {
            let preimages = COMMITMENT + blobs(bundle) * (2 * 48 + LENGTH);
            let last = bundle.len() - 1;
            // What was changed is missing, and so is what was taken out.
            assert_nothing_to_prove(&machine, "the first preimage", spoilt(bundle, preimages + 4));
            assert_nothing_to_prove(&machine, "the last preimage", spoilt(bundle, last));
            assert_nothing_to_prove(&machine, "cut off", bundle[..last].to_vec());
            // Who the chain's configuration is of, and which batches the statement is about, the program has to find again.
            assert_nothing_to_prove(&machine, "the configuration", spoilt(bundle, 0));
            assert_nothing_to_prove(&machine, "the last batch", spoilt(bundle, 3 * 32));
        }
        for bundle in &with {
            for (what, at) in [
                ("the commitment", COMMITMENT + 47),
                ("the proof", PROOF + 47),
                ("the blob's beginning", BLOB + 31),
                // Nobody reads what is there: only the proof shows that it is another blob.
                ("the blob's end", BLOB + LENGTH - 1),
            ] {
                assert_nothing_to_prove(&machine, what, spoilt(bundle, at));
            }
        }
    }
}
