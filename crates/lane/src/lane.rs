//! The two ends of a lane, and what is at each.

use std::{
    collections::BTreeMap,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;
use duplex_contracts::bindings::{IEndpoint, Message};
use duplex_l1::{Crossing, Deployment, RelayerContracts, Rpc};
use duplex_primitives::predeploys;
use serde::{Deserialize, Serialize};

use crate::{
    LaneError, Sibling,
    message::{extend, message_id},
};

/// Where an end of a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// L1.
    L1,
    /// L2.
    L2,
    /// Another L2 of the same L1.
    Sibling,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::Sibling => "the sibling",
        })
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From L1 to L2.
    Down,
    /// From L2 to L1.
    Up,
    /// From L2 to its sibling.
    Over,
    /// From the sibling to L2.
    Back,
}

impl Direction {
    /// Both ways between L1 and L2.
    pub const LAYERS: [Self; 2] = [Self::Down, Self::Up];
    /// Both ways between two L2s.
    pub const SIBLINGS: [Self; 2] = [Self::Over, Self::Back];

    /// Where its messages are sent.
    pub const fn source(self) -> Layer {
        match self {
            Self::Down => Layer::L1,
            Self::Up | Self::Over => Layer::L2,
            Self::Back => Layer::Sibling,
        }
    }

    /// Where they are delivered.
    pub const fn destination(self) -> Layer {
        match self {
            Self::Up => Layer::L1,
            Self::Down | Self::Back => Layer::L2,
            Self::Over => Layer::Sibling,
        }
    }
}

/// Where a message stands at its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Not delivered.
    None,
    /// Delivered.
    Done,
    /// Delivered, and its call failed; anyone may try it again.
    Failed,
    /// Given up after its deadline.
    Expired,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Which way.
    pub direction: Direction,
    /// The message.
    pub message: Message,
    /// Its id.
    pub id: B256,
    /// Accumulator after it.
    pub accumulator: B256,
    /// The block that has it.
    pub block: u64,
    /// The transaction that sent it.
    pub transaction: B256,
    /// Position of its event among all of the block.
    pub log_index: u64,
}

#[cfg(test)]
impl Sent {
    /// One of no content, to L2.
    pub(crate) fn sample(nonce: u64) -> Self {
        Self {
            direction: Direction::Down,
            message: Message {
                version: 1,
                srcChainId: 31_337,
                dstChainId: 42_424,
                nonce,
                sender: Address::ZERO,
                target: Address::ZERO,
                value: Default::default(),
                gasLimit: 0,
                deadline: 0,
                relayFee: Default::default(),
                payload: Default::default(),
            },
            id: alloy_primitives::U256::from(nonce).into(),
            accumulator: B256::ZERO,
            block: 0,
            transaction: B256::ZERO,
            log_index: 0,
        }
    }
}

/// A lane, through the JSON-RPC of both layers; or, if there is a sibling, the lane between the two L2s.
#[derive(Debug, Clone)]
pub struct Lane {
    /// L1.
    pub l1: Rpc,
    /// L2.
    pub l2: Rpc,
    /// Who convinces its ends.
    pub crossing: Crossing,
    /// The L1 end.
    pub endpoint: Address,
    /// The rollup.
    pub deployment: Deployment,
    /// The other L2, if this is the lane to it.
    pub sibling: Option<Sibling>,
}

impl Lane {
    /// The lane of a rollup.
    ///
    /// # Errors
    /// If it has none.
    pub fn new(l1: Rpc, l2: Rpc, deployment: Deployment) -> Result<Self, LaneError> {
        let lane = deployment.lane.ok_or(LaneError::None)?;
        let (crossing, endpoint) = (lane.crossing, lane.endpoint);
        Ok(Self { l1, l2, crossing, endpoint, deployment, sibling: None })
    }

    /// The lane between a rollup and another one on the same L1.
    pub fn between(l1: Rpc, l2: Rpc, deployment: Deployment, sibling: Sibling) -> Self {
        // Its ends are proved to, whatever the rollups' own lanes are.
        let (crossing, endpoint) = (Crossing::Spv, Address::ZERO);
        Self { l1, l2, crossing, endpoint, deployment, sibling: Some(sibling) }
    }

    /// The ways that it has.
    pub const fn directions(&self) -> [Direction; 2] {
        match self.sibling {
            None => Direction::LAYERS,
            Some(_) => Direction::SIBLINGS,
        }
    }

    /// Its relayers.
    ///
    /// # Errors
    /// If it has none.
    pub fn relayers(&self) -> Result<RelayerContracts, LaneError> {
        self.deployment.lane.and_then(|lane| lane.relayers).ok_or(LaneError::NoRelayers)
    }

    /// A layer's RPC, and the lane's end there. Where it has none, that is address zero.
    pub fn end(&self, layer: Layer) -> (&Rpc, Address) {
        match (layer, &self.sibling) {
            (Layer::L1, _) => (&self.l1, self.endpoint),
            (Layer::L2, None) => (&self.l2, predeploys::ENDPOINT),
            (Layer::L2, Some(sibling)) => (&self.l2, sibling.here.endpoint),
            (Layer::Sibling, Some(sibling)) => (&sibling.rpc, sibling.there.endpoint),
            (Layer::Sibling, None) => (&self.l2, Address::ZERO),
        }
    }

    /// The port of a layer, which sends and receives tokens.
    pub fn port(&self, layer: Layer) -> Address {
        match (layer, &self.sibling) {
            (Layer::L1, _) => self.deployment.lane.map(|lane| lane.port).unwrap_or_default(),
            (Layer::L2, None) => predeploys::TOKEN_PORT,
            (Layer::L2, Some(sibling)) => sibling.here.port,
            (Layer::Sibling, sibling) => {
                sibling.as_ref().map(|sibling| sibling.there.port).unwrap_or_default()
            }
        }
    }

    /// The block from which a layer's end is there.
    pub fn start(&self, layer: Layer) -> u64 {
        match (layer, &self.sibling) {
            (Layer::L1, _) => self.deployment.start_block,
            (Layer::L2, sibling) => sibling.as_ref().map_or(0, |sibling| sibling.here.start_block),
            (Layer::Sibling, sibling) => sibling.as_ref().map_or(0, |sibling| sibling.there.start_block),
        }
    }

    /// The time on a layer, in seconds: that of its newest block, or ours if it has none since.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn time(&self, layer: Layer) -> Result<u64, LaneError> {
        let (rpc, _) = self.end(layer);
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(rpc.latest_header().await?.header.timestamp.max(ours))
    }

    /// Messages sent on a layer so far.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn count(&self, direction: Direction) -> Result<u64, LaneError> {
        let (rpc, endpoint) = self.end(direction.source());
        Ok(rpc.call(endpoint, &IEndpoint::countCall {}).await?)
    }

    /// What was sent in a range of blocks, in order.
    ///
    /// # Errors
    /// If the layer cannot be reached, or says what cannot be.
    pub async fn sent(&self, direction: Direction, from: u64, to: u64) -> Result<Vec<Sent>, LaneError> {
        let (rpc, endpoint) = self.end(direction.source());
        let topics = [Some(IEndpoint::MessageSent::SIGNATURE_HASH)];
        let logs = rpc.logs_by_topics(Some(endpoint), &topics, from, to).await?;
        logs.iter().map(|log| self.read(direction, log)).collect()
    }

    /// A message by its id or by the transaction that sent it (the first of it), on either layer.
    ///
    /// # Errors
    /// If there is none.
    pub async fn find(&self, name: B256) -> Result<Sent, LaneError> {
        for direction in self.directions() {
            let (rpc, endpoint) = self.end(direction.source());
            let topics = [Some(IEndpoint::MessageSent::SIGNATURE_HASH), None, Some(name)];
            let start = self.start(direction.source());
            let head = rpc.block_number().await?;
            if let Some(log) = rpc.logs_by_topics(Some(endpoint), &topics, start, head).await?.first() {
                return self.read(direction, log);
            }
            let Some(receipt) = rpc.receipt(name).await? else { continue };
            let block = receipt.block_number.to::<u64>();
            let sent = self.sent(direction, block, block).await?;
            if let Some(sent) = sent.into_iter().find(|sent| sent.transaction == name) {
                return Ok(sent);
            }
        }
        Err(LaneError::Unknown(name))
    }

    /// Where a message stands at its destination.
    ///
    /// # Errors
    /// If the layer cannot be reached.
    pub async fn state(&self, direction: Direction, id: B256) -> Result<DeliveryState, LaneError> {
        let layer = direction.destination();
        let (rpc, endpoint) = self.end(layer);
        match rpc.call(endpoint, &IEndpoint::deliveryCall { id }).await? {
            0 => Ok(DeliveryState::None),
            1 => Ok(DeliveryState::Done),
            2 => Ok(DeliveryState::Failed),
            3 => Ok(DeliveryState::Expired),
            other => Err(LaneError::Malformed { layer, why: format!("delivery state {other}") }),
        }
    }

    /// The states of all messages that were delivered in a range of blocks, by their ids.
    ///
    /// # Errors
    /// If the layer cannot be reached.
    pub async fn delivered(
        &self,
        direction: Direction,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<B256, bool>, LaneError> {
        let layer = direction.destination();
        let (rpc, endpoint) = self.end(layer);
        let topics = [Some(IEndpoint::MessageDelivered::SIGNATURE_HASH)];
        let logs = rpc.logs_by_topics(Some(endpoint), &topics, from, to).await?;
        let read = |log: &Log| {
            let event = IEndpoint::MessageDelivered::decode_log(&log.inner);
            event
                .map(|event| (event.id, event.success))
                .map_err(|error| LaneError::Malformed { layer, why: error.to_string() })
        };
        logs.iter().map(read).collect()
    }

    /// The accumulator before a message, if the layer still has the message.
    ///
    /// # Errors
    /// If it has another one.
    pub async fn accumulator_before(&self, sent: &Sent) -> Result<B256, LaneError> {
        let layer = sent.direction.source();
        let (rpc, endpoint) = self.end(layer);
        let nonce = sent.message.nonce;
        let before = IEndpoint::accumulatorCall { nonce: nonce - 1 };
        let before = rpc.call(endpoint, &before).await?;
        match extend(before, sent.id) == sent.accumulator {
            true => Ok(before),
            false => Err(LaneError::Gone { layer, nonce, id: sent.id }),
        }
    }

    fn read(&self, direction: Direction, log: &Log) -> Result<Sent, LaneError> {
        let layer = direction.source();
        let malformed = |why: String| LaneError::Malformed { layer, why };
        let event =
            IEndpoint::MessageSent::decode_log(&log.inner).map_err(|error| malformed(error.to_string()))?;
        let IEndpoint::MessageSent { id, acc, message, .. } = event.data;
        let (_, source) = self.end(layer);
        let (_, destination) = self.end(direction.destination());
        if message_id(&message, source, destination) != id || message.nonce == 0 {
            return Err(malformed(format!("a message whose id is not {id}")));
        }
        let missing = || malformed("an event without its block".into());
        Ok(Sent {
            direction,
            message,
            id,
            accumulator: acc,
            block: log.block_number.ok_or_else(missing)?,
            transaction: log.transaction_hash.ok_or_else(missing)?,
            log_index: log.log_index.ok_or_else(missing)?,
        })
    }
}
