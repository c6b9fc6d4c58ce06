//! `duplex-prover verify`.

use std::{io::Write, path::PathBuf, time::Instant};

use alloy_primitives::B256;
use clap::Args;
use eyre::{WrapErr, bail, eyre};
use openvm_stark_backend::p3_field::PrimeField32;
use openvm_verify_stark_host::{VmStarkProof, verify_vm_stark_proof_decoded};

use crate::{files, job::Job, keys::Keys, parameters::Parameters};

/// Verify the 100-bit STARK of a run of batches, and say what it is of.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the keys.
    #[arg(long, env = "DUPLEX_PROVER_KEYS", value_name = "DIR", default_value = "prover-keys")]
    keys: PathBuf,
    /// The hash of the statement that it should be of (`docs/validity.md` §1). Without it, whatever it is of is told.
    #[arg(long, value_name = "HASH")]
    statement: Option<B256>,
    /// The STARK, or the folder of a proof.
    #[arg(value_name = "STARK")]
    proof: PathBuf,
}

pub(crate) fn run(args: &VerifyArgs) -> eyre::Result<()> {
    // Up to here parameters make no difference.
    let keys = Keys::new(&args.keys, Parameters::Development);
    let path = if args.proof.is_dir() { Job::open(&args.proof)?.stark_path() } else { args.proof.clone() };
    let proof: VmStarkProof = files::decode(&path)?;
    let key = keys.stark()?;
    let start = Instant::now();
    verify_vm_stark_proof_decoded(&key, &proof).map_err(|error| eyre!("{}: {error}", path.display()))?;
    let took = start.elapsed();
    let proved = public_value(&proof)?;
    if let Some(expected) = args.statement
        && expected != proved
    {
        bail!("{} is of the statement {proved}, not {expected}", path.display());
    }
    writeln!(std::io::stdout(), "statement {proved}, verified in {:.1} ms", took.as_secs_f64() * 1e3)?;
    Ok(())
}

/// What a STARK says that the program made public.
pub(crate) fn public_value(proof: &VmStarkProof) -> eyre::Result<B256> {
    let values = &proof.user_pvs_proof.public_values;
    let bytes: Result<Vec<u8>, _> =
        values.iter().map(|value| u8::try_from(value.as_canonical_u32())).collect();
    B256::try_from(bytes.wrap_err("a public value is no byte")?.as_slice())
        .wrap_err("the program makes one hash public")
}

#[cfg(test)]
mod tests {
    use std::{panic::catch_unwind, path::Path};

    use openvm_stark_backend::codec::Decode;
    use openvm_verify_stark_host::vk::VmStarkVerifyingKey;
    use rayon::prelude::*;

    use super::*;

    /// The STARK behind the committed proof, and what verifies it: `cargo xtask validity --prove` writes both.
    const STARK: &[u8] = include_bytes!("../tests/sample.stark");
    const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stark.vk");
    const PROOF: &str = include_str!("../../contracts/test/validity-proof.json");

    fn key() -> VmStarkVerifyingKey {
        files::read_object(Path::new(KEY)).unwrap()
    }

    /// What a STARK is of, if it is one.
    fn judge(key: &VmStarkVerifyingKey, mut bytes: &[u8]) -> Option<B256> {
        let proof = VmStarkProof::decode(&mut bytes).ok().filter(|_| bytes.is_empty())?;
        verify_vm_stark_proof_decoded(key, &proof).ok()?;
        public_value(&proof).ok()
    }

    #[test]
    fn the_sample_is_of_the_statement_that_l1_is_shown() {
        let shown: serde_json::Value = serde_json::from_str(PROOF).unwrap();
        let statement = judge(&key(), STARK).expect("a proof");
        assert_eq!(shown["statement"], statement.to_string());
    }

    #[test]
    fn a_bit_changed_anywhere_is_refused() {
        let key = key();
        // All of what is short, at both ends and where parts begin, and of the rest a bit every hundred bytes.
        let ends = (0..600).chain(STARK.len() - 2_000..STARK.len());
        let places: Vec<usize> = ends.chain((600..STARK.len() - 2_000).step_by(101)).collect();
        let taken: Vec<usize> = places
            .into_par_iter()
            .filter(|at| {
                let mut bytes = STARK.to_vec();
                bytes[*at] ^= 1 << (at % 8);
                // What gives up on it does not take it either.
                catch_unwind(|| judge(&key, &bytes)).is_ok_and(|found| found.is_some())
            })
            .collect();
        assert!(taken.is_empty(), "with a bit changed at one of {taken:?} of {} bytes", STARK.len());
    }

    #[test]
    fn what_is_cut_off_or_longer_is_refused() {
        let key = key();
        for end in [0, 1, 100, STARK.len() / 2, STARK.len() - 1] {
            assert_eq!(judge(&key, &STARK[..end]), None, "{end} bytes");
        }
        assert_eq!(judge(&key, &[STARK, &[0]].concat()), None);
    }
}
