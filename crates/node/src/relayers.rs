//! How a relayer with a stake runs.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use duplex_lane::{
    Attesting, AttestingOptions, Board, Direction, Lane, Layer, Relay, RelayOptions, Vouching,
};
use duplex_rpc::{RpcConfig, RunningServer, serve};
use jsonrpsee::RpcModule;

use crate::{NodeError, Tasks};

/// How a relayer with a stake runs.
#[derive(Debug, Clone)]
pub struct RelayerOptions {
    /// How it delivers, and where it keeps what it signs.
    pub relay: RelayOptions,
    /// JSON-RPC of the others.
    pub peers: Vec<String>,
    /// A file with more of them, one a line. It is read again and again.
    pub peers_file: Option<PathBuf>,
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
            peers_file: options.peers_file,
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
