//! A rollup's deployment, published on L1.
//!
//! With it, L1's URL is all that anyone needs. Anyone can publish anything about any rollup, so what a
//! manifest says is not believed. It must come from the account that created the Vault, in its very
//! next transaction: for each Vault there is one such address. And it is compared with the contracts:
//! with their own addresses and parameters, and its genesis with claim 0.

use std::io::Read;

use alloy_primitives::{Address, U256, keccak256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::{
    bindings::{
        IAttestationVerifier, ICourier, IDisputes, IEndpoint, IExodus, IInbox, IManifest, IMessageQueue,
        IMessenger, IOutputVerifier, IRelayerRegistry, ISettlement, ITokenPort, IValidityVerifier, IVault,
    },
    l2_token_address,
};
use duplex_primitives::predeploys;
use thiserror::Error;

use crate::{
    Crossing, DEVELOPMENT_CHAINS, Deployment, LaneContracts, RelayerContracts, Rpc, RpcError,
    ValidityContracts, takes_forgeries,
};

/// First byte: JSON, compressed with brotli.
const FORM: u8 = 0;
/// Longest JSON that is read. A deployment has some 100 kB.
const LONGEST: u64 = 4 << 20;
/// Why a rollup's deployment cannot be had from L1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// L1 refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// It cannot be written, which plain data excludes.
    #[error("the deployment cannot be written: {0}")]
    Write(String),
    /// There is none.
    #[error("{url} has no rollup{of}; name its deployment file with --deployment", of = of_vault(.vault))]
    None {
        /// L1.
        url: String,
        /// The vault that was looked for, if one was named.
        vault: Option<Address>,
    },
    /// There are several.
    #[error("{url} has several rollups: choose one with --rollup and the address of its Vault: {}", list(.vaults))]
    Several {
        /// L1.
        url: String,
        /// Their vaults.
        vaults: Vec<Address>,
    },
    /// It does not decode.
    #[error("what {manifest} publishes is not a deployment: {why}")]
    Malformed {
        /// The Manifest contract.
        manifest: Address,
        /// What is wrong.
        why: String,
    },
    /// Somebody else than the rollup's deployer published it.
    #[error(
        "{manifest} says what the rollup of {vault} is, but was not created by the account that created \
         {vault} in its next transaction: do not believe it; the deployment file tells the truth"
    )]
    Foreign {
        /// The Manifest contract.
        manifest: Address,
        /// The vault that it speaks of.
        vault: Address,
    },
    /// Anybody can make its rollup's claims final.
    #[error(
        "the proofs' verifier {proof_verifier} takes proofs with development parameters, which anybody can forge: do not use this rollup"
    )]
    Forgeable {
        /// The generated verifier.
        proof_verifier: Address,
    },
    /// It says something else than the contracts.
    #[error("the deployment says {what} is {said}, {contract} says {found}: do not use it")]
    Contradicted {
        /// What differs.
        what: &'static str,
        /// What the deployment says.
        said: String,
        /// The contract.
        contract: Address,
        /// What it says.
        found: String,
    },
}

fn of_vault(vault: &Option<Address>) -> String {
    vault.map_or_else(String::new, |vault| format!(" with the Vault {vault}"))
}

fn list(vaults: &[Address]) -> String {
    vaults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A deployment as a Manifest publishes it: without keys, and without URLs, which are one
/// operator's.
///
/// # Errors
/// If it cannot be compressed.
pub fn encode(deployment: &Deployment) -> Result<Vec<u8>, ManifestError> {
    let write = |why: &dyn std::fmt::Display| ManifestError::Write(why.to_string());
    let json = serde_json::to_vec(&public(deployment.clone())).map_err(|why| write(&why))?;
    let mut out = vec![FORM];
    let params = brotli::enc::BrotliEncoderParams { quality: 9, lgwin: 20, ..Default::default() };
    brotli::BrotliCompress(&mut &json[..], &mut out, &params).map_err(|why| write(&why))?;
    Ok(out)
}

fn public(deployment: Deployment) -> Deployment {
    Deployment { l1_rpc: String::new(), l2_rpc: String::new(), accounts: Vec::new(), ..deployment }
}

/// Reads what [`encode`] wrote. Keys and URLs that somebody put in are left out.
///
/// # Errors
/// If it did not.
pub fn decode(manifest: Address, data: &[u8]) -> Result<Deployment, ManifestError> {
    let malformed = |why: String| ManifestError::Malformed { manifest, why };
    let Some((&FORM, compressed)) = data.split_first() else {
        return Err(malformed(format!(
            "its first byte is not {FORM}; another version of this program may read it"
        )));
    };
    let mut json = Vec::new();
    let mut reader = brotli::Decompressor::new(compressed, 4096).take(LONGEST + 1);
    reader.read_to_end(&mut json).map_err(|why| malformed(why.to_string()))?;
    if json.len() as u64 > LONGEST {
        return Err(malformed(format!("it is longer than {LONGEST} bytes")));
    }
    let json: serde_json::Value = serde_json::from_slice(&json).map_err(|why| malformed(why.to_string()))?;
    let ours = Deployment::VERSION;
    match json.get("version").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(ours) => {
            Err(malformed(format!("it has form {found}, this program reads {ours}")))
        }
        _ => serde_json::from_value(json).map(public).map_err(|why| malformed(why.to_string())),
    }
}

/// Finds the rollup on an L1: the one of this Vault, or the only one there is. What its manifest
/// says is checked against the contracts, except the genesis' own hash, which takes a chain.
///
/// # Errors
/// If there is none or several, or it is not what the contracts say.
pub async fn discover(rpc: &Rpc, vault: Option<Address>) -> Result<Deployment, ManifestError> {
    let mut topics = vec![Some(IManifest::Published::SIGNATURE_HASH)];
    if let Some(vault) = vault {
        topics.push(Some(vault.into_word()));
    }
    let mut found: Vec<(Address, Deployment)> = Vec::new();
    let mut wrong = None;
    for log in rpc.logs_by_topics(None, &topics, 0, rpc.block_number().await?).await? {
        match read(rpc, &log).await {
            Ok((of, deployment)) if vault.is_none_or(|vault| vault == of) => {
                if found.iter().all(|(vault, _)| *vault != of) {
                    found.push((of, deployment));
                }
            }
            Ok(_) => {}
            Err(ManifestError::Rpc(error)) if error.is_temporary() => return Err(error.into()),
            // What is wrong does not stand for a rollup. What its own deployer got wrong says more than
            // what a stranger did.
            Err(error) => {
                if !matches!((&wrong, &error), (Some(_), ManifestError::Foreign { .. })) {
                    wrong = Some(error);
                }
            }
        }
    }
    let url = rpc.url().to_owned();
    match (found.len(), wrong) {
        (0, Some(error)) => Err(error),
        (0, None) => Err(ManifestError::None { url, vault }),
        (1, _) => Ok(found.remove(0).1),
        _ => Err(ManifestError::Several { url, vaults: found.into_iter().map(|(vault, _)| vault).collect() }),
    }
}

async fn check_relayers(
    asks: &Asks<'_>,
    deployment: &Deployment,
    lane: &LaneContracts,
    relayers: &RelayerContracts,
) -> Result<(), ManifestError> {
    let (vault, RelayerContracts { registry, prover, terms }) = (deployment.contracts.vault, *relayers);
    asks.same("the endpoint", lane.endpoint, lane.verifier, &IAttestationVerifier::endpointCall {}).await?;
    asks.same("the vault", vault, lane.verifier, &IAttestationVerifier::vaultCall {}).await?;
    asks.same("the prover", prover, lane.verifier, &IAttestationVerifier::proverCall {}).await?;
    asks.same("the registry", registry, lane.verifier, &IAttestationVerifier::tellerCall {}).await?;
    asks.same("the relayers' window", terms.l1_window, lane.verifier, &IAttestationVerifier::windowCall {})
        .await?;
    asks.same("the endpoint", lane.endpoint, registry, &IRelayerRegistry::endpointCall {}).await?;
    asks.same("the verifier", lane.verifier, registry, &IRelayerRegistry::verifierCall {}).await?;
    asks.same("the vault", vault, registry, &IRelayerRegistry::vaultCall {}).await?;
    asks.same("the stake", terms.stake.saturating_to::<u128>(), registry, &IRelayerRegistry::stakeCall {})
        .await?;
    asks.same("the unbonding", terms.unbonding, registry, &IRelayerRegistry::unbondingCall {}).await?;
    asks.same("the overlap", terms.overlap, registry, &IRelayerRegistry::overlapCall {}).await?;
    asks.same("the answer period", terms.answer_period, registry, &IRelayerRegistry::answerPeriodCall {})
        .await
}

async fn check_disputes(asks: &Asks<'_>, deployment: &Deployment) -> Result<(), ManifestError> {
    let (c, p) = (&deployment.contracts, &deployment.parameters);
    asks.same("the settlement", c.settlement, c.disputes, &IDisputes::settlementCall {}).await?;
    asks.same("the oracle", c.preimage_oracle, c.disputes, &IDisputes::oracleCall {}).await?;
    asks.same("the stepper", c.riscv_step, c.disputes, &IDisputes::stepperCall {}).await?;
    let program = &deployment.program;
    asks.same("the code root", program.code_root, c.disputes, &IDisputes::codeRootCall {}).await?;
    asks.same("the first state", program.start_state, c.disputes, &IDisputes::startStateCall {}).await?;
    let config = deployment.program_config().hash();
    asks.same("the configuration's hash", config, c.disputes, &IDisputes::configHashCall {}).await?;
    asks.same("disputeBond", p.dispute_bond, c.disputes, &IDisputes::bondCall {}).await?;
    asks.same("defencePeriod", p.defence_period, c.disputes, &IDisputes::defencePeriodCall {}).await?;
    asks.same("disputeClock", p.dispute_clock, c.disputes, &IDisputes::clockCall {}).await
}

async fn check_validity(
    asks: &Asks<'_>,
    deployment: &Deployment,
    validity: &ValidityContracts,
) -> Result<(), ManifestError> {
    let ValidityContracts { verifier, proof_verifier, program_commitment, machine_commitment, .. } =
        *validity;
    asks.same("the inbox", deployment.contracts.inbox, verifier, &IValidityVerifier::inboxCall {}).await?;
    asks.same("the proofs' verifier", proof_verifier, verifier, &IValidityVerifier::proofVerifierCall {})
        .await?;
    let config = deployment.program_config().hash();
    asks.same("the configuration's hash", config, verifier, &IValidityVerifier::configHashCall {}).await?;
    asks.same("the program", program_commitment, verifier, &IValidityVerifier::programCommitmentCall {})
        .await?;
    asks.same("the machine", machine_commitment, verifier, &IValidityVerifier::machineCommitmentCall {})
        .await?;
    let is_worth_something = !DEVELOPMENT_CHAINS.contains(&deployment.l1_chain_id);
    if is_worth_something && takes_forgeries(&asks.rpc.code(proof_verifier).await?) {
        return Err(ManifestError::Forgeable { proof_verifier });
    }
    Ok(())
}

/// What was published, if it is all true, and the vault that it speaks of.
async fn read(rpc: &Rpc, log: &Log) -> Result<(Address, Deployment), ManifestError> {
    let manifest = log.address();
    let malformed = |why: String| ManifestError::Malformed { manifest, why };
    let event = IManifest::Published::decode_log(&log.inner).map_err(|why| malformed(why.to_string()))?;
    let (vault, data) = (event.vault, &event.data.data);
    // First what costs a stranger most to feign: addresses follow from the creator and its nonce.
    let hash = log.transaction_hash.ok_or_else(|| malformed("its log names no transaction".into()))?;
    let creation = rpc.transaction(hash).await?;
    let (creator, nonce) = creation
        .map(|tx| (tx.from, tx.nonce.to::<u64>()))
        .ok_or_else(|| malformed(format!("{} does not have its transaction {hash}", rpc.url())))?;
    let before = nonce.checked_sub(1).map(|nonce| creator.create(nonce));
    if creator.create(nonce) != manifest || before != Some(vault) {
        return Err(ManifestError::Foreign { manifest, vault });
    }
    let deployment = decode(manifest, data)?;
    same("the manifest", deployment.contracts.manifest, manifest, manifest)?;
    check(rpc, &deployment, vault, manifest).await?;
    Asks { rpc }.same("the manifest's hash", keccak256(data), manifest, &IManifest::dataHashCall {}).await?;
    Ok((vault, deployment))
}

/// Checks a deployment, wherever it came from, against the contracts that it names.
///
/// # Errors
/// With the first thing that differs.
pub async fn check(
    rpc: &Rpc,
    deployment: &Deployment,
    vault: Address,
    manifest: Address,
) -> Result<(), ManifestError> {
    let (c, p) = (&deployment.contracts, &deployment.parameters);
    same("the vault", c.vault, manifest, vault)?;
    same("L1's chain id", deployment.l1_chain_id, manifest, rpc.chain_id().await?)?;
    same("L2's chain id", deployment.l2_chain_id, manifest, deployment.genesis.config.chain_id)?;
    for token in &deployment.tokens {
        same("a token's address on L2", token.l2, c.vault, l2_token_address(token.l1))?;
    }

    let asks = Asks { rpc };
    asks.same("the vault", c.vault, manifest, &IManifest::vaultCall {}).await?;
    asks.same("the vault", c.vault, c.courier, &ICourier::vaultCall {}).await?;
    asks.same("the vault", c.vault, c.message_queue, &IMessageQueue::vaultCall {}).await?;
    let endpoint = deployment.lane.map_or(Address::ZERO, |lane| lane.endpoint);
    let port = deployment.lane.map_or(Address::ZERO, |lane| lane.port);
    asks.same("the endpoint", endpoint, c.vault, &IVault::endpointCall {}).await?;
    asks.same("the token port", port, c.vault, &IVault::tokenPortCall {}).await?;
    if let Some(lane) = &deployment.lane {
        asks.same("the vault", c.vault, endpoint, &IEndpoint::vaultCall {}).await?;
        asks.same("the peer", predeploys::ENDPOINT, endpoint, &IEndpoint::peerCall {}).await?;
        asks.same("the peer's chain", deployment.l2_chain_id, endpoint, &IEndpoint::peerChainIdCall {})
            .await?;
        asks.same("the messenger", lane.messenger, endpoint, &IEndpoint::messengerCall {}).await?;
        asks.same("the verifier", lane.verifier, endpoint, &IEndpoint::verifierCall {}).await?;
        asks.same("the endpoint", endpoint, lane.messenger, &IMessenger::endpointCall {}).await?;
        asks.same("the endpoint", endpoint, port, &ITokenPort::endpointCall {}).await?;
        asks.same("the port's peer", predeploys::TOKEN_PORT, port, &ITokenPort::peerCall {}).await?;
        let prover = lane.relayers.map_or(lane.verifier, |relayers| relayers.prover);
        asks.same("the vault", c.vault, prover, &IOutputVerifier::vaultCall {}).await?;
        let kind = lane.relayers.map_or(Crossing::Spv, |_| Crossing::Multisig);
        same("the kind of the lane", format!("{:?}", lane.crossing), manifest, format!("{kind:?}"))?;
        if let Some(relayers) = &lane.relayers {
            check_relayers(&asks, deployment, lane, relayers).await?;
        }
    }
    asks.same("maxMessageGas", p.max_message_gas, c.message_queue, &IMessageQueue::maxMessageGasCall {})
        .await?;
    asks.same("maxMessageData", p.max_message_data, c.message_queue, &IMessageQueue::maxMessageDataCall {})
        .await?;
    let divisor = U256::from(p.gas_burn_divisor);
    asks.same("gasBurnDivisor", divisor, c.message_queue, &IMessageQueue::gasBurnDivisorCall {}).await?;

    asks.same("the queue", c.message_queue, c.inbox, &IInbox::messageQueueCall {}).await?;
    asks.same("the sequencer", deployment.sequencer, c.inbox, &IInbox::sequencerCall {}).await?;
    let genesis = deployment.genesis_batch().hash();
    asks.same("the genesis batch", genesis, c.inbox, &IInbox::batchHashCall { index: 0 }).await?;
    asks.same("sequencerTimeout", p.sequencer_timeout, c.inbox, &IInbox::sequencerTimeoutCall {}).await?;
    asks.same(
        "forcedInclusionDelay",
        p.forced_inclusion_delay,
        c.inbox,
        &IInbox::forcedInclusionDelayCall {},
    )
    .await?;
    asks.same("maxDrift", p.max_drift, c.inbox, &IInbox::maxDriftCall {}).await?;
    asks.same("maxBatchBlocks", p.max_batch_blocks, c.inbox, &IInbox::maxBatchBlocksCall {}).await?;
    asks.same("messageGasPerBlock", p.message_gas_per_block, c.inbox, &IInbox::messageGasPerBlockCall {})
        .await?;
    asks.same("maxBatchData", p.max_batch_data, c.inbox, &IInbox::maxBatchDataCall {}).await?;

    asks.same("the inbox", c.inbox, c.settlement, &ISettlement::inboxCall {}).await?;
    let output = deployment.genesis_output;
    asks.same("the genesis output", output, c.settlement, &ISettlement::finalOutputRootCall { id: 0 })
        .await?;
    asks.same("bond", p.bond, c.settlement, &ISettlement::bondCall {}).await?;
    asks.same("challengeWindow", p.challenge_window, c.settlement, &ISettlement::challengeWindowCall {})
        .await?;
    asks.same("maxClaimBlocks", p.max_claim_blocks, c.settlement, &ISettlement::maxClaimBlocksCall {})
        .await?;

    asks.same("the disputes", c.disputes, c.settlement, &ISettlement::disputesCall {}).await?;
    let validity = deployment.validity.map_or(Address::ZERO, |validity| validity.verifier);
    asks.same("the validity verifier", validity, c.settlement, &ISettlement::validityCall {}).await?;
    if deployment.settlement_mode().has_disputes() {
        check_disputes(&asks, deployment).await?;
    }
    if let Some(validity) = &deployment.validity {
        check_validity(&asks, deployment, validity).await?;
    }

    asks.same("the queue", c.message_queue, c.vault, &IVault::messageQueueCall {}).await?;
    asks.same("the settlement", c.settlement, c.vault, &IVault::settlementCall {}).await?;
    asks.same("the courier", c.courier, c.vault, &IVault::courierCall {}).await?;
    asks.same("exodusDelay", p.exodus_delay, c.vault, &IExodus::exodusDelayCall {}).await
}

fn same<T: PartialEq + ToString>(
    what: &'static str,
    said: T,
    contract: Address,
    found: T,
) -> Result<(), ManifestError> {
    if said == found {
        return Ok(());
    }
    Err(ManifestError::Contradicted { what, said: said.to_string(), contract, found: found.to_string() })
}

struct Asks<'a> {
    rpc: &'a Rpc,
}

impl Asks<'_> {
    async fn same<C: SolCall>(
        &self,
        what: &'static str,
        said: C::Return,
        contract: Address,
        call: &C,
    ) -> Result<(), ManifestError>
    where
        C::Return: PartialEq + ToString,
    {
        same(what, said, contract, self.rpc.call(contract, call).await?)
    }
}
