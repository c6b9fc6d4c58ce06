//! `duplex-prover verify`.

use std::{io::Write, path::PathBuf, time::Instant};

use alloy_primitives::B256;
use clap::Args;
use eyre::{WrapErr, bail, eyre};
use openvm_stark_backend::p3_field::PrimeField32;
use openvm_verify_stark_host::{VmStarkProof, verify_vm_stark_proof_decoded, vk::VmStarkVerifyingKey};
use serde_json::json;

use crate::{
    files,
    job::Job,
    keys::{Keys, Pins},
    parameters::Parameters,
};

/// What verifies STARKs of the program that the prover was built with, and what L1 knows that by: `cargo xtask validity --prove`
/// writes both.
static COMMITTED_KEY: &[u8] = include_bytes!("../stark.vk");
static COMMITTED_PINS: &str = include_str!("../pins.json");

/// Verify the 100-bit STARK of a run of batches, and say what it is of.
///
/// That takes some milliseconds, and no keys: what verifies the program that this was built with is in here.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of keys of another program, that `setup --program` made.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The hash of the statement that it should be of (`docs/validity.md` §1). Without it, whatever it is of is told.
    #[arg(long, value_name = "HASH")]
    statement: Option<B256>,
    /// Print JSON: the statement, and what L1 knows program and machine by.
    #[arg(long)]
    json: bool,
    /// The STARK, or the folder of a proof.
    #[arg(value_name = "STARK")]
    proof: PathBuf,
}

pub(crate) fn run(args: &VerifyArgs) -> eyre::Result<()> {
    let path = if args.proof.is_dir() { Job::open(&args.proof)?.stark_path() } else { args.proof.clone() };
    let proof: VmStarkProof = files::decode(&path)?;
    let (key, pins) = match &args.keys {
        Some(folder) => {
            // Up to here parameters make no difference.
            let keys = Keys::new(folder, Parameters::Development);
            (keys.stark()?, keys.pins()?)
        }
        None => committed()?,
    };
    let start = Instant::now();
    verify_vm_stark_proof_decoded(&key, &proof).map_err(|error| eyre!("{}: {error}", path.display()))?;
    let took = start.elapsed();
    let proved = public_value(&proof)?;
    if let Some(expected) = args.statement
        && expected != proved
    {
        bail!("{} is of the statement {proved}, not {expected}", path.display());
    }
    let milliseconds = took.as_secs_f64() * 1e3;
    let text = if args.json {
        json!({
            "statement": proved, "milliseconds": milliseconds,
            "programCommitment": pins.program_commitment, "machineCommitment": pins.machine_commitment,
        })
        .to_string()
    } else {
        format!("statement {proved}, verified in {milliseconds:.1} ms")
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// The committed key, and the pins that it is of.
fn committed() -> eyre::Result<(VmStarkVerifyingKey, Pins)> {
    let key = bitcode::deserialize(COMMITTED_KEY).wrap_err("the committed key")?;
    Ok((key, serde_json::from_str(COMMITTED_PINS)?))
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
    use std::panic::catch_unwind;

    use duplex_machine::Program;
    use openvm_continuations::CommitBytes;
    use openvm_stark_backend::codec::Decode;
    use rayon::prelude::*;

    use super::*;

    /// The STARK behind the committed proof: `cargo xtask validity --prove` writes it.
    const STARK: &[u8] = include_bytes!("../tests/sample.stark");
    const PROOF: &str = include_str!("../../contracts/test/validity-proof.json");

    fn key() -> VmStarkVerifyingKey {
        committed().unwrap().0
    }

    #[test]
    fn the_key_is_of_the_program_that_l1_pins() {
        let (key, pins) = committed().unwrap();
        let commitment = B256::from(*CommitBytes::from(key.baseline.app_exe_commit).as_slice());
        assert_eq!(commitment, pins.program_commitment);
        assert!(pins.are_of(&Program::committed()));
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
