//! Arguments that several commands share.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::{Args, ValueEnum};
use duplex_actors::{DaMode, SequencerOptions};
use duplex_bridge::{Bridge, parse_units};
use duplex_exit::find_deployment;
use duplex_l1::{Crossing, Deployment, Parameters, Rpc, SettlementMode};
use duplex_lane::{Direction, Sibling, Siblings};
use duplex_node::{BlobOptions, Delays, DevProver, Pace, dev_key, parse_key};
use duplex_storage::History;
use eyre::{WrapErr, bail};

/// Which rollup a command is about, and how to reach it.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Deployment file of the rollup.
    #[arg(
        long,
        env = "DUPLEX_DEPLOYMENT",
        value_name = "FILE",
        default_value = "duplex-data/deployment.json"
    )]
    pub(crate) deployment: PathBuf,
    /// JSON-RPC of L1; the deployment file's unless given.
    #[arg(long, env = "DUPLEX_L1", value_name = "URL")]
    pub(crate) l1: Option<String>,
    /// JSON-RPC of L2; the deployment file's unless given.
    #[arg(long, env = "DUPLEX_L2", value_name = "URL")]
    pub(crate) l2: Option<String>,
}

impl ConnectArgs {
    pub(crate) fn bridge(&self) -> eyre::Result<Bridge> {
        let deployment = Deployment::load(&self.deployment).wrap_err_with(|| {
            format!(
                "no rollup at {}: start one with `duplex up`, or name another with --deployment",
                self.deployment.display()
            )
        })?;
        Ok(Bridge::new(deployment, self.l1.as_deref(), self.l2.as_deref())?)
    }
}

/// Which rollup a command is about that needs nothing but L1.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// JSON-RPC of L1; the deployment file's unless given.
    #[arg(long, env = "DUPLEX_L1", value_name = "URL", required_unless_present = "deployment")]
    pub(crate) l1: Option<String>,
    /// The rollup, by the address of its Vault on L1; needed only where L1 has several.
    #[arg(long, env = "DUPLEX_ROLLUP", value_name = "ADDRESS", conflicts_with = "deployment")]
    pub(crate) rollup: Option<Address>,
    /// Deployment file of the rollup; without it, L1 itself says what the rollup is.
    #[arg(long, env = "DUPLEX_DEPLOYMENT", value_name = "FILE")]
    pub(crate) deployment: Option<PathBuf>,
}

impl FindArgs {
    /// The rollup, and L1's URL.
    pub(crate) async fn find(&self) -> eyre::Result<(Deployment, String)> {
        let url = match (&self.l1, &self.deployment) {
            (Some(url), _) => url.clone(),
            (None, Some(path)) => Deployment::load(path)?.l1_rpc,
            (None, None) => bail!("name L1 with --l1 URL, or a rollup with --deployment FILE"),
        };
        let found = find_deployment(&Rpc::new(&url)?, self.rollup, self.deployment.as_deref()).await?;
        Ok((Deployment { l1_rpc: url.clone(), ..found }, url))
    }
}

/// Where blobs come from.
#[derive(Debug, Args)]
pub(crate) struct BlobArgs {
    /// Beacon API of L1, or another node's archive, where blobs are read; may be repeated, and is
    /// asked in this order. L1's own URL unless given, which is right for development L1s.
    #[arg(long, env = "DUPLEX_BLOBS", value_name = "URL", value_delimiter = ',')]
    pub(crate) blobs: Vec<String>,
    /// Days for which blobs are kept; for good unless given. L1 forgets them after about 18.
    #[arg(long, env = "DUPLEX_BLOB_ARCHIVE_DAYS", value_name = "DAYS")]
    blob_archive_days: Option<u64>,
}

impl BlobArgs {
    pub(crate) fn options(&self) -> BlobOptions {
        let keep = self.blob_archive_days.map(|days| Duration::from_secs(days.saturating_mul(24 * 3600)));
        BlobOptions { sources: self.blobs.clone(), keep }
    }
}

/// Delays that the contracts are told at deployment.
#[derive(Debug, Args)]
pub(crate) struct DelayArgs {
    /// Seconds in which a claim can be challenged; 10 on a development L1, seven days on another.
    #[arg(long, env = "DUPLEX_CHALLENGE_WINDOW", value_name = "SECS")]
    challenge_window: Option<u64>,
    /// Seconds after which a message from L1 must be in the next batch; 300 on a development L1, a day
    /// on another.
    #[arg(long, env = "DUPLEX_FORCED_INCLUSION_DELAY", value_name = "SECS")]
    forced_inclusion_delay: Option<u64>,
    /// Seconds after which anyone may append a batch, because a message waits; 600 on a development
    /// L1, 36 hours on another.
    #[arg(long, env = "DUPLEX_SEQUENCER_TIMEOUT", value_name = "SECS")]
    sequencer_timeout: Option<u64>,
    /// Seconds without a final claim after which the exodus may start; a day on a development L1,
    /// 30 days on another.
    #[arg(long, env = "DUPLEX_EXODUS_DELAY", value_name = "SECS")]
    exodus_delay: Option<u64>,
    /// Seconds after a challenge in which the claim can be defended; 90 on a development L1, three days
    /// on another.
    #[arg(long, env = "DUPLEX_DEFENCE_PERIOD", value_name = "SECS")]
    defence_period: Option<u64>,
    /// Seconds that each side of a dispute has for all its moves; 60 on a development L1, two days on
    /// another.
    #[arg(long, env = "DUPLEX_DISPUTE_CLOCK", value_name = "SECS")]
    dispute_clock: Option<u64>,
}

impl DelayArgs {
    /// The delays given, unless the contracts would refuse them together.
    pub(crate) fn delays(&self) -> eyre::Result<Delays> {
        if let (Some(forced), Some(timeout)) = (self.forced_inclusion_delay, self.sequencer_timeout)
            && timeout < forced
        {
            bail!("--sequencer-timeout {timeout} is shorter than --forced-inclusion-delay {forced}");
        }
        let delays = Delays {
            challenge_window: self.challenge_window,
            forced_inclusion_delay: self.forced_inclusion_delay,
            sequencer_timeout: self.sequencer_timeout,
            exodus_delay: self.exodus_delay,
            defence_period: self.defence_period,
            dispute_clock: self.dispute_clock,
        };
        let told = delays.apply(Parameters::development());
        if let Some(exodus) = self.exodus_delay.filter(|exodus| *exodus < told.least_exodus_delay()) {
            bail!(
                "--exodus-delay {exodus} is shorter than {}: twice the challenge window of {}, the defence period of {} \
                 and two dispute clocks of {}",
                told.least_exodus_delay(),
                told.challenge_window,
                told.defence_period,
                told.dispute_clock,
            );
        }
        if told.defence_period <= told.dispute_clock {
            bail!(
                "a defence period of {} s is not longer than a dispute clock of {} s: who has a little more money than \
                 the honest side could have true claims rejected (docs/stake.md); make --defence-period longer, or \
                 --dispute-clock shorter",
                told.defence_period,
                told.dispute_clock
            );
        }
        if told.defence_period == 0 || told.dispute_clock == 0 {
            bail!(
                "disputes need time: with --exodus-delay {} and a challenge window of {} none is left",
                told.exodus_delay,
                told.challenge_window
            );
        }
        Ok(delays)
    }
}

/// Where the data of batches goes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Da {
    /// Whichever is cheaper at the time.
    Auto,
    /// EIP-4844 blobs.
    Blob,
    /// The calldata of L1 transactions.
    Calldata,
}

impl Da {
    pub(crate) const fn mode(self) -> DaMode {
        match self {
            Self::Auto => DaMode::Auto,
            Self::Blob => DaMode::Blob,
            Self::Calldata => DaMode::Calldata,
        }
    }
}

/// What bonds are computed from.
#[derive(Debug, Args)]
pub(crate) struct BondArgs {
    /// What an L1 gas costs in ordinary times, in gwei: bonds are computed from it and cover five times as
    /// much. `duplex stake` shows what that means. Default: 10; fixed at deployment.
    #[arg(long, env = "DUPLEX_BOND_GAS_PRICE", value_name = "GWEI")]
    bond_gas_price: Option<u128>,
}

const GWEI: u128 = 1_000_000_000;

impl BondArgs {
    /// Wei of one L1 gas, if it is given.
    pub(crate) fn gas_price(&self) -> Option<u128> {
        self.bond_gas_price.map(|price| price.saturating_mul(GWEI))
    }
}

/// How messages cross between the layers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum BridgeKind {
    /// By the chain's own rules.
    Derived,
    /// By Merkle proofs that relays carry, checked by light clients on both layers.
    Spv,
    /// On the word of relayers with stakes, up to what these cover; by Merkle proofs beyond.
    Multisig,
}

impl BridgeKind {
    pub(crate) const fn lane(self) -> Option<Crossing> {
        match self {
            Self::Derived => None,
            Self::Spv => Some(Crossing::Spv),
            Self::Multisig => Some(Crossing::Multisig),
        }
    }
}

/// How claims become final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SettlementKind {
    /// By a bond, a window in which anybody can challenge, and disputes.
    Optimistic,
    /// By a zero-knowledge proof: no bonds, no window.
    Validity,
    /// By either, whichever comes first.
    Hybrid,
}

impl SettlementKind {
    pub(crate) const fn mode(self) -> SettlementMode {
        match self {
            Self::Optimistic => SettlementMode::Optimistic,
            Self::Validity => SettlementMode::Validity,
            Self::Hybrid => SettlementMode::Hybrid,
        }
    }
}

/// Who makes the proofs of a devnet.
#[derive(Debug, Args)]
pub(crate) struct ProverArgs {
    /// How claims become final. `validity` and `hybrid` need `duplex-prover` (docs/validity.md).
    #[arg(long, env = "DUPLEX_SETTLEMENT", value_name = "KIND", value_enum, default_value_t = SettlementKind::Optimistic)]
    pub(crate) settlement: SettlementKind,
    /// URL of `duplex-prover serve`; unless given, one is started if it is built.
    #[arg(long, env = "DUPLEX_PROVER", value_name = "URL", conflicts_with_all = ["prover_binary", "prover_keys"])]
    prover: Option<String>,
    /// `duplex-prover`, where it is not beside this program nor where cargo puts it.
    #[arg(long, env = "DUPLEX_PROVER_BINARY", value_name = "FILE")]
    prover_binary: Option<PathBuf>,
    /// Folder of the prover's keys, which are made there if they are missing.
    #[arg(long, env = "DUPLEX_PROVER_KEYS", value_name = "DIR")]
    prover_keys: Option<PathBuf>,
}

impl ProverArgs {
    /// The binary, if it is said where that is.
    pub(crate) fn binary(&self) -> Option<&Path> {
        self.prover_binary.as_deref()
    }

    pub(crate) fn prover(&self) -> DevProver {
        match (&self.prover, DevProver::default()) {
            (Some(url), _) => DevProver::At(url.clone()),
            (None, DevProver::Own { keys, .. }) => DevProver::Own {
                program: self.prover_binary.clone(),
                keys: self.prover_keys.clone().unwrap_or(keys),
            },
            (None, other) => other,
        }
    }
}

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayerArg {
    /// L1.
    L1,
    /// L2.
    L2,
    /// The other L2 (with --siblings).
    Sibling,
}

impl LayerArg {
    /// Of the messages from here, through the lane to L1 or to the sibling.
    pub(crate) const fn direction(self, lane: &LaneArgs) -> Direction {
        match self {
            Self::L1 => Direction::Down,
            Self::L2 if lane.siblings.is_some() => Direction::Over,
            Self::L2 => Direction::Up,
            Self::Sibling => Direction::Back,
        }
    }
}

/// Which lane: that to L1, or that to another L2.
#[derive(Debug, Args)]
pub(crate) struct LaneArgs {
    /// File that says how this L2 and another one are joined (`duplex siblings join` writes it): the lane to that one is
    /// meant then, not the one to L1.
    #[arg(long, env = "DUPLEX_SIBLINGS", value_name = "FILE")]
    pub(crate) siblings: Option<PathBuf>,
    /// JSON-RPC of the other L2; that of its deployment file unless given.
    #[arg(long, env = "DUPLEX_SIBLING_RPC", value_name = "URL")]
    sibling_rpc: Option<String>,
}

impl LaneArgs {
    /// The rollup, with the lane that is meant. What joins it with another L2 is checked.
    pub(crate) async fn bridge(&self, connect: &ConnectArgs) -> eyre::Result<Bridge> {
        let bridge = connect.bridge()?;
        let Some(path) = &self.siblings else { return Ok(bridge) };
        let (here, there) = Siblings::load(path)?.seen_from(bridge.deployment.l2_chain_id, path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let deployment = Deployment::load(&folder.join(&there.deployment))?;
        let rpc = Rpc::new(self.sibling_rpc.as_deref().unwrap_or(&deployment.l2_rpc))?;
        Ok(bridge.with_sibling(Sibling { rpc, deployment, here, there }).await?)
    }
}

/// Reads what a relayer stakes.
pub(crate) fn relayer_stake(text: &str) -> eyre::Result<U256> {
    match parse_units(text, 18) {
        // Contracts count stakes in 128 bits.
        Some(stake) if !stake.is_zero() && stake < U256::from(u128::MAX) => Ok(stake),
        _ => bail!("--relayer-stake {text:?} is not an amount of ETH such as 10"),
    }
}

/// Who signs.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Private key that signs (64 hexadecimal digits). On devnets: account 0 unless given.
    #[arg(long, env = "DUPLEX_KEY", value_name = "HEX", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

impl KeyArgs {
    pub(crate) fn signer(&self, deployment: &Deployment) -> eyre::Result<PrivateKeySigner> {
        match &self.key {
            Some(key) => Ok(parse_key(key)?),
            None if !deployment.accounts.is_empty() => Ok(dev_key(0)),
            None => bail!("this rollup is no devnet: say with --key (or DUPLEX_KEY) who signs"),
        }
    }
}

/// How the result is written.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Write the result as JSON.
    #[arg(long, env = "DUPLEX_JSON")]
    pub(crate) json: bool,
}

/// How L2 blocks, batches and claims are made.
#[derive(Debug, Args)]
pub(crate) struct PaceArgs {
    /// Milliseconds between L2 blocks while there is something to include; 0 for a block for
    /// every transaction. A full block never waits.
    #[arg(long, env = "DUPLEX_BLOCK_TIME", value_name = "MS", default_value_t = 1000)]
    pub(crate) block_time: u64,
    /// L1 blocks that must follow before deposits in an L1 block are taken.
    #[arg(long, env = "DUPLEX_CONFIRMATIONS", value_name = "BLOCKS", default_value_t = 0)]
    pub(crate) confirmations: u64,
    /// Seconds after which a batch is posted although it is not full; 2 on a development L1, otherwise 300.
    #[arg(long, env = "DUPLEX_BATCH_AGE", value_name = "SECS")]
    batch_age: Option<u64>,
    /// Where the data of batches goes; `calldata` on a development L1, where gas is free and proofs for
    /// blobs take the processor longer than executing what is in them, otherwise `auto`.
    #[arg(long, env = "DUPLEX_DA", value_enum, value_name = "MODE")]
    da: Option<Da>,
    /// Seconds between claims; 2 on a development L1, otherwise 3600. Each locks a bond for the
    /// challenge window.
    #[arg(long, env = "DUPLEX_CLAIM_INTERVAL", value_name = "SECS")]
    claim_interval: Option<u64>,
    /// Blocks whose state is kept; all unless given. Withdrawals are proved from state as old as
    /// the challenge window, so keep more than that.
    #[arg(long, env = "DUPLEX_HISTORY", value_name = "BLOCKS")]
    pub(crate) history: Option<u64>,
}

impl PaceArgs {
    pub(crate) const fn block_time(&self) -> Duration {
        Duration::from_millis(self.block_time)
    }

    pub(crate) fn history(&self) -> History {
        self.history.map_or(History::Archive, History::Window)
    }

    pub(crate) const fn sequencer(&self) -> SequencerOptions {
        SequencerOptions {
            block_time: self.block_time(),
            heartbeat: Duration::from_secs(60),
            confirmations: self.confirmations,
            only_when_open: false,
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            batch_age: self.batch_age.map(Duration::from_secs),
            da: self.da.map(Da::mode),
            claim_interval: self.claim_interval.map(Duration::from_secs),
        }
    }
}
