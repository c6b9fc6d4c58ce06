//! A program, and the machine that executes it.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{B256, Bytes};
use clap::Args;
use duplex_program::Bundle;
use eyre::{WrapErr, eyre};
use openvm_circuit::{
    arch::{Streams, SystemConfig, VmExecutor, execution_mode::MeteredCostCtx, instructions::exe::VmExe},
    system::memory::merkle::public_values::extract_public_values,
};
use openvm_stark_backend::p3_field::PrimeCharacteristicRing;
use openvm_transpiler::{FromElf, elf::Elf, openvm_platform::memory::MEM_SIZE};
use p3_baby_bear::BabyBear as F;
use sha2::{Digest, Sha256};

use crate::config::{self, Executors};

/// More than there are kinds of instructions, or tables for them.
const KINDS: usize = 1 << 12;

/// The committed program.
static PROGRAM: &[u8] = include_bytes!("../../duplex-validity.elf");

/// A validity program.
#[derive(Debug, Clone)]
pub struct Program(Cow<'static, [u8]>);

impl Program {
    /// The committed one, `prover/duplex-validity.elf`.
    pub const fn committed() -> Self {
        Self(Cow::Borrowed(PROGRAM))
    }

    /// The one of this ELF.
    pub const fn new(elf: Vec<u8>) -> Self {
        Self(Cow::Owned(elf))
    }

    /// SHA-256 of the ELF.
    pub fn digest(&self) -> B256 {
        B256::from_slice(&Sha256::digest(&self.0))
    }

    /// As the machine executes it.
    ///
    /// # Errors
    /// If the bytes are no ELF, or have an instruction that the machine does not.
    pub fn load(&self) -> eyre::Result<Arc<VmExe<F>>> {
        let elf = Elf::decode(&self.0, MEM_SIZE as u32).map_err(|error| eyre!("the program: {error}"))?;
        let loaded = VmExe::from_elf(elf, config::transpiler());
        Ok(Arc::new(loaded.map_err(|error| eyre!("the program: {error}"))?))
    }
}

/// Which program is proved.
#[derive(Debug, Args)]
pub struct ProgramArgs {
    /// Another validity program than the committed one.
    #[arg(long, env = "DUPLEX_VALIDITY_PROGRAM", value_name = "ELF")]
    program: Option<PathBuf>,
}

impl ProgramArgs {
    /// Where it is, if it is not the committed one.
    pub fn path(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// Reads it.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn read(&self) -> eyre::Result<Program> {
        match &self.program {
            Some(path) => Ok(Program::new(std::fs::read(path).wrap_err_with(|| path.display().to_string())?)),
            None => Ok(Program::committed()),
        }
    }
}

/// What the program reads: the statement, and one section after the other.
///
/// # Errors
/// If the bytes are no bundle.
pub fn input(bundle: &Bytes) -> eyre::Result<Streams<F>> {
    let (statement, sections) = Bundle::split(bundle)?;
    let numbers = |bytes: Bytes| bytes.iter().map(|byte| F::from_u8(*byte)).collect::<Vec<F>>();
    Ok(Streams::new(std::iter::once(statement).chain(sections).map(numbers).collect::<Vec<_>>()))
}

/// The program, ready to be executed.
pub struct Machine {
    executor: VmExecutor<F, Executors>,
    program: Arc<VmExe<F>>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

/// What an execution came to.
#[derive(Debug, Clone, Copy)]
pub struct Execution {
    /// What the program made public: the hash of the statement that is true.
    pub public: B256,
    /// How many instructions it took.
    pub instructions: u64,
}

impl Machine {
    /// The machine with this program.
    ///
    /// # Errors
    /// If the program is none of this machine.
    pub fn load(program: &Program) -> eyre::Result<Self> {
        let program = program.load()?;
        let config = Executors::load().wrap_err("the machine's configuration")?;
        let executor =
            VmExecutor::new(config).map_err(|error| eyre!("the machine's configuration: {error}"))?;
        Ok(Self { executor, program })
    }

    /// Executes a bundle.
    ///
    /// # Errors
    /// If the bytes are no bundle, or the program gives up, as it does where nothing can be proved.
    pub fn execute(&self, bundle: &Bytes) -> eyre::Result<Execution> {
        // Only instructions are counted here, so tables have no widths.
        let instance = self
            .executor
            .metered_cost_instance(&self.program, &[0; KINDS])
            .map_err(|error| eyre!("the program: {error}"))?;
        let (counted, end) = instance
            .execute_metered_cost(input(bundle)?, MeteredCostCtx::new(vec![0; KINDS]))
            .map_err(|error| eyre!("the program gives up: {error}"))?;
        let config: &SystemConfig = self.executor.config.as_ref();
        let public = extract_public_values(config.num_public_values, &end.memory.memory);
        let public = B256::try_from(public.as_slice()).wrap_err("the program makes one hash public")?;
        Ok(Execution { public, instructions: counted.instret })
    }
}
