//! The machine: OpenVM with what `prover/guest/openvm.toml` names, and the validity program in it.

use std::path::Path;

use alloy_primitives::B256;
use eyre::{WrapErr, eyre};
use openvm_circuit::{
    arch::{Streams, VmExecutor, execution_mode::MeteredCostCtx, instructions::exe::VmExe},
    system::memory::merkle::public_values::extract_public_values,
};
use openvm_sdk_config::{SdkVmConfig, TranspilerConfig};
use openvm_stark_backend::p3_field::PrimeCharacteristicRing;
use openvm_stark_sdk::config::baby_bear_poseidon2::F;
use openvm_transpiler::{FromElf, elf::Elf, openvm_platform::memory::MEM_SIZE};

/// What the machine consists of. A proof is of a program in this machine, so both are pinned.
const CONFIG: &str = include_str!("../guest/openvm.toml");
/// More than there are kinds of instructions, or tables for them.
const KINDS: usize = 1 << 12;

/// The program, ready to be executed.
pub(crate) struct Machine {
    executor: VmExecutor<F, SdkVmConfig>,
    program: VmExe<F>,
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
    /// The machine with the program in this file.
    pub(crate) fn load(path: &Path) -> eyre::Result<Self> {
        let named = || format!("{}", path.display());
        let bytes = std::fs::read(path).wrap_err_with(named)?;
        let elf =
            Elf::decode(&bytes, MEM_SIZE as u32).map_err(|error| eyre!("{}: {error}", path.display()))?;
        let config = SdkVmConfig::from_toml(CONFIG)?.optimize();
        let program = VmExe::from_elf(elf, config.transpiler())
            .map_err(|error| eyre!("{}: {error}", path.display()))?;
        let executor =
            VmExecutor::new(config).map_err(|error| eyre!("the machine's configuration: {error}"))?;
        Ok(Self { executor, program })
    }

    /// Executes a bundle. That the program gives up, as it does where nothing can be proved, is an error.
    pub(crate) fn execute(&self, bundle: &[u8]) -> eyre::Result<Execution> {
        let input: Vec<F> = bundle.iter().map(|byte| F::from_u8(*byte)).collect();
        // Only instructions are counted here, so tables have no widths.
        let instance = self
            .executor
            .metered_cost_instance(&self.program, &[0; KINDS])
            .map_err(|error| eyre!("the program: {error}"))?;
        let (counted, end) = instance
            .execute_metered_cost(Streams::new(vec![input]), MeteredCostCtx::new(vec![0; KINDS]))
            .map_err(|error| eyre!("the program gives up: {error}"))?;
        let config: &openvm_circuit::arch::SystemConfig = self.executor.config.as_ref();
        let public = extract_public_values(config.num_public_values, &end.memory.memory);
        let public = B256::try_from(public.as_slice()).wrap_err("the program makes one hash public")?;
        Ok(Execution { public, instructions: counted.instret })
    }
}
