//! Everything at once: L1, contracts, L2.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use duplex_actors::{ProverOptions, SequencerOptions};
use duplex_l1::{Crossing, DEVELOPMENT_CHAINS, Deployment, Parameters, Rpc, SettlementMode};
use duplex_lane::{Lane, Relay, RelayOptions};
use duplex_storage::History;
use serde::{Deserialize, Serialize};

use crate::{
    BOND_GAS_PRICE, BlobOptions, DeployOptions, DevProver, EmbeddedL1, EmbeddedL1Options, L2_CHAIN_ID,
    NodeError, Pace, RELAYER_STAKE, Roles, RollupNode, RollupOptions, Tasks, deploy,
    deploy::with_bonds,
    dev_key,
    dev_relayers::{DevRelayers, enlist},
    embedded_l1::{create_dir, read_json, write_json},
    pair::{SECOND, SIBLING_RELAY, SIBLINGS},
};

/// The development account that deploys and operates a devnet unless a key is given.
const OPERATOR: u32 = 9;
/// The one that carries the messages of its lane.
const RELAYER: u32 = 8;

/// Delays that the contracts are told at deployment, in seconds; those of [`Parameters`] where none
/// is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// In which a claim can be challenged.
    pub challenge_window: Option<u64>,
    /// After which a message must be consumed.
    pub forced_inclusion_delay: Option<u64>,
    /// After which anybody may append.
    pub sequencer_timeout: Option<u64>,
    /// After which the exodus may start.
    pub exodus_delay: Option<u64>,
    /// In which a challenged claim can be defended.
    pub defence_period: Option<u64>,
    /// That each side of a dispute has for all its moves.
    pub dispute_clock: Option<u64>,
}

impl Delays {
    /// `base` with these delays. Those that must not be shorter than another follow it, unless they
    /// are given, too.
    pub fn apply(&self, base: Parameters) -> Parameters {
        let challenge_window = self.challenge_window.unwrap_or(base.challenge_window);
        let least = base.forced_inclusion_delay.min(self.sequencer_timeout.unwrap_or(u64::MAX));
        let forced_inclusion_delay = self.forced_inclusion_delay.unwrap_or(least);
        let timeout = base.sequencer_timeout.max(forced_inclusion_delay);
        // A short exodus delay leaves disputes less time.
        let room =
            self.exodus_delay.map_or(u64::MAX, |exodus| (exodus / 2).saturating_sub(challenge_window + 1));
        let defence_period = self.defence_period.unwrap_or(base.defence_period.min(room / 7 * 3));
        let rest = room.saturating_sub(defence_period) / 2;
        let dispute_clock = base.dispute_clock.min(rest).min(defence_period / 3 * 2).max(1);
        let dispute_clock = self.dispute_clock.unwrap_or(dispute_clock);
        let parameters = Parameters {
            challenge_window,
            forced_inclusion_delay,
            sequencer_timeout: self.sequencer_timeout.unwrap_or(timeout),
            defence_period,
            dispute_clock,
            ..base
        };
        let exodus = base.exodus_delay.max(parameters.least_exodus_delay());
        Parameters { exodus_delay: self.exodus_delay.unwrap_or(exodus), ..parameters }
    }

    /// The first delay that is given and is not the deployment's: its name, what was deployed, and
    /// what is given.
    fn differs(&self, deployed: &Parameters) -> Option<(&'static str, u64, u64)> {
        [
            ("challenge window", self.challenge_window, deployed.challenge_window),
            ("forced inclusion delay", self.forced_inclusion_delay, deployed.forced_inclusion_delay),
            ("sequencer timeout", self.sequencer_timeout, deployed.sequencer_timeout),
            ("exodus delay", self.exodus_delay, deployed.exodus_delay),
            ("defence period", self.defence_period, deployed.defence_period),
            ("dispute clock", self.dispute_clock, deployed.dispute_clock),
        ]
        .into_iter()
        .find_map(|(name, given, was)| given.filter(|given| *given != was).map(|given| (name, was, given)))
    }
}

/// How a devnet runs.
#[derive(Debug, Clone)]
pub struct DevnetOptions {
    /// Where it keeps its data.
    pub data_dir: PathBuf,
    /// Whether to remove what is there first.
    pub fresh: bool,
    /// An L1 to use instead of the embedded one.
    pub l1_url: Option<String>,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port of the embedded L1; 0 takes a free one.
    pub l1_port: u16,
    /// Port of the L2; 0 takes a free one.
    pub l2_port: u16,
    /// Chain id of the L2.
    pub l2_chain_id: u64,
    /// Time between blocks of the embedded L1.
    pub l1_block_time: Duration,
    /// Time between blocks of the L2; zero for a block for every transaction.
    pub block_time: Duration,
    /// Delays that the contracts are told.
    pub delays: Delays,
    /// L1 blocks that must follow before an L1 block is built on.
    pub confirmations: u64,
    /// How often batches and claims are made.
    pub pace: Pace,
    /// Where blobs come from, and how long they are kept.
    pub blobs: BlobOptions,
    /// Whether false claims are challenged, and true ones defended.
    pub challenge: bool,
    /// Wei of one L1 gas that bonds are computed from; [`BOND_GAS_PRICE`] if it is not given.
    pub bond_gas_price: Option<u128>,
    /// How claims become final.
    pub settlement: SettlementMode,
    /// Who makes the proofs, where they are taken.
    pub prover: DevProver,
    /// Whether there is a lane between the layers, and who convinces its ends. A relay then runs, too, or five relayers with
    /// stakes.
    pub lane: Option<Crossing>,
    /// Whether these run; else others must. On an L1 that is no development chain nothing runs without a
    /// `relay_key`.
    pub relay: bool,
    /// The `duplex` binary, which runs as each of the five; the program that asks, unless told otherwise.
    pub program: PathBuf,
    /// Wei that each relayer stakes.
    pub relayer_stake: U256,
    /// The key that deploys and operates.
    pub key: Option<PrivateKeySigner>,
    /// The key that relays.
    pub relay_key: Option<PrivateKeySigner>,
    /// How far back state can be read.
    pub history: History,
    /// Called with what is being done.
    pub progress: fn(&str),
}

impl Default for DevnetOptions {
    fn default() -> Self {
        Self {
            data_dir: "duplex-data".into(),
            fresh: false,
            l1_url: None,
            host: Ipv4Addr::LOCALHOST.into(),
            l1_port: 8545,
            l2_port: 9545,
            l2_chain_id: L2_CHAIN_ID,
            l1_block_time: Duration::from_secs(1),
            block_time: Duration::from_secs(1),
            delays: Delays::default(),
            confirmations: 0,
            pace: Pace::default(),
            blobs: BlobOptions::default(),
            challenge: true,
            bond_gas_price: None,
            settlement: SettlementMode::Optimistic,
            prover: DevProver::default(),
            lane: None,
            relay: true,
            program: std::env::current_exe().unwrap_or_else(|_| "duplex".into()),
            relayer_stake: RELAYER_STAKE,
            key: None,
            relay_key: None,
            history: History::Archive,
            progress: |_| {},
        }
    }
}

/// How a data directory was set up.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setup {
    embedded_l1: bool,
    l2_chain_id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<Crossing>,
    #[serde(default)]
    settlement: SettlementMode,
}

impl Setup {
    fn describe(&self) -> String {
        let l1 = if self.embedded_l1 { "the embedded L1" } else { "an L1 by URL" };
        let lane = match self.lane {
            None => "",
            Some(Crossing::Spv) => ", bridged by light clients",
            Some(Crossing::Multisig) => ", bridged by relayers with stakes",
        };
        let settlement = match self.settlement {
            SettlementMode::Optimistic => String::new(),
            mode => format!(", {mode} settlement"),
        };
        format!("{l1} and L2 chain id {}{lane}{settlement}", self.l2_chain_id)
    }
}

/// A running devnet.
#[derive(Debug)]
pub struct Devnet {
    /// What was deployed.
    pub deployment: Deployment,
    /// The embedded L1, if it is used.
    pub l1: Option<EmbeddedL1>,
    /// The rollup.
    pub l2: RollupNode,
    /// True if it went on with what was there.
    pub resumed: bool,
    pub(crate) tasks: Tasks,
}

impl Devnet {
    /// Starts a devnet, or goes on with the one in the data directory.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn start(options: DevnetOptions) -> Result<Self, NodeError> {
        let dir = &options.data_dir;
        if options.fresh {
            remove_devnet(dir)?;
        }
        create_dir(dir)?;
        let setup = Setup {
            embedded_l1: options.l1_url.is_none(),
            l2_chain_id: options.l2_chain_id,
            lane: options.lane,
            settlement: options.settlement,
        };
        let setup_path = dir.join("setup.json");
        match read_json::<Setup>(&setup_path)? {
            Some(was) if was != setup => {
                let (was, now) = (was.describe(), setup.describe());
                return Err(NodeError::OtherSetup { path: dir.clone(), was, now });
            }
            Some(_) => {}
            None => write_json(&setup_path, &setup)?,
        }

        let mut tasks = Tasks::default();
        let (l1, l1_url) = match &options.l1_url {
            Some(url) => (None, url.clone()),
            None => {
                (options.progress)("starting the embedded L1");
                let l1_options = EmbeddedL1Options {
                    dir: dir.join("l1"),
                    addr: SocketAddr::new(options.host, options.l1_port),
                    block_time: Some(options.l1_block_time),
                    history: options.history,
                };
                let l1 = EmbeddedL1::start(&l1_options, &mut tasks).await?;
                let url = l1.url();
                (Some(l1), url)
            }
        };
        let rpc = Rpc::new(&l1_url)?;
        let l1_chain_id = rpc.chain_id().await?;
        let development = DEVELOPMENT_CHAINS.contains(&l1_chain_id);
        let key = match options.key.clone() {
            Some(key) => key,
            None if development => dev_key(OPERATOR),
            None => return Err(NodeError::KeyNeeded { chain_id: l1_chain_id }),
        };

        let path = dir.join("deployment.json");
        let (mut deployment, resumed) = if path.exists() {
            let deployment = Deployment::load(&path)?;
            if let Some((name, was, now)) = options.delays.differs(&deployment.parameters) {
                let article = if name.starts_with('e') { "an" } else { "a" };
                let text = |seconds| format!("{article} {name} of {seconds} s");
                return Err(NodeError::OtherSetup { path: dir.clone(), was: text(was), now: text(now) });
            }
            if let Some(price) = options.bond_gas_price.filter(|_| options.settlement.has_disputes()) {
                let (was, now) = (deployment.parameters, with_bonds(deployment.parameters, price)?);
                if was != now {
                    let text = |told: Parameters| format!("claims' bonds of {} wei", told.bond);
                    return Err(NodeError::OtherSetup { path: dir.clone(), was: text(was), now: text(now) });
                }
            }
            (deployment, true)
        } else {
            (options.progress)("deploying the contracts");
            let deploy_options = DeployOptions {
                l2_chain_id: options.l2_chain_id,
                parameters: options.delays.apply(if development {
                    Parameters::development()
                } else {
                    Parameters::production()
                }),
                bond_gas_price: options.bond_gas_price.unwrap_or(BOND_GAS_PRICE),
                development,
                settlement: options.settlement,
                proof_verifier: None,
                lane: options.lane,
                relayer_stake: options.relayer_stake,
                progress: options.progress,
            };
            let plan = dir.join("deployment.plan.json");
            (deploy(&rpc, &key, &plan, &deploy_options).await?, false)
        };
        deployment.l1_rpc = l1_url.clone();
        let relayers = development && options.relay && options.lane == Some(Crossing::Multisig);
        if relayers {
            (options.progress)("having the relayers join");
            enlist(&rpc, &key, &deployment).await?;
        }

        let prover = match options.settlement.has_proofs() {
            true => Some(ProverOptions::new(options.prover.start(&dir.join("prover"), &mut tasks)?)),
            false => None,
        };
        (options.progress)("starting the L2");
        let l2 = RollupNode::start(
            RollupOptions {
                dir: dir.join("l2"),
                deployment: deployment.clone(),
                l1_url,
                addr: Some(SocketAddr::new(options.host, options.l2_port)),
                roles: Roles {
                    sequence: true,
                    batch: true,
                    propose: true,
                    challenge: options.challenge,
                    permissionless: false,
                },
                key: Some(key),
                sequencer: SequencerOptions {
                    block_time: options.block_time,
                    heartbeat: Duration::from_secs(60),
                    confirmations: options.confirmations,
                    only_when_open: false,
                },
                batcher: options.pace.batcher(development),
                proposer: options.pace.proposer(development),
                prover,
                l1_poll: Duration::from_millis(200),
                history: options.history,
                feed: None,
                trust_proofs: None,
                blobs: options.blobs.clone(),
            },
            &mut tasks,
        )
        .await?;
        deployment.l2_rpc = l2.url();
        if relayers {
            // They read it.
            deployment.save(&path)?;
            let relayers = DevRelayers {
                program: options.program,
                deployment: path.clone(),
                confirmations: options.confirmations,
                dir: dir.join("relayers"),
            };
            relayers.start(&mut tasks).await?;
        } else if deployment.lane.is_some() && options.relay {
            let lane = Lane::new(rpc.clone(), Rpc::new(&deployment.l2_rpc)?, deployment.clone())?;
            // A key that everybody knows carries nothing where ETH has a value.
            match options.relay_key.or_else(|| development.then(|| dev_key(RELAYER))) {
                Some(key) => {
                    let relay = Relay::open(lane, key, RelayOptions::new(dir.join("relay"))).await?;
                    tasks.spawn("relay", relay.run(tasks.cancel_token()));
                }
                None => (options.progress)(
                    "nobody carries the lane's messages: run `duplex relay` with a key of its own",
                ),
            }
        }
        deployment.save(&path)?;
        // The plan has done its duty once the deployment is on disk.
        let _ = std::fs::remove_file(dir.join("deployment.plan.json"));
        Ok(Self { deployment, l1, l2, resumed, tasks })
    }

    /// What stops it.
    pub fn cancel_token(&self) -> tokio_util::sync::CancellationToken {
        self.tasks.cancel_token()
    }

    /// Runs until the token is cancelled or a part fails, then stops cleanly.
    ///
    /// # Errors
    /// If a part fails.
    pub async fn run(self) -> Result<(), NodeError> {
        let result = self.tasks.wait().await;
        self.l2.stop().await;
        if let Some(l1) = self.l1 {
            l1.stop().await;
        }
        result
    }
}

/// Removes what a devnet wrote, and nothing else.
fn remove_devnet(dir: &Path) -> Result<(), NodeError> {
    for name in ["l1", "l2", "relay", "relayers", "prover", SECOND, SIBLING_RELAY] {
        let path = dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|source| NodeError::Io { path, source })?;
        }
    }
    for name in ["setup.json", "deployment.json", "deployment.plan.json", SIBLINGS] {
        let path = dir.join(name);
        if path.exists() {
            std::fs::remove_file(&path).map_err(|source| NodeError::Io { path, source })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_that_are_given_leave_room_for_the_others() {
        for base in [Parameters::development(), Parameters::production()] {
            for exodus_delay in [None, Some(60), Some(300), Some(301), Some(100_000), Some(40 * 86_400)] {
                for challenge_window in [None, Some(2), Some(20), Some(100_000)] {
                    let delays = Delays { exodus_delay, challenge_window, ..Default::default() };
                    let told = delays.apply(base);
                    let window = told.challenge_window;
                    let fits = exodus_delay.is_none_or(|exodus| exodus / 2 > window + 14);
                    if fits {
                        assert!(told.least_exodus_delay() <= told.exodus_delay, "{delays:?} {told:?}");
                        assert!(told.defence_period > 0 && told.dispute_clock > 0, "{delays:?} {told:?}");
                    }
                    assert!(told.defence_period <= base.defence_period);
                }
            }
        }
    }
}
