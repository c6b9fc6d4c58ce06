//! The folder of keys: what `duplex-prover setup` makes once, for a program, a machine and a set of parameters.
//!
//! | file | what | made from |
//! |---|---|---|
//! | `segments.key` | proving key of the machine | `openvm.toml` |
//! | `aggregation.key` | of the circuits that bring proofs together | `segments.key` |
//! | `stark.vk` | what verifies the STARK of a run of batches | both, and the program |
//! | `pins.json` | what names program and machine on L1 | `stark.vk` |
//! | `P-root.key`, `P-root.sample` | of the STARK that Halo2 verifies, and one such STARK | `aggregation.key` |
//! | `P-kzg_bn254_K.srs` | the reference string | a ceremony, or made here |
//! | `P-snark.key`, `P-snark.sample` | of the circuit that verifies that STARK, and a proof's shape | sample, string |
//! | `P-wrap.key`, `P-Verifier.sol` | of the circuit that verifies that one for L1, and L1's verifier | sample, string |
//!
//! P is the name of the parameters. What is there is not made again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use duplex_machine::Program;
use eyre::{WrapErr, bail, eyre};
use openvm_circuit::arch::{
    SystemConfig,
    instructions::{
        LocalOpcode, SystemOpcode, exe::VmExe, instruction::Instruction, program::Program as VmProgram,
    },
};
use openvm_continuations::{CommitBytes, RootSC, SC};
use openvm_sdk::{
    DefaultStarkEngine, DeferralSetup, StdIn,
    config::{AggregationTreeConfig, AppConfig},
    keygen::{
        AggPrefixProvingKey, AggProvingKey, AppProvingKey, RootProvingKey,
        static_verifier::keygen_static_verifier,
    },
    prover::{AggProver, RootProver, StarkProver},
};
use openvm_sdk_config::{SdkVmBuilder, SdkVmConfig};
use openvm_stark_backend::{keygen::types::MultiStarkVerifyingKey, proof::Proof};
use openvm_stark_sdk::config::baby_bear_poseidon2::F;
use openvm_static_verifier::{Halo2ParamsReader, Halo2WrapperProvingKey, StaticVerifierProvingKey};
use openvm_verify_stark_host::vk::VmStarkVerifyingKey;
use serde::{Deserialize, Serialize};
use snark_verifier_sdk::{
    SHPLONK, Snark, evm::gen_evm_verifier_sol_code, halo2::aggregation::AggregationCircuit,
};

use crate::{
    files, machine,
    parameters::{self, Parameters},
    reference::References,
};

/// What a verifier pins: which program, and which machine with which circuits around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pins {
    /// SHA-256 of the machine's configuration.
    pub(crate) machine: B256,
    /// SHA-256 of the program's ELF.
    pub(crate) elf: B256,
    /// The program, its first memory and where it starts.
    pub(crate) program_commitment: B256,
    /// The machine, and the circuits that bring its proofs together.
    pub(crate) machine_commitment: B256,
}

impl Pins {
    /// Whether they are of this program, in this prover's machine.
    pub(crate) fn are_of(&self, program: &Program) -> bool {
        self.elf == program.digest() && self.machine == machine::digest()
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    folder: PathBuf,
    parameters: Parameters,
}

impl Keys {
    pub(crate) fn new(folder: &Path, parameters: Parameters) -> Self {
        Self { folder: folder.to_owned(), parameters }
    }

    pub(crate) const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// What steps took here.
    pub(crate) fn timings_path(&self) -> PathBuf {
        self.own("timings.json")
    }

    pub(crate) fn references(&self) -> References {
        References::new(&self.folder, self.parameters)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.parameters))
    }

    /// What is missing of what a step of `setup` makes.
    pub(crate) fn is_done(&self, step: SetupStep) -> bool {
        step.makes().iter().all(|name| match step {
            SetupStep::Machine => self.file(name).exists(),
            _ => self.own(name).exists(),
        })
    }

    /// Makes what a step makes.
    pub(crate) fn make(&self, step: SetupStep, program: &Program) -> eyre::Result<()> {
        fs::create_dir_all(&self.folder).wrap_err_with(|| self.folder.display().to_string())?;
        match step {
            SetupStep::Machine => self.make_machine(program),
            SetupStep::Root => self.make_root(),
            SetupStep::Snark => self.make_snark(),
            SetupStep::Wrap => self.make_wrap(),
        }
    }

    fn make_machine(&self, program: &Program) -> eyre::Result<()> {
        let app = AppProvingKey::keygen(AppConfig::new(machine::config(None)?, parameters::segments()))?;
        files::write_object(&self.file("segments.key"), &app)?;
        let aggregation = AggProver::new(
            Arc::new(app.app_vm_pk.vm_pk.get_vk()),
            openvm_sdk::config::AggregationConfig { params: parameters::aggregation() },
            AggregationTreeConfig::default(),
            None,
        );
        let key = AggProvingKey {
            prefix: AggPrefixProvingKey {
                leaf: aggregation.leaf_prover.get_pk(),
                internal_for_leaf: aggregation.internal_for_leaf_prover.get_pk(),
            },
            internal_recursive: aggregation.internal_recursive_prover.get_pk(),
        };
        files::write_object(&self.file("aggregation.key"), &key)?;
        self.pin(program, &app, aggregation)
    }

    fn pin(
        &self,
        program: &Program,
        app: &AppProvingKey<SdkVmConfig>,
        aggregation: AggProver,
    ) -> eyre::Result<()> {
        let mvk = aggregation.internal_recursive_prover.get_vk().as_ref().clone();
        let prover = StarkProver::<DefaultStarkEngine, _>::new(
            SdkVmBuilder,
            &app.app_vm_pk,
            program.load()?,
            Arc::new(aggregation),
            DeferralSetup::Disabled,
        )?;
        let baseline = prover.generate_baseline();
        let commitment = |digest| B256::from(*CommitBytes::from(digest).as_slice());
        let pins = Pins {
            elf: program.digest(),
            machine: machine::digest(),
            program_commitment: commitment(baseline.app_exe_commit),
            machine_commitment: commitment(prover.app_vm_commit()),
        };
        files::write_object(&self.file("stark.vk"), &VmStarkVerifyingKey { mvk, baseline })?;
        files::write_json(&self.file("pins.json"), &pins)
    }

    /// The heights that the tables of the last STARK have are part of its key. They are found with a proof of nothing, which is
    /// what the circuits after it are made with, too.
    fn make_root(&self) -> eyre::Result<()> {
        let app = self.segments()?;
        let aggregation = Arc::new(self.aggregation(&app)?);
        let end = Instruction::from_isize(SystemOpcode::TERMINATE.global_opcode(), 0, 0, 0, 0, 0);
        let nothing = Arc::new(VmExe::new(VmProgram::<F>::from_instructions(&[end])));
        let mut prover = StarkProver::<DefaultStarkEngine, _>::new(
            SdkVmBuilder,
            &app.app_vm_pk,
            nothing,
            aggregation.clone(),
            DeferralSetup::Disabled,
        )?;
        let (stark, _) = prover.prove(StdIn::default(), &[])?;
        drop(prover);
        let (system, recursive, commitment) = recursive(&app, &aggregation)?;
        let root = RootProver::new(
            recursive,
            commitment,
            self.parameters.root(),
            system.memory_config.memory_dimensions(),
            system.num_public_values,
            None,
            None,
        );
        let engine = root.create_engine();
        let tables = root.generate_proving_ctx(stark, &engine);
        let tables = tables.ok_or_else(|| eyre!("a proof of nothing does not fit the last STARK"))?;
        let trace_heights = tables.per_trace.iter().map(|(_, table)| table.height()).collect();
        let sample = root.prove_from_ctx(tables, &engine)?;
        files::write_object(&self.own("root.sample"), &sample)?;
        files::write_object(
            &self.own("root.key"),
            &RootProvingKey { root_pk: root.0.get_pk(), trace_heights },
        )
    }

    fn make_snark(&self) -> eyre::Result<()> {
        let shape = self.parameters.shape();
        let references = self.references();
        references.ensure(shape.k)?;
        let app = self.segments()?;
        let aggregation = self.aggregation(&app)?;
        let root_vk = self.root(&app, &aggregation)?.0.get_vk();
        let recursive = aggregation.internal_recursive_prover.get_vk();
        drop((app, aggregation));
        let sample: Proof<RootSC> = files::read_object(&self.own("root.sample"))?;
        let key =
            keygen_static_verifier(&references.read_params(shape.k), shape, &recursive, &root_vk, &sample);
        files::encode(&self.own("snark.key"), &key)?;
        files::write_json(&self.own("snark.sample"), &key.generate_dummy_snark(&references))
    }

    fn make_wrap(&self) -> eyre::Result<()> {
        let references = self.references();
        let sample: Snark = files::read_json(&self.own("snark.sample"))?;
        let key = Halo2WrapperProvingKey::keygen_auto_tune(&references, sample);
        let k = key.pinning.metadata.config_params.k;
        let verifier = gen_evm_verifier_sol_code::<AggregationCircuit, SHPLONK>(
            &references.read_params(k),
            key.pinning.pk.get_vk(),
            key.pinning.metadata.num_pvs.clone(),
        );
        files::encode(&self.own("wrap.key"), &key)?;
        let name = match self.parameters {
            Parameters::Development => "DevelopmentProofVerifier",
            Parameters::Production => "ProofVerifier",
        };
        let verifier = named(&verifier, name)?;
        files::write(&self.own("Verifier.sol"), verifier.as_bytes())
    }

    /// Which program and machine the keys are of.
    pub(crate) fn pins(&self) -> eyre::Result<Pins> {
        self.need("pins.json", SetupStep::Machine)?;
        files::read_json(&self.file("pins.json"))
    }

    /// The key of the machine. The length of segments is chosen when they are proved.
    pub(crate) fn segments(&self) -> eyre::Result<AppProvingKey<SdkVmConfig>> {
        self.need("segments.key", SetupStep::Machine)?;
        files::read_object(&self.file("segments.key"))
    }

    fn aggregation_key(&self) -> eyre::Result<AggProvingKey> {
        self.need("aggregation.key", SetupStep::Machine)?;
        files::read_object(&self.file("aggregation.key"))
    }

    /// What brings proofs together.
    pub(crate) fn aggregation(&self, app: &AppProvingKey<SdkVmConfig>) -> eyre::Result<AggProver> {
        Ok(AggProver::from_pk(
            Arc::new(app.app_vm_pk.vm_pk.get_vk()),
            self.aggregation_key()?,
            AggregationTreeConfig::default(),
            None,
        ))
    }

    /// What makes of the STARK of a run of batches one that Halo2 verifies.
    pub(crate) fn root(
        &self,
        app: &AppProvingKey<SdkVmConfig>,
        aggregation: &AggProver,
    ) -> eyre::Result<RootProver> {
        self.need_own("root.key", SetupStep::Root)?;
        let key: RootProvingKey = files::read_object(&self.own("root.key"))?;
        let (system, recursive, commitment) = recursive(app, aggregation)?;
        Ok(RootProver::from_pk(
            recursive,
            commitment,
            key.root_pk,
            system.memory_config.memory_dimensions(),
            system.num_public_values,
            None,
            Some(key.trace_heights),
        ))
    }

    /// What verifies the STARK of a run of batches.
    pub(crate) fn stark(&self) -> eyre::Result<VmStarkVerifyingKey> {
        self.need("stark.vk", SetupStep::Machine)?;
        files::read_object(&self.file("stark.vk"))
    }

    pub(crate) fn snark(&self) -> eyre::Result<StaticVerifierProvingKey> {
        self.need_own("snark.key", SetupStep::Snark)?;
        files::decode(&self.own("snark.key"))
    }

    pub(crate) fn wrap(&self) -> eyre::Result<Halo2WrapperProvingKey> {
        self.need_own("wrap.key", SetupStep::Wrap)?;
        files::decode(&self.own("wrap.key"))
    }

    /// The program as the machine executes it, if the keys are of it.
    pub(crate) fn program(&self, program: &Program) -> eyre::Result<Arc<VmExe<F>>> {
        if !self.pins()?.are_of(program) {
            bail!(
                "the keys in {} are of another program: run `duplex-prover setup` again, which makes again what is of the program",
                self.folder.display()
            );
        }
        program.load()
    }

    fn need(&self, name: &str, step: SetupStep) -> eyre::Result<()> {
        self.have(&self.file(name), step)
    }

    fn need_own(&self, name: &str, step: SetupStep) -> eyre::Result<()> {
        self.have(&self.own(name), step)
    }

    fn have(&self, path: &Path, step: SetupStep) -> eyre::Result<()> {
        if path.exists() {
            return Ok(());
        }
        bail!(
            "{} is not there: `duplex-prover setup --params {} --keys {}` makes it ({})",
            path.display(),
            self.parameters,
            self.folder.display(),
            step.what()
        )
    }
}

/// What the last STARK verifies: proofs of the circuit that verifies itself, of this machine.
fn recursive<'a>(
    app: &'a AppProvingKey<SdkVmConfig>,
    aggregation: &AggProver,
) -> eyre::Result<(&'a SystemConfig, Arc<MultiStarkVerifyingKey<SC>>, CommitBytes)> {
    let recursive = &aggregation.internal_recursive_prover;
    let data = recursive.get_self_vk_pcs_data();
    let data = data.ok_or_else(|| eyre!("aggregation.key is not of a circuit that verifies itself"))?;
    Ok((app.app_vm_pk.vm_config.as_ref(), recursive.get_vk(), data.commitment.into()))
}

/// What `setup` does, one process each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SetupStep {
    Machine,
    Root,
    Snark,
    Wrap,
}

impl SetupStep {
    pub(crate) const ALL: [Self; 4] = [Self::Machine, Self::Root, Self::Snark, Self::Wrap];

    const fn makes(self) -> &'static [&'static str] {
        match self {
            Self::Machine => &["segments.key", "aggregation.key", "stark.vk", "pins.json"],
            Self::Root => &["root.key", "root.sample"],
            Self::Snark => &["snark.key", "snark.sample"],
            Self::Wrap => &["wrap.key", "Verifier.sol"],
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Root => "root",
            Self::Snark => "snark",
            Self::Wrap => "wrap",
        }
    }

    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Machine => "keys of the machine and of aggregation",
            Self::Root => "key of the last STARK, and a sample of it",
            Self::Snark => "reference string, and key of the circuit that verifies it",
            Self::Wrap => "key of the proof for L1, and L1's verifier",
        }
    }
}

/// L1's verifier under a name of its own, for the compiler of the other contracts.
fn named(verifier: &str, name: &str) -> eyre::Result<String> {
    let (pragma, contract) = ("pragma solidity 0.8.19;", "contract Halo2Verifier");
    if verifier.matches(pragma).count() != 1 || verifier.matches(contract).count() != 1 {
        bail!("the generated verifier has another form than expected");
    }
    Ok(verifier.replace(pragma, "pragma solidity 0.8.37;").replace(contract, &format!("contract {name}")))
}
