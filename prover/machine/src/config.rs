//! What the machine consists of, as far as it takes to execute: `prover/guest/openvm.toml`.
//!
//! The proof system reads the same file (`duplex-prover`), with the tables that proving takes. What both have in common, OpenVM's
//! executors, are the same code.

use openvm_algebra_circuit::{
    Fp2Extension, Fp2ExtensionExecutor, ModularExtension, ModularExtensionExecutor,
};
use openvm_algebra_transpiler::{Fp2TranspilerExtension, ModularTranspilerExtension};
use openvm_circuit::{
    arch::{SystemConfig, instructions::DEFERRAL_AS},
    derive::VmConfig,
    system::SystemExecutor,
};
use openvm_ecc_circuit::{WeierstrassExtension, WeierstrassExtensionExecutor};
use openvm_ecc_transpiler::EccTranspilerExtension;
use openvm_keccak256_circuit::{Keccak256, Keccak256Executor};
use openvm_keccak256_transpiler::Keccak256TranspilerExtension;
use openvm_rv32im_circuit::{Rv32I, Rv32IExecutor, Rv32Io, Rv32IoExecutor, Rv32M, Rv32MExecutor};
use openvm_rv32im_transpiler::{
    Rv32ITranspilerExtension, Rv32IoTranspilerExtension, Rv32MTranspilerExtension,
};
use openvm_sha2_circuit::{Sha2, Sha2Executor};
use openvm_sha2_transpiler::Sha2TranspilerExtension;
use openvm_transpiler::transpiler::Transpiler;
use p3_baby_bear::BabyBear as F;
use serde::{Deserialize, de::IgnoredAny};

/// The machine's configuration.
pub const CONFIG: &str = include_str!("../../guest/openvm.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    app_vm_config: Extensions,
}

/// What is not listed here is refused: nothing gets into the machine that proofs are about, and not into this one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extensions {
    #[expect(dead_code, reason = "it is only there")]
    rv32i: Plain,
    rv32m: Rv32M,
    #[expect(dead_code, reason = "it is only there")]
    io: Plain,
    #[expect(dead_code, reason = "it is only there")]
    keccak: Plain,
    #[expect(dead_code, reason = "it is only there")]
    sha2: Plain,
    modular: ModularExtension,
    fp2: Fp2Extension,
    ecc: WeierstrassExtension,
    /// Hints for pairings, which the program does without: an instruction that asks for one is unknown here.
    #[expect(dead_code, reason = "none of it is used")]
    pairing: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {}

/// The machine, as far as it takes to execute.
#[derive(Debug, Clone, VmConfig)]
pub(crate) struct Executors {
    #[config(executor = "SystemExecutor<F>")]
    system: SystemConfig,
    #[extension(executor = "Rv32IExecutor")]
    rv32i: Rv32I,
    #[extension(executor = "Rv32IoExecutor")]
    io: Rv32Io,
    #[extension(executor = "Keccak256Executor")]
    keccak: Keccak256,
    #[extension(executor = "Sha2Executor")]
    sha2: Sha2,
    #[extension(executor = "Rv32MExecutor")]
    rv32m: Rv32M,
    #[extension(executor = "ModularExtensionExecutor")]
    modular: ModularExtension,
    #[extension(executor = "Fp2ExtensionExecutor")]
    fp2: Fp2Extension,
    #[extension(executor = "WeierstrassExtensionExecutor")]
    ecc: WeierstrassExtension,
}

impl Executors {
    pub(crate) fn load() -> Result<Self, toml::de::Error> {
        let File { app_vm_config: Extensions { rv32m, modular, fp2, ecc, .. } } = toml::from_str(CONFIG)?;
        let mut system = SystemConfig::default();
        // As the proof system has it where nothing is deferred.
        system.memory_config.addr_spaces[DEFERRAL_AS as usize].num_cells = 0;
        Ok(Self { system, rv32i: Rv32I, io: Rv32Io, keccak: Keccak256, sha2: Sha2, rv32m, modular, fp2, ecc })
    }
}

/// What makes of RISC-V's instructions, and of those that are the machine's own, the machine's.
pub(crate) fn transpiler() -> Transpiler<F> {
    Transpiler::default()
        .with_extension(Rv32ITranspilerExtension)
        .with_extension(Rv32IoTranspilerExtension)
        .with_extension(Keccak256TranspilerExtension)
        .with_extension(Sha2TranspilerExtension)
        .with_extension(Rv32MTranspilerExtension)
        .with_extension(ModularTranspilerExtension)
        .with_extension(Fp2TranspilerExtension)
        .with_extension(EccTranspilerExtension)
}
