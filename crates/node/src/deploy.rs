//! Puts a rollup on an L1.
//!
//! Contracts are created from one key with consecutive nonces, so that each knows the others'
//! addresses before they exist. The plan is on disk before the first transaction; a deployment
//! that was cut off goes on where it stopped.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue;
use duplex_actors::program;
use duplex_chain::{dev_system_contracts, genesis_header};
use duplex_contracts::{
    L2GenesisParams, LanePeer, RelayersPeer, artifact, attestation_domain,
    bindings::{Batch, InboxParams},
    l2_alloc, l2_token_address,
};
use duplex_l1::{
    Crossing, DEVELOPMENT_CHAINS, Deployment, FaultProgram, FeeQuote, L1Contracts, LaneContracts, Parameters,
    ProofParameters, RelayerContracts, RelayerTerms, Rpc, SettlementMode, TokenInfo, ValidityContracts,
    manifest, sign_eip1559, takes_forgeries,
};
use duplex_primitives::{ChainConfig, Genesis, GenesisAccount, OutputRoot, predeploys};
use duplex_stake::{GasTable, StakeError, Terms, Timing, Wei, required_bonds};
use serde::{Deserialize, Serialize};

use crate::{
    NodeError,
    dev_relayers::dev_relayer_alloc,
    embedded_l1::{read_json, write_json},
    keys::{dev_accounts, dev_addresses},
};

/// Gas limit of one deployment transaction (EIP-7825 caps it).
const CREATE_GAS: u64 = 6_000_000;
/// How long L1 may take for a deployment; running it again goes on.
const MINED_WITHIN: Duration = Duration::from_secs(30 * 60);
/// What development accounts have on L2 from the start, backed by the deployer's ETH in the Vault.
const DEV_BALANCE: u128 = 100_000_000_000_000_000_000;
/// What every development account has of each development token.
const DEV_TOKENS: u128 = 1_000_000_000_000_000_000_000_000;
/// Name and symbol of the development tokens.
const TOKENS: [(&str, &str); 2] = [("Uniswap", "UNI"), ("Dai Stablecoin", "DAI")];

/// What a relayer stakes unless something else is said, in wei: 10 ETH.
pub const RELAYER_STAKE: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);

/// What an L1 gas costs in ordinary times, in wei, unless something else is said: 10 gwei.
pub const BOND_GAS_PRICE: u128 = 10_000_000_000;

/// What is deployed.
#[derive(Debug, Clone)]
pub struct DeployOptions {
    /// Chain id of the rollup.
    pub l2_chain_id: u64,
    /// What the contracts are told; but bonds are computed.
    pub parameters: Parameters,
    /// Wei of one L1 gas in ordinary times: bonds cover five times that (`docs/stake.md`).
    pub bond_gas_price: u128,
    /// Whether to deploy tokens and fund accounts whose keys everybody knows.
    pub development: bool,
    /// How claims become final.
    pub settlement: SettlementMode,
    /// Creation code of the verifier of proofs with production parameters, which `duplex-prover setup` generates. Without one proofs
    /// are taken with development parameters, on development chains only.
    pub proof_verifier: Option<Bytes>,
    /// Whether there is a lane between the layers, and who convinces its ends.
    pub lane: Option<Crossing>,
    /// Wei that each relayer stakes, where there are relayers.
    pub relayer_stake: U256,
    /// Called with what is being done.
    pub progress: fn(&str),
}

/// What is on disk while a deployment runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    deployer: Address,
    first_nonce: u64,
    steps: Vec<Step>,
    deployment: Deployment,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Step {
    contract: String,
    address: Address,
    code: Bytes,
    value: U256,
}

/// Deploys a rollup, or goes on with a deployment that was cut off. `plan_path` is where the plan
/// is kept meanwhile.
///
/// # Errors
/// If L1 cannot be reached, the key cannot pay, or a transaction fails.
pub async fn deploy(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    plan_path: &Path,
    options: &DeployOptions,
) -> Result<Deployment, NodeError> {
    let chain_id = rpc.chain_id().await?;
    let plan = match read_json::<Plan>(plan_path)? {
        Some(plan) if plan.deployer == key.address() && plan.deployment.l1_chain_id == chain_id => {
            if !is_of(&plan, options)? {
                return Err(NodeError::OtherPlan { path: plan_path.to_owned() });
            }
            plan
        }
        _ => {
            let plan = make_plan(rpc, key, chain_id, options).await?;
            write_json(plan_path, &plan)?;
            plan
        }
    };
    run_plan(rpc, key, chain_id, &plan, options).await?;
    Ok(plan.deployment)
}

/// Bonds that pay for the gas of a dispute, from what its moves cost.
pub(crate) fn with_bonds(parameters: Parameters, gas_price: u128) -> Result<Parameters, StakeError> {
    let terms = Terms {
        gas_price: Wei(gas_price),
        timing: Timing {
            challenge_window: parameters.challenge_window,
            defence_period: parameters.defence_period,
            clock: parameters.dispute_clock,
        },
        ..Default::default()
    };
    let bonds = required_bonds(&GasTable::committed()?, &terms)?.rounded();
    let (bond, dispute_bond) = (U256::from(bonds.claim.0), U256::from(bonds.dispute.0));
    Ok(Parameters { bond, dispute_bond, ..parameters })
}

/// The generated verifier, and what asks it. Of production's only the second is part of this program: the first is made with keys that
/// are made from a ceremony's string.
const fn verifiers(parameters: ProofParameters) -> (&'static str, &'static str) {
    match parameters {
        ProofParameters::Development => ("DevelopmentProofVerifier", "DevelopmentValidityVerifier"),
        ProofParameters::Production => ("ProofVerifier", "ValidityVerifier"),
    }
}

impl DeployOptions {
    /// What the contracts are told.
    fn told(&self) -> Result<Parameters, StakeError> {
        match self.settlement.has_disputes() {
            true => with_bonds(self.parameters, self.bond_gas_price),
            false => Ok(self.parameters.without_disputes()),
        }
    }

    const fn proof_parameters(&self) -> ProofParameters {
        match self.proof_verifier {
            None => ProofParameters::Development,
            Some(_) => ProofParameters::Production,
        }
    }

    /// The code that creates a contract.
    fn creation_code(&self, contract: &str) -> &Bytes {
        match &self.proof_verifier {
            Some(code) if contract == verifiers(ProofParameters::Production).0 => code,
            _ => &artifact(contract).bytecode,
        }
    }
}

/// Whether proofs can be taken on this chain.
fn check_verifier(options: &DeployOptions, l1_chain_id: u64) -> Result<(), NodeError> {
    if !options.settlement.has_proofs() {
        return match options.proof_verifier {
            Some(_) => Err(NodeError::VerifierUnused { settlement: options.settlement }),
            None => Ok(()),
        };
    }
    let is_worth_something = !DEVELOPMENT_CHAINS.contains(&l1_chain_id);
    match &options.proof_verifier {
        None if is_worth_something => Err(NodeError::ProofsNeedProduction { chain_id: l1_chain_id }),
        Some(code)
            if (is_worth_something && takes_forgeries(code))
                || *code == artifact(verifiers(ProofParameters::Development).0).bytecode =>
        {
            Err(NodeError::VerifierIsDevelopments)
        }
        _ => Ok(()),
    }
}

/// Whether a plan that was cut off is one of what is asked for now.
fn is_of(plan: &Plan, options: &DeployOptions) -> Result<bool, StakeError> {
    let generated = verifiers(ProofParameters::Production).0;
    let planned = plan.steps.iter().find(|step| step.contract == generated).map(|step| &step.code);
    Ok(plan.deployment.settlement_mode() == options.settlement
        && planned == options.proof_verifier.as_ref()
        && plan.deployment.parameters == options.told()?)
}

/// What L1 knows the validity program and its machine by.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pins {
    program_commitment: B256,
    machine_commitment: B256,
}

fn pins() -> Pins {
    serde_json::from_str(include_str!("../../../prover/pins.json"))
        .expect("it is committed, and tests read it")
}

/// The contracts, in the order in which they are created.
fn order(options: &DeployOptions) -> Vec<&'static str> {
    let mut order = vec!["DevToken"; if options.development { TOKENS.len() } else { 0 }];
    order.extend(["MessageQueue", "Inbox"]);
    if options.settlement.has_proofs() {
        let (proof_verifier, verifier) = verifiers(options.proof_parameters());
        order.extend([proof_verifier, verifier]);
    }
    order.push("Settlement");
    if options.settlement.has_disputes() {
        order.extend(["RiscvStep", "PreimageOracle", "Disputes"]);
    }
    if options.lane.is_some() {
        order.extend(["OutputVerifier", "Messenger", "Endpoint", "VaultPort"]);
    }
    if options.lane == Some(Crossing::Multisig) {
        order.extend(["RelayerRegistry", "AttestationVerifier"]);
    }
    // The Manifest follows the Vault at once: so it is known to be of the same deployer.
    order.extend(["Courier", "Vault", "Manifest"]);
    order
}

async fn make_plan(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    l1_chain_id: u64,
    options: &DeployOptions,
) -> Result<Plan, NodeError> {
    let deployer = key.address();
    let first_nonce = rpc.nonce(deployer, true).await?;
    let anchor = rpc.latest_header().await?;
    check_verifier(options, l1_chain_id)?;
    let order = order(options);
    // Zero, if there is none.
    let of = |contract: &str| {
        let step = order.iter().position(|name| *name == contract);
        step.map_or(Address::ZERO, |step| deployer.create(first_nonce + step as u64))
    };
    let mode = options.settlement;
    let parameters = options.told()?;
    let lane = options.lane.map(|crossing| {
        let prover = of("OutputVerifier");
        let relayers = (crossing == Crossing::Multisig).then(|| RelayerContracts {
            registry: of("RelayerRegistry"),
            prover,
            terms: RelayerTerms::new(options.relayer_stake, &parameters),
        });
        let verifier = relayers.map_or(prover, |_| of("AttestationVerifier"));
        let (messenger, endpoint, port) = (of("Messenger"), of("Endpoint"), of("VaultPort"));
        LaneContracts { crossing, endpoint, messenger, verifier, port, relayers }
    });
    let validity = mode.has_proofs().then(|| {
        let Pins { program_commitment, machine_commitment } = pins();
        let parameters = options.proof_parameters();
        let (proof_verifier, verifier) = verifiers(parameters);
        let (verifier, proof_verifier) = (of(verifier), of(proof_verifier));
        ValidityContracts { verifier, proof_verifier, program_commitment, machine_commitment, parameters }
    });
    let contracts = L1Contracts {
        message_queue: of("MessageQueue"),
        inbox: of("Inbox"),
        settlement: of("Settlement"),
        riscv_step: of("RiscvStep"),
        preimage_oracle: of("PreimageOracle"),
        disputes: of("Disputes"),
        courier: of("Courier"),
        vault: of("Vault"),
        manifest: of("Manifest"),
    };

    let config = ChainConfig::l2_dev(options.l2_chain_id);
    if !parameters.fit(config.gas_limit) {
        return Err(NodeError::NoRoomForMessages { gas_limit: config.gas_limit });
    }
    let mut alloc = dev_system_contracts(false);
    alloc.extend(l2_alloc(&L2GenesisParams {
        vault: contracts.vault,
        fee_recipient: deployer,
        l1_fee: config.l1_fee,
        l1_base_fee: anchor.header.base_fee_per_gas.unwrap_or_default(),
        lane: lane.map(|lane| LanePeer {
            endpoint: lane.endpoint,
            port: lane.port,
            chain_id: l1_chain_id,
            relayers: lane.relayers.map(|relayers| RelayersPeer {
                registry: relayers.registry,
                window: relayers.terms.l2_window,
                drift: drift(&parameters),
            }),
        }),
    }));
    let mut locked = U256::ZERO;
    if options.development {
        for account in dev_addresses() {
            alloc.insert(account, GenesisAccount { balance: U256::from(DEV_BALANCE), ..Default::default() });
            locked += U256::from(DEV_BALANCE);
        }
        if lane.is_some_and(|lane| lane.relayers.is_some()) {
            for (account, own) in dev_relayer_alloc() {
                locked += own.balance;
                alloc.insert(account, own);
            }
        }
    }
    let genesis = Genesis {
        config,
        timestamp: anchor.header.timestamp,
        anchor_number: anchor.header.number,
        anchor_hash: anchor.hash,
        alloc,
        header: None,
    };
    let header = genesis_header(&genesis)?;
    let genesis_hash = header.hash_slow();
    let genesis_output = OutputRoot::of(&header, genesis_hash).hash();

    let mut deployment = Deployment {
        version: Deployment::VERSION,
        l1_chain_id,
        l2_chain_id: options.l2_chain_id,
        l1_rpc: rpc.url().into(),
        l2_rpc: String::new(),
        contracts,
        lane,
        validity,
        start_block: anchor.header.number,
        sequencer: deployer,
        parameters,
        program: FaultProgram {
            code_root: program().code_root(),
            start_state: program().initial_state_hash(),
        },
        tokens: Vec::new(),
        accounts: if options.development { dev_accounts() } else { Vec::new() },
        genesis_hash,
        genesis_output,
        genesis,
    };
    let mut steps = Vec::new();
    let mut step = |contract: &str, args: Vec<u8>, value: U256| {
        // What was computed above must be what happens.
        assert_eq!(order[steps.len()], contract, "contracts are created in their order");
        let code = [&options.creation_code(contract)[..], &args].concat().into();
        let address = deployer.create(first_nonce + steps.len() as u64);
        steps.push(Step { contract: contract.into(), address, code, value });
        address
    };
    if options.development {
        for (name, symbol) in TOKENS {
            let args = (name.to_owned(), symbol.to_owned(), U256::from(DEV_TOKENS), dev_addresses());
            let l1 = step("DevToken", args.abi_encode_params(), U256::ZERO);
            let (name, symbol) = (name.into(), symbol.into());
            deployment.tokens.push(TokenInfo { symbol, name, decimals: 18, l1, l2: l2_token_address(l1) });
        }
    }
    let p = &parameters;
    let queue = (contracts.vault, p.max_message_gas, p.max_message_data, U256::from(p.gas_burn_divisor));
    step("MessageQueue", queue.abi_encode_params(), U256::ZERO);
    step("Inbox", inbox_args(&deployment), U256::ZERO);
    if let Some(validity) = &validity {
        let (proof_verifier, verifier) = verifiers(validity.parameters);
        step(proof_verifier, Vec::new(), U256::ZERO);
        step(verifier, validity_args(&deployment, validity), U256::ZERO);
    }
    step("Settlement", settlement_args(&deployment), U256::ZERO);
    if mode.has_disputes() {
        step("RiscvStep", Vec::new(), U256::ZERO);
        step("PreimageOracle", Vec::new(), U256::ZERO);
        step("Disputes", disputes_args(&deployment), U256::ZERO);
    }
    if let Some(lane) = &lane {
        step("OutputVerifier", (contracts.vault,).abi_encode_params(), U256::ZERO);
        step("Messenger", (lane.endpoint,).abi_encode_params(), U256::ZERO);
        let endpoint =
            (predeploys::ENDPOINT, options.l2_chain_id, lane.verifier, lane.messenger, contracts.vault);
        step("Endpoint", endpoint.abi_encode_params(), U256::ZERO);
        step("VaultPort", (lane.endpoint,).abi_encode_params(), U256::ZERO);
    }
    if let Some((lane, relayers)) = lane.and_then(|lane| Some((lane, lane.relayers?))) {
        step("RelayerRegistry", registry_args(&deployment, &lane, &relayers), U256::ZERO);
        let domain = attestation_domain(l1_chain_id, relayers.registry).separator();
        let (prover, registry, window) = (relayers.prover, relayers.registry, relayers.terms.l1_window);
        let verifier = (lane.endpoint, prover, registry, domain, window, drift(&parameters));
        step("AttestationVerifier", verifier.abi_encode_params(), U256::ZERO);
    }
    step("Courier", (contracts.vault,).abi_encode_params(), U256::ZERO);
    let (endpoint, port) = lane.map_or((Address::ZERO, Address::ZERO), |lane| (lane.endpoint, lane.port));
    let (queue, settlement, courier) = (contracts.message_queue, contracts.settlement, contracts.courier);
    let vault = (queue, settlement, courier, endpoint, port, p.exodus_delay);
    step("Vault", vault.abi_encode_params(), locked);
    let manifest = (contracts.vault, Bytes::from(manifest::encode(&deployment)?));
    step("Manifest", manifest.abi_encode_params(), U256::ZERO);
    Ok(Plan { deployer, first_nonce, steps, deployment })
}

/// How far, in seconds, the clock of one layer can be ahead of the other's.
fn drift(p: &Parameters) -> u32 {
    u32::try_from(p.max_drift).unwrap_or(u32::MAX)
}

fn registry_args(deployment: &Deployment, lane: &LaneContracts, relayers: &RelayerContracts) -> Vec<u8> {
    let (c, terms) = (&deployment.contracts, &relayers.terms);
    (
        lane.endpoint,
        lane.verifier,
        c.vault,
        c.settlement,
        c.message_queue,
        deployment.l2_chain_id,
        terms.stake,
        terms.unbonding,
        terms.overlap,
        terms.answer_period,
    )
        .abi_encode_params()
}

fn inbox_args(deployment: &Deployment) -> Vec<u8> {
    let (header, p) = (Batch::from(deployment.genesis_batch()), &deployment.parameters);
    let params = InboxParams {
        sequencerTimeout: p.sequencer_timeout,
        forcedInclusionDelay: p.forced_inclusion_delay,
        maxDrift: p.max_drift,
        maxBatchBlocks: p.max_batch_blocks,
        messageGasPerBlock: p.message_gas_per_block,
        maxBatchData: p.max_batch_data,
    };
    (deployment.contracts.message_queue, deployment.sequencer, header, params).abi_encode_params()
}

fn settlement_args(deployment: &Deployment) -> Vec<u8> {
    let (c, p) = (&deployment.contracts, &deployment.parameters);
    let validity = deployment.validity.map_or(Address::ZERO, |validity| validity.verifier);
    let output = deployment.genesis_output;
    (c.inbox, c.disputes, validity, output, p.bond, p.challenge_window, p.max_claim_blocks)
        .abi_encode_params()
}

fn validity_args(deployment: &Deployment, validity: &ValidityContracts) -> Vec<u8> {
    let config = deployment.program_config().hash();
    let ValidityContracts { proof_verifier, program_commitment, machine_commitment, .. } = *validity;
    (deployment.contracts.inbox, proof_verifier, config, program_commitment, machine_commitment)
        .abi_encode_params()
}

fn disputes_args(deployment: &Deployment) -> Vec<u8> {
    let (c, p) = (&deployment.contracts, &deployment.parameters);
    let FaultProgram { code_root, start_state } = deployment.program;
    let config = deployment.program_config().hash();
    (
        c.settlement,
        c.preimage_oracle,
        c.riscv_step,
        code_root,
        start_state,
        config,
        p.dispute_bond,
        p.defence_period,
        p.dispute_clock,
    )
        .abi_encode_params()
}

async fn run_plan(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    chain_id: u64,
    plan: &Plan,
    options: &DeployOptions,
) -> Result<(), NodeError> {
    let fees = FeeQuote::current(rpc).await?;
    let mut missing = Vec::new();
    for (i, step) in plan.steps.iter().enumerate() {
        if rpc.code(step.address).await?.is_empty() {
            missing.push((plan.first_nonce + i as u64, step));
        }
    }
    let Some((next, _)) = missing.first() else { return Ok(()) };
    let nonce = rpc.nonce(plan.deployer, false).await?;
    if nonce > *next {
        return Err(NodeError::NonceMoved { address: plan.deployer, found: nonce, expected: *next });
    }
    let gas = U256::from(CREATE_GAS) * U256::from(fees.max_fee);
    let needed: U256 = missing.iter().map(|(_, step)| gas + step.value).sum();
    let balance = rpc.balance(plan.deployer).await?;
    if balance < needed {
        return Err(NodeError::Unfunded { address: plan.deployer, balance, needed });
    }
    let mut sent = Vec::new();
    for (nonce, step) in &missing {
        (options.progress)(&step.contract);
        let raw = sign_eip1559(key, chain_id, *nonce, None, step.value, step.code.clone(), CREATE_GAS, fees)?;
        let hash = match rpc.send_raw(&raw).await {
            Ok(hash) => hash,
            // An earlier run's transaction with this nonce is on its way: it says the same.
            Err(error)
                if error
                    .rejection()
                    .is_some_and(|text| text.contains("underpriced") || text.contains("nonce too low")) =>
            {
                alloy_primitives::keccak256(&raw)
            }
            Err(error) => return Err(error.into()),
        };
        sent.push((hash, *step));
    }
    let start = Instant::now();
    for (hash, step) in sent {
        while rpc.code(step.address).await?.is_empty() {
            let failed = rpc.receipt(hash).await?.is_some_and(|receipt| !receipt.is_success());
            if failed || start.elapsed() > MINED_WITHIN {
                return Err(NodeError::DeployFailed { contract: step.contract.clone(), hash });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(settlement: SettlementMode, proof_verifier: Option<Bytes>) -> DeployOptions {
        DeployOptions {
            l2_chain_id: 42_069,
            parameters: Parameters::production(),
            bond_gas_price: 1,
            development: false,
            settlement,
            proof_verifier,
            lane: None,
            relayer_stake: U256::ZERO,
            progress: |_| (),
        }
    }

    #[test]
    fn proofs_that_anybody_can_forge_are_taken_on_development_chains_only() {
        let own = Bytes::from_static(b"code");
        for settlement in [SettlementMode::Validity, SettlementMode::Hybrid] {
            let none = options(settlement, None);
            assert!(check_verifier(&none, 31337).is_ok());
            assert!(matches!(check_verifier(&none, 1), Err(NodeError::ProofsNeedProduction { chain_id: 1 })));
            let forgeable = artifact("DevelopmentProofVerifier").bytecode.clone();
            for chain in [1, 31337] {
                let development = options(settlement, Some(forgeable.clone()));
                assert!(matches!(
                    check_verifier(&development, chain),
                    Err(NodeError::VerifierIsDevelopments)
                ));
                assert!(check_verifier(&options(settlement, Some(own.clone())), chain).is_ok());
            }
        }
        // Whatever stands around what makes it forgeable.
        let disguised = [&[0x5b], &artifact("DevelopmentProofVerifier").bytecode[..], &[0]].concat();
        let disguised = options(SettlementMode::Validity, Some(disguised.into()));
        assert!(matches!(check_verifier(&disguised, 1), Err(NodeError::VerifierIsDevelopments)));
        assert!(check_verifier(&disguised, 31337).is_ok());
        let unused = options(SettlementMode::Optimistic, Some(own));
        assert!(matches!(check_verifier(&unused, 1), Err(NodeError::VerifierUnused { .. })));
    }

    #[test]
    fn a_verifier_of_ones_own_takes_the_place_of_developments() {
        let own = options(SettlementMode::Validity, Some(Bytes::from_static(b"code")));
        let contracts = order(&own);
        assert!(contracts.contains(&"ProofVerifier") && contracts.contains(&"ValidityVerifier"));
        assert!(!contracts.iter().any(|name| name.starts_with("Development")));
        assert_eq!(own.creation_code("ProofVerifier"), "code".as_bytes());
        assert_eq!(*own.creation_code("ValidityVerifier"), artifact("ValidityVerifier").bytecode);
        let development = order(&options(SettlementMode::Validity, None));
        assert!(development.contains(&"DevelopmentProofVerifier"));
    }
}
