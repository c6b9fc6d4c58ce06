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
