//! Two rollups on one L1, joined.

use duplex_bridge::{JoinRequest, Quiet, join_siblings};
use duplex_l1::{Crossing, DEVELOPMENT_CHAINS, Rpc};
use duplex_lane::{Lane, Relay, RelayOptions, Sibling, Siblings};

use crate::{Devnet, DevnetOptions, NodeError, dev_key};

/// Folder of the second rollup, in that of the first.
pub(crate) const SECOND: &str = "second";
/// What the relay between them has signed.
pub(crate) const SIBLING_RELAY: &str = "sibling-relay";
/// File that says how they are joined.
pub(crate) const SIBLINGS: &str = "siblings.json";
/// The development accounts that operate the second rollup, relay for it, and carry between the two: none that the first
/// one uses, since two senders with one key take each other's nonces.
const OPERATOR: u32 = 6;
const RELAYER: u32 = 5;
const CARRIER: u32 = 4;

/// Gas that a message may ask of a relay that carries for nothing.
const MOST_GAS: u64 = 1_500_000;

/// Two devnets on one L1, what joins them, and a relay between them.
#[derive(Debug)]
pub struct Pair {
    /// The first, with the L1.
    pub first: Devnet,
    /// The second.
    pub second: Devnet,
    /// What joins them.
    pub siblings: Siblings,
}

impl Pair {
    /// Starts both, the second with the next chain id and, unless the first takes a free port, on the next port; and joins
    /// them, unless that was done before.
    ///
    /// # Errors
    /// With what to do about it.
    pub async fn start(options: DevnetOptions) -> Result<Self, NodeError> {
        if options.lane == Some(Crossing::Multisig) {
            return Err(NodeError::TwoOfRelayers);
        }
        if let Some(url) = &options.l1_url
            && !DEVELOPMENT_CHAINS.contains(&Rpc::new(url)?.chain_id().await?)
        {
            return Err(NodeError::TwoForDevelopment);
        }
        let (dir, relay) = (options.data_dir.clone(), options.relay);
        let progress = options.progress;
        let mut other = DevnetOptions {
            data_dir: dir.join(SECOND),
            fresh: false,
            l2_port: if options.l2_port == 0 { 0 } else { options.l2_port.saturating_add(1) },
            l2_chain_id: options.l2_chain_id + 1,
            key: Some(dev_key(OPERATOR)),
            relay_key: Some(dev_key(RELAYER)),
            ..options.clone()
        };
        let mut first = Devnet::start(options).await?;
        other.l1_url = Some(first.deployment.l1_rpc.clone());
        progress("starting the second rollup");
        let second = Devnet::start(other).await?;

        let rpcs = [Rpc::new(&first.deployment.l2_rpc)?, Rpc::new(&second.deployment.l2_rpc)?];
        let l1 = Rpc::new(&first.deployment.l1_rpc)?;
        let path = dir.join(SIBLINGS);
        let siblings = if path.exists() {
            Siblings::load(&path)?
        } else {
            progress("joining the two");
            let [a, b] = &rpcs;
            let rollups = [
                JoinRequest {
                    rpc: a.clone(),
                    deployment: first.deployment.clone(),
                    path: "deployment.json".into(),
                },
                JoinRequest {
                    rpc: b.clone(),
                    deployment: second.deployment.clone(),
                    path: format!("{SECOND}/deployment.json").into(),
                },
            ];
            let siblings = join_siblings(&l1, &dev_key(CARRIER), rollups, &Quiet).await?;
            siblings.save(&path)?;
            siblings
        };
        let [l2, rpc] = rpcs;
        let (here, there) = siblings.seen_from(first.deployment.l2_chain_id, &path)?;
        let sibling = Sibling { rpc, deployment: second.deployment.clone(), here, there };
        let lane = Lane::between(l1, l2, first.deployment.clone(), sibling);
        lane.check_siblings().await?;
        if relay {
            let options = RelayOptions {
                at_any_loss: true,
                most_gas: MOST_GAS,
                ..RelayOptions::new(dir.join(SIBLING_RELAY))
            };
            let relay = Relay::open(lane, dev_key(CARRIER), options).await?;
            first.tasks.spawn("relay between the rollups", relay.run(first.tasks.cancel_token()));
        }
        Ok(Self { first, second, siblings })
    }

    /// What stops them.
    pub fn cancel_token(&self) -> tokio_util::sync::CancellationToken {
        self.first.cancel_token()
    }

    /// Runs both until the token is cancelled or a part of one fails, then stops them cleanly.
    ///
    /// # Errors
    /// If a part fails.
    pub async fn run(self) -> Result<(), NodeError> {
        let stops = [self.first.cancel_token(), self.second.cancel_token()];
        let until = [stops[1].clone(), stops[0].clone()];
        // Whichever ends takes the other along.
        let link = async |from: &tokio_util::sync::CancellationToken,
                          to: &tokio_util::sync::CancellationToken| {
            from.cancelled().await;
            to.cancel();
        };
        let ((first, second), ..) = tokio::join!(
            async { tokio::join!(self.first.run(), self.second.run()) },
            link(&stops[0], &until[0]),
            link(&stops[1], &until[1]),
        );
        first.and(second)
    }
}
