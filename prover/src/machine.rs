//! The machine: OpenVM with what `prover/guest/openvm.toml` names, and the validity program in it.

use std::{borrow::Cow, sync::Arc};

use alloy_primitives::{B256, Bytes};
use duplex_program::Bundle;
use eyre::{WrapErr, eyre};
use openvm_circuit::{
    arch::{Streams, VmExecutor, execution_mode::MeteredCostCtx, instructions::exe::VmExe},
    system::memory::merkle::public_values::extract_public_values,
};
use openvm_sdk_config::{SdkVmConfig, TranspilerConfig};
use openvm_stark_backend::p3_field::PrimeCharacteristicRing;
use openvm_stark_sdk::config::baby_bear_poseidon2::F;
use openvm_transpiler::{FromElf, elf::Elf, openvm_platform::memory::MEM_SIZE};
use sha2::{Digest, Sha256};

/// What the machine consists of. A proof is of a program in this machine, so both are pinned.
const CONFIG: &str = include_str!("../guest/openvm.toml");
/// More than there are kinds of instructions, or tables for them.
const KINDS: usize = 1 << 12;

/// The machine's configuration. How long segments may become is not part of what is proved.
pub(crate) fn config(segment_memory: Option<usize>) -> eyre::Result<SdkVmConfig> {
    let mut config = SdkVmConfig::from_toml(CONFIG)?.optimize();
    if let Some(bytes) = segment_memory {
        config.system.config.segmentation_max_memory = bytes;
    }
    Ok(config)
}

/// SHA-256 of the machine's configuration.
pub(crate) fn digest() -> B256 {
    B256::from_slice(&Sha256::digest(CONFIG))
}

/// The program that the prover was built with.
static PROGRAM: &[u8] = include_bytes!("../duplex-validity.elf");

/// A validity program.
#[derive(Debug, Clone)]
pub(crate) struct Program(Cow<'static, [u8]>);

impl Program {
    pub(crate) const fn committed() -> Self {
        Self(Cow::Borrowed(PROGRAM))
    }

    pub(crate) const fn new(elf: Vec<u8>) -> Self {
        Self(Cow::Owned(elf))
    }

    /// SHA-256 of the ELF.
    pub(crate) fn digest(&self) -> B256 {
        B256::from_slice(&Sha256::digest(&self.0))
    }

    /// As the machine executes it.
    pub(crate) fn load(&self) -> eyre::Result<Arc<VmExe<F>>> {
        let elf = Elf::decode(&self.0, MEM_SIZE as u32).map_err(|error| eyre!("the program: {error}"))?;
        let loaded = VmExe::from_elf(elf, config(None)?.transpiler());
        Ok(Arc::new(loaded.map_err(|error| eyre!("the program: {error}"))?))
    }
}

/// What the program reads: the statement, and one section after the other.
pub(crate) fn input(bundle: &Bytes) -> eyre::Result<Streams<F>> {
    let (statement, sections) = Bundle::split(bundle)?;
    let numbers = |bytes: Bytes| bytes.iter().map(|byte| F::from_u8(*byte)).collect::<Vec<F>>();
    Ok(Streams::new(std::iter::once(statement).chain(sections).map(numbers).collect::<Vec<_>>()))
}

/// The program, ready to be executed.
pub(crate) struct Machine {
    executor: VmExecutor<F, SdkVmConfig>,
    program: Arc<VmExe<F>>,
}

/// What an execution came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Execution {
    /// What the program made public: the hash of the statement that is true.
    pub(crate) public: B256,
    /// How many instructions it took.
    pub(crate) instructions: u64,
}

impl Machine {
    /// The machine with this program.
    pub(crate) fn load(program: &Program) -> eyre::Result<Self> {
        let program = program.load()?;
        let executor =
            VmExecutor::new(config(None)?).map_err(|error| eyre!("the machine's configuration: {error}"))?;
        Ok(Self { executor, program })
    }

    /// Executes a bundle. That the program gives up, as it does where nothing can be proved, is an error.
    pub(crate) fn execute(&self, bundle: &Bytes) -> eyre::Result<Execution> {
        // Only instructions are counted here, so tables have no widths.
        let instance = self
            .executor
            .metered_cost_instance(&self.program, &[0; KINDS])
            .map_err(|error| eyre!("the program: {error}"))?;
        let (counted, end) = instance
            .execute_metered_cost(input(bundle)?, MeteredCostCtx::new(vec![0; KINDS]))
            .map_err(|error| eyre!("the program gives up: {error}"))?;
        let config: &openvm_circuit::arch::SystemConfig = self.executor.config.as_ref();
        let public = extract_public_values(config.num_public_values, &end.memory.memory);
        let public = B256::try_from(public.as_slice()).wrap_err("the program makes one hash public")?;
        Ok(Execution { public, instructions: counted.instret })
    }
}
