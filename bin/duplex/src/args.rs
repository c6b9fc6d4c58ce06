//! Arguments that several commands share.

use std::{path::PathBuf, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use duplex_actors::{BatcherOptions, ProposerOptions, SequencerOptions};
use duplex_bridge::Bridge;
use duplex_l1::Deployment;
use duplex_node::{dev_key, parse_key};
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
    /// Seconds after which a batch is posted although it is not full; 2 on devnets, otherwise 300.
    #[arg(long, env = "DUPLEX_BATCH_AGE", value_name = "SECS")]
    batch_age: Option<u64>,
    /// Seconds between claims; 2 on devnets, otherwise 3600. Each locks a bond for the challenge
    /// window.
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
        }
    }

    pub(crate) fn batcher(&self, devnet: bool) -> BatcherOptions {
        let seconds = self.batch_age.unwrap_or(if devnet { 2 } else { 300 });
        BatcherOptions { max_age: Duration::from_secs(seconds), full_percent: 90 }
    }

    pub(crate) fn proposer(&self, devnet: bool) -> ProposerOptions {
        let seconds = self.claim_interval.unwrap_or(if devnet { 2 } else { 3600 });
        ProposerOptions { interval: Duration::from_secs(seconds) }
    }
}
