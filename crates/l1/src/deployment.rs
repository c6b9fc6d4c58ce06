//! What a rollup is: where its contracts are, what they were told, and its genesis.

use std::{
    io,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, U256, b256};
use duplex_primitives::{BatchHeader, Genesis, ProgramConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Form of the deployment file, and of the contracts: it is raised whenever one that nodes call takes other calls.
const VERSION: u32 = 7;

/// The contracts on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Contracts {
    /// Takes messages to L2.
    pub message_queue: Address,
    /// Takes batches.
    pub inbox: Address,
    /// Takes claims.
    pub settlement: Address,
    /// Judges claims that are challenged; zero, as the two that follow, where claims are only taken with a proof.
    pub disputes: Address,
    /// Executes one instruction of the proof machine.
    pub riscv_step: Address,
    /// Holds what such an instruction reads.
    pub preimage_oracle: Address,
    /// Keeps ETH and ERC-20s.
    pub vault: Address,
    /// Makes the calls that L2 asks for.
    pub courier: Address,
    /// Says all this on L1.
    pub manifest: Address,
}

/// How claims become final (`docs/validity.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SettlementMode {
    /// By a bond, a window in which anybody can challenge, and disputes.
    #[default]
    Optimistic,
    /// By a proof.
    Validity,
    /// By either.
    Hybrid,
}

impl SettlementMode {
    /// Whether claims can be challenged.
    pub const fn has_disputes(self) -> bool {
        !matches!(self, Self::Validity)
    }

    /// Whether proofs are taken.
    pub const fn has_proofs(self) -> bool {
        !matches!(self, Self::Optimistic)
    }
}

impl std::fmt::Display for SettlementMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Optimistic => "optimistic",
            Self::Validity => "validity",
            Self::Hybrid => "hybrid",
        })
    }
}

/// Chain ids of L1s whose accounts are worth nothing: Hardhat's and anvil's, geth's --dev.
pub const DEVELOPMENT_CHAINS: [u64; 2] = [31337, 1337];

/// The first coordinate of `[τ]₂` in the development's reference string, in its two parts. Its secret is in the prover's source, so
/// whoever wants to can forge what a verifier with this in its code takes.
const DEVELOPMENT_STRING: [B256; 2] = [
    b256!("2754e7a7d9028d30114a1b4cf9341d9a1eac69eed67d38613e3c57297b85c36d"),
    b256!("0364bd213dff3dc1df3fc98099e31d9765b38c1d08a0887013f24b86c70d7c7e"),
];

/// Whether a proofs' verifier with this code takes what anybody can forge: proofs with development parameters.
pub fn takes_forgeries(code: &[u8]) -> bool {
    code.windows(32).any(|word| DEVELOPMENT_STRING.iter().any(|part| word == part.as_slice()))
}

/// With which parameters proofs are made (`docs/validity.md` §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProofParameters {
    /// Such that small machines can: anybody can forge them.
    #[default]
    Development,
    /// With a ceremony's reference string.
    Production,
}

impl std::fmt::Display for ProofParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

/// The contracts that verify proofs, and what they are proofs of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidityContracts {
    /// Verifies that batches of the Inbox make of one output root another.
    pub verifier: Address,
    /// Verifies executions for it; generated.
    pub proof_verifier: Address,
    /// The program.
    pub program_commitment: B256,
    /// The machine that executes it.
    pub machine_commitment: B256,
    /// Which proofs are taken.
    #[serde(default)]
    pub parameters: ProofParameters,
}

/// Who convinces a lane's ends of what the other one sent (`docs/bridge.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Crossing {
    /// Light clients on both layers: Merkle proofs, which anyone may carry.
    Spv,
    /// Staked relayers who vouch for messages up to what their stake covers; light clients for the rest.
    Multisig,
}

/// The relayers of a lane, and what they were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerContracts {
    /// Where their stakes are.
    pub registry: Address,
    /// Decides by Merkle proofs what L2 sent, where they do not vouch.
    pub prover: Address,
    /// What they were told.
    pub terms: RelayerTerms,
}

/// What relayers are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerTerms {
    /// Wei that each stakes.
    pub stake: U256,
    /// Seconds for which a stake stays after its relayer left.
    pub unbonding: u64,
    /// Seconds for which a set of relayers counts after it was replaced.
    pub overlap: u64,
    /// Seconds to answer a summons.
    pub answer_period: u64,
    /// Seconds in which a false attestation about L2 is shown on L1: as much as the limit can be vouched for again within it.
    pub l1_window: u64,
    /// Seconds in which a false attestation about L1 is shown there, and L2 is told.
    pub l2_window: u64,
}

impl RelayerTerms {
    /// What a rollup with these parameters needs, so that no stake is free before what it answers for has shown.
    pub fn new(stake: U256, p: &Parameters) -> Self {
        // L1 learns what L2 had when a claim of a later batch is final, and L2's clock may be ahead.
        // Where claims are only taken with a proof, only the exodus bounds how long that takes.
        let proof = if p.dispute_clock == 0 { p.exodus_delay } else { 0 };
        let l1_window = p.sequencer_timeout
            + p.challenge_window
            + proof
            + p.longest_dispute()
            + p.forced_inclusion_delay
            + p.max_drift;
        // L2 learns of another set by a message of L1's. A sequencer may keep the lie to itself for as long as it can keep
        // a message out, and then the news of it as long again.
        let l2_window = 2 * p.sequencer_timeout + p.forced_inclusion_delay + p.max_drift;
        let overlap = (p.forced_inclusion_delay / 24).max(30);
        Self {
            stake,
            // If claims stop, the exodus decides.
            unbonding: p.exodus_delay + l1_window + l2_window + overlap,
            overlap,
            answer_period: p.forced_inclusion_delay,
            l1_window,
            l2_window,
        }
    }
}

/// The lane between L1 and L2: its L1 end. The L2 end is in the genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneContracts {
    /// Who convinces its ends.
    pub crossing: Crossing,
    /// Where messages go out and come in.
    pub endpoint: Address,
    /// Makes the calls of messages.
    pub messenger: Address,
    /// Decides what L2 sent.
    pub verifier: Address,
    /// Sends and receives tokens.
    pub port: Address,
    /// The relayers, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relayers: Option<RelayerContracts>,
}

/// What the contracts were told at deployment; nobody can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// Highest gas limit of a message.
    pub max_message_gas: u64,
    /// Longest data of a message, in bytes.
    pub max_message_data: u64,
    /// L2 gas that one burnt L1 gas pays for.
    pub gas_burn_divisor: u64,
    /// Seconds after which anybody may append, counted from a message that was not consumed.
    pub sequencer_timeout: u64,
    /// Seconds after which a message must be consumed.
    pub forced_inclusion_delay: u64,
    /// Seconds that L2 time may be ahead of L1's.
    pub max_drift: u64,
    /// Most blocks of a batch.
    pub max_batch_blocks: u64,
    /// Gas of messages per L2 block.
    pub message_gas_per_block: u64,
    /// Longest data of a batch, in bytes.
    pub max_batch_data: u64,
    /// Wei staked with every claim.
    pub bond: U256,
    /// Seconds in which a claim can be challenged.
    pub challenge_window: u64,
    /// Most blocks of a claim.
    pub max_claim_blocks: u64,
    /// Wei staked with every challenge and every defence.
    pub dispute_bond: U256,
    /// Seconds after a challenge in which the claim can be defended. Longer than the clock: a challenge that
    /// nobody had the money to answer must not win before those that were answered have paid (`docs/stake.md`).
    pub defence_period: u64,
    /// Seconds that each side of a dispute has for all its moves.
    pub dispute_clock: u64,
    /// Seconds without a final claim after which the exodus may start.
    pub exodus_delay: u64,
}

/// Gas that the anchor update may use in an L2 block.
const ANCHOR_GAS: u64 = 1_000_000;

impl Parameters {
    /// For a devnet: short delays, a small bond.
    pub fn development() -> Self {
        Self {
            sequencer_timeout: 600,
            forced_inclusion_delay: 300,
            max_drift: 3600,
            bond: U256::from(100_000_000_000_000_000u64),
            challenge_window: 10,
            dispute_bond: U256::from(100_000_000_000_000_000u64),
            defence_period: 90,
            dispute_clock: 60,
            exodus_delay: 24 * 3600,
            ..Self::production()
        }
    }

    /// For a rollup that keeps value: a day to include, seven days to challenge.
    pub fn production() -> Self {
        Self {
            max_message_gas: 10_000_000,
            max_message_data: 65_536,
            gas_burn_divisor: 10,
            sequencer_timeout: 36 * 3600,
            forced_inclusion_delay: 24 * 3600,
            max_drift: 900,
            max_batch_blocks: 4_096,
            message_gas_per_block: 18_000_000,
            max_batch_data: 125_000,
            bond: U256::from(2_000_000_000_000_000_000u64),
            challenge_window: 7 * 24 * 3600,
            max_claim_blocks: 4_096,
            dispute_bond: U256::from(1_000_000_000_000_000_000u64),
            defence_period: 3 * 24 * 3600,
            dispute_clock: 2 * 24 * 3600,
            exodus_delay: 30 * 24 * 3600,
        }
    }

    /// The longest that a challenge made in the last second of a window can last after it, in seconds.
    pub const fn longest_dispute(&self) -> u64 {
        // There are no disputes where they take no time.
        if self.dispute_clock == 0 {
            return 0;
        }
        self.defence_period.saturating_add(self.dispute_clock.saturating_mul(2)).saturating_add(1)
    }

    /// The shortest exodus delay that the contracts take: twice what a claim may need to become final, so that
    /// an honest claim after a missed one still comes in time.
    pub const fn least_exodus_delay(&self) -> u64 {
        self.challenge_window.saturating_add(self.longest_dispute()).saturating_mul(2)
    }

    /// These without bonds and windows, which mean nothing where claims are only taken with a proof.
    pub const fn without_disputes(self) -> Self {
        Self {
            bond: U256::ZERO,
            challenge_window: 0,
            dispute_bond: U256::ZERO,
            defence_period: 0,
            dispute_clock: 0,
            ..self
        }
    }

    /// Whether a block of the L2 has room for what these parameters force into it: messages up to
    /// `message_gas_per_block`, one that starts just below that, and the anchor update.
    pub const fn fit(&self, l2_gas_limit: u64) -> bool {
        self.message_gas_per_block.saturating_add(self.max_message_gas).saturating_add(ANCHOR_GAS)
            <= l2_gas_limit
    }
}

/// The program that disputes execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultProgram {
    /// Root of its code.
    pub code_root: B256,
    /// Hash of the machine's first state.
    pub start_state: B256,
}

/// A token on both layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Its symbol.
    pub symbol: String,
    /// Its name.
    pub name: String,
    /// Digits after the point.
    pub decimals: u8,
    /// Address on L1.
    pub l1: Address,
    /// Address on L2, from the first deposit on.
    pub l2: Address,
}

/// An account whose key everybody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevAccount {
    /// Its address.
    pub address: Address,
    /// Its private key.
    pub private_key: B256,
}

/// A rollup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Form of this file.
    pub version: u32,
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Where L1 answered when this was written.
    pub l1_rpc: String,
    /// Where L2 answered when this was written.
    pub l2_rpc: String,
    /// The contracts on L1.
    pub contracts: L1Contracts,
    /// The lane, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneContracts>,
    /// What verifies proofs, where they are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<ValidityContracts>,
    /// L1 block before which there is nothing of this rollup.
    pub start_block: u64,
    /// Who may append while no message waits too long.
    pub sequencer: Address,
    /// What the contracts were told.
    pub parameters: Parameters,
    /// What disputes execute.
    pub program: FaultProgram,
    /// Tokens of a devnet.
    pub tokens: Vec<TokenInfo>,
    /// Accounts of a devnet.
    pub accounts: Vec<DevAccount>,
    /// Hash of L2 block 0.
    pub genesis_hash: B256,
    /// Output root of L2 block 0.
    pub genesis_output: B256,
    /// L2 block 0 and its state.
    pub genesis: Genesis,
}

/// Why a deployment file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a deployment file.
    #[error("{} is not a deployment file: {why}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It was written by another version of this program.
    #[error("{} has form {found}, this program reads {VERSION}: use the version of Duplex that deployed it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
}

impl Deployment {
    /// What the program must know of this rollup; the contracts have its hash.
    pub const fn program_config(&self) -> ProgramConfig {
        ProgramConfig {
            chain: self.genesis.config,
            message_gas_per_block: self.parameters.message_gas_per_block,
        }
    }

    /// How claims become final.
    pub fn settlement_mode(&self) -> SettlementMode {
        match (self.contracts.disputes.is_zero(), self.validity) {
            (true, _) => SettlementMode::Validity,
            (false, Some(_)) => SettlementMode::Hybrid,
            (false, None) => SettlementMode::Optimistic,
        }
    }

    /// The form that this program writes.
    pub const VERSION: u32 = VERSION;

    /// The header of batch 0.
    pub fn genesis_batch(&self) -> BatchHeader {
        BatchHeader {
            timestamp: self.genesis.timestamp,
            anchorNumber: self.genesis.anchor_number,
            anchorHash: self.genesis.anchor_hash,
            ..Default::default()
        }
    }

    /// A token of this devnet by symbol (any case) or address on either layer.
    pub fn token(&self, name: &str) -> Option<&TokenInfo> {
        let address: Option<Address> = name.parse().ok();
        self.tokens.iter().find(|token| {
            token.symbol.eq_ignore_ascii_case(name)
                || address.is_some_and(|address| address == token.l1 || address == token.l2)
        })
    }

    /// Reads a deployment file.
    ///
    /// # Errors
    /// If it cannot be read or is not one.
    pub fn load(path: &Path) -> Result<Self, DeploymentError> {
        let bytes =
            std::fs::read(path).map_err(|source| DeploymentError::Io { path: path.into(), source })?;
        let parse =
            |why: serde_json::Error| DeploymentError::Parse { path: path.into(), why: why.to_string() };
        let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(parse)?;
        match json.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(VERSION) => {
                Err(DeploymentError::Version { path: path.into(), found: version as u32 })
            }
            _ => serde_json::from_value(json).map_err(parse),
        }
    }

    /// Writes the file; it is there whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentError> {
        let io = |source| DeploymentError::Io { path: path.into(), source };
        let json = serde_json::to_vec_pretty(self)
            .map_err(|why| DeploymentError::Parse { path: path.into(), why: why.to_string() })?;
        let draft = path.with_extension("json.new");
        std::fs::write(&draft, json).map_err(io)?;
        std::fs::File::open(&draft).and_then(|file| file.sync_all()).map_err(io)?;
        std::fs::rename(&draft, path).map_err(io)
    }
}
