//! Relayers with stakes: how one runs, and the five of a devnet.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::IRelayerRegistry;
use duplex_l1::{Deployment, FeeQuote, Rpc, sign_eip1559};
use duplex_lane::{
    Attesting, AttestingOptions, Board, Direction, Lane, Layer, Relay, RelayOptions, Vouching,
};
use duplex_primitives::GenesisAccount;
use duplex_rpc::{RpcConfig, RunningServer, serve};
use jsonrpsee::RpcModule;

use crate::{NodeError, Tasks, dev_key};

/// How many relayers a devnet has.
const DEV_RELAYERS: u32 = 5;
/// The development account of the first of them; no user's.
const FIRST: u32 = 10;
/// What each has on both layers beyond its stake, in wei: for gas.
const SPENDING: u128 = 20_000_000_000_000_000_000;
/// Gas of joining.
const JOIN_GAS: u64 = 1_500_000;
/// How long L1 may take for a transaction.
const MINED_WITHIN: Duration = Duration::from_secs(180);

/// How a relayer with a stake runs.
#[derive(Debug, Clone)]
pub struct RelayerOptions {
    /// How it delivers, and where it keeps what it signs.
    pub relay: RelayOptions,
    /// JSON-RPC of the others.
    pub peers: Vec<String>,
    /// L1 blocks that must follow before one counts as final; the chain's own word unless given.
    pub confirmations: Option<u64>,
    /// How long a message waits for enough signatures before it is proved instead.
    pub patience: Duration,
}

/// A relayer that is asked by others, and does not attest yet.
#[derive(Debug)]
pub struct Relayer {
    /// Where it is asked.
    pub addr: SocketAddr,
    board: Board,
    server: RunningServer,
}

impl Relayer {
    /// Listens for the others.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn listen(addr: SocketAddr) -> Result<Self, NodeError> {
        let board = Board::default();
        let mut module = RpcModule::new(board.clone());
        module.register_method("relayer_attestations", |params, board, _| {
            let (direction, from) = params.parse::<(Direction, u64)>()?;
            Ok::<_, jsonrpsee::types::ErrorObjectOwned>(board.since(direction, from))
        })?;
        let server = serve(addr, module, &RpcConfig::default(), None).await?;
        Ok(Self { addr: server.addr, board, server })
    }

    /// What it gives to those who ask.
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Starts to attest and to deliver.
    ///
    /// # Errors
    /// If a layer cannot be reached, or its records cannot be read.
    pub async fn start(
        self,
        lane: Lane,
        key: PrivateKeySigner,
        options: RelayerOptions,
        tasks: &mut Tasks,
    ) -> Result<(), NodeError> {
        let attesting = AttestingOptions {
            dir: options.relay.dir.clone(),
            peers: options.peers,
            confirmations: options.confirmations,
            poll: options.relay.poll,
        };
        let vouching = Vouching { patience: options.patience, ..Vouching::new(self.board.clone()) };
        let relay = Relay::open(
            lane.clone(),
            key.clone(),
            RelayOptions { vouching: Some(vouching), ..options.relay },
        )
        .await?;
        let attesting = Attesting::open(lane, key, self.board, relay.manager(Layer::L1)?, attesting)?;
        let cancel = tasks.cancel_token();
        tasks.spawn("attesting", attesting.run(cancel.clone()));
        tasks.spawn("relay", relay.run(cancel.clone()));
        let server = self.server;
        tasks.spawn("relayer's server", async move {
            cancel.cancelled().await;
            server.stop().await;
            Ok::<_, NodeError>(())
        });
        Ok(())
    }
}

/// The relayers' accounts in the genesis of a devnet.
pub(crate) fn dev_relayer_alloc() -> BTreeMap<Address, GenesisAccount> {
    let account = GenesisAccount { balance: U256::from(SPENDING), ..Default::default() };
    (0..DEV_RELAYERS).map(|i| (dev_key(FIRST + i).address(), account.clone())).collect()
}

/// Has the relayers of a devnet join, with ETH of the operator's. Those who have joined are left alone.
pub(crate) async fn enlist(
    rpc: &Rpc,
    operator: &PrivateKeySigner,
    deployment: &Deployment,
) -> Result<(), NodeError> {
    let Some(relayers) = deployment.lane.and_then(|lane| lane.relayers) else { return Ok(()) };
    let needed = relayers.terms.stake + U256::from(SPENDING);
    let mut missing = Vec::new();
    for key in (0..DEV_RELAYERS).map(|i| dev_key(FIRST + i)) {
        let call = IRelayerRegistry::relayerCall { account: key.address() };
        if rpc.call(relayers.registry, &call).await?.joinedAt == 0 {
            missing.push(key);
        }
    }
    // All at once: one L1 block for each of the two steps.
    let mut sent = Vec::new();
    for key in &missing {
        let balance = rpc.balance(key.address()).await?;
        if balance < needed {
            sent.push(send(rpc, operator, key.address(), needed - balance, Bytes::new(), 21_000).await?);
        }
    }
    mined(rpc, &sent).await?;
    sent.clear();
    let join: Bytes = IRelayerRegistry::joinCall {}.abi_encode().into();
    for key in &missing {
        let stake = relayers.terms.stake;
        sent.push(send(rpc, key, relayers.registry, stake, join.clone(), JOIN_GAS).await?);
    }
    mined(rpc, &sent).await
}

async fn send(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    to: Address,
    value: U256,
    data: Bytes,
    gas: u64,
) -> Result<B256, NodeError> {
    let fees = FeeQuote::current(rpc).await?;
    let (chain_id, nonce) = (rpc.chain_id().await?, rpc.nonce(key.address(), true).await?);
    let raw = sign_eip1559(key, chain_id, nonce, Some(to), value, data, gas, fees)?;
    Ok(rpc.send_raw(&raw).await?)
}

async fn mined(rpc: &Rpc, sent: &[B256]) -> Result<(), NodeError> {
    let start = Instant::now();
    for &hash in sent {
        loop {
            match rpc.receipt(hash).await? {
                Some(receipt) if receipt.is_success() => break,
                Some(_) => return Err(NodeError::Enlist { hash, why: "it reverted" }),
                None if start.elapsed() > MINED_WITHIN => {
                    return Err(NodeError::Enlist { hash, why: "it was not mined in time" });
                }
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    Ok(())
}

/// Starts the relayers of a devnet: each with its own key, records, connections and address where the others ask.
pub(crate) async fn start_dev_relayers(
    deployment: &Deployment,
    confirmations: u64,
    dir: &Path,
    tasks: &mut Tasks,
) -> Result<(), NodeError> {
    let mut listening = Vec::new();
    for _ in 0..DEV_RELAYERS {
        listening.push(Relayer::listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await?);
    }
    let urls: Vec<String> = listening.iter().map(|relayer| format!("http://{}", relayer.addr)).collect();
    for (i, relayer) in listening.into_iter().enumerate() {
        let lane =
            Lane::new(Rpc::new(&deployment.l1_rpc)?, Rpc::new(&deployment.l2_rpc)?, deployment.clone())?;
        let own: PathBuf = dir.join(format!("{i}"));
        let others = urls.iter().enumerate().filter(|(j, _)| *j != i);
        let options = RelayerOptions {
            relay: RelayOptions::new(own),
            peers: others.map(|(_, url)| url.clone()).collect(),
            confirmations: Some(confirmations),
            patience: Vouching::PATIENCE,
        };
        relayer.start(lane, dev_key(FIRST + i as u32), options, tasks).await?;
    }
    Ok(())
}
