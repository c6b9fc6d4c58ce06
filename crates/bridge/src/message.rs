//! Messages through the lane.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::bindings::IEndpoint;
use duplex_l1::Parameters;
use duplex_lane::{By, DeliveryState, Direction, Lane, LaneError, Layer, Sent as SentMessage};

use serde::Serialize;

use crate::{
    Bridge, BridgeError, LaneToken, Progress, Sent,
    deposit::RECIPIENT_GAS,
    send::{or_done, send_transaction},
};

/// How long a message is waited for: going up, a challenge window passes first.
const WITHIN: Duration = Duration::from_secs(20 * 60);
/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(200);
/// An idle L2 builds no blocks and learns nothing of L1: after this it is made to.
const NUDGE_AFTER: Duration = Duration::from_secs(3);
/// How long a message can be delivered beyond what its way may take at the worst, unless something else is said.
const SPARE: Duration = Duration::from_secs(24 * 3600);

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRequest {
    /// Which way.
    pub direction: Direction,
    /// Who is called there.
    pub target: Address,
    /// Wei of the call.
    pub value: U256,
    /// Input of the call.
    pub payload: Bytes,
    /// Least gas of the call.
    pub gas_limit: u64,
    /// For how long it can be delivered; [`Bridge::lifetime`] unless given.
    pub lifetime: Option<Duration>,
    /// Wei for who delivers it; what that costs and half as much again unless given.
    pub relay_fee: Option<U256>,
}

/// A withdrawal on relayers' word.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FastReport {
    /// The transaction on L2.
    pub l2: Sent,
    /// Id of the message.
    pub id: B256,
    /// Wei for who signed and who delivered.
    pub fee: U256,
    /// The transaction on L1.
    pub l1_transaction: B256,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Where a message stands.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message.
    pub sent: SentMessage,
    /// Where it stands at its destination.
    pub state: DeliveryState,
    /// Whether it was paid back where it was sent.
    pub refunded: bool,
    /// The tokens that it carries, and whether they were taken back.
    pub tokens: Option<LaneToken>,
    /// The transaction that delivered it.
    pub transaction: Option<B256>,
    /// Its block.
    pub block: Option<u64>,
}

impl Bridge {
    /// The lane between the layers, or to the sibling.
    ///
    /// # Errors
    /// If the rollup has none.
    pub fn lane(&self) -> Result<Lane, LaneError> {
        let (l1, l2, deployment) = (self.l1.clone(), self.l2.clone(), self.deployment.clone());
        match self.sibling.clone() {
            None => Lane::new(l1, l2, deployment),
            Some(sibling) => Ok(Lane::between(l1, l2, deployment, sibling)),
        }
    }

    /// The lane, if it goes this way.
    pub(crate) fn lane_for(&self, direction: Direction) -> Result<Lane, LaneError> {
        match (&self.sibling, Direction::SIBLINGS.contains(&direction)) {
            (Some(_), true) | (None, false) => self.lane(),
            (Some(_), false) => Err(LaneError::NoEnd(Layer::L1)),
            (None, true) => Err(LaneError::NoEnd(Layer::Sibling)),
        }
    }

    /// For how long a message can be delivered unless something else is said: twice what its way takes if a sequencer keeps
    /// it out, or its claim is disputed as long as that can last; and a day.
    pub fn lifetime(&self, direction: Direction) -> Duration {
        let ours = &self.deployment.parameters;
        let other = self.sibling.as_ref().map_or(ours, |sibling| &sibling.deployment.parameters);
        let up = |p: &Parameters| p.sequencer_timeout + p.challenge_window + p.longest_dispute();
        let worst = match direction {
            Direction::Down => ours.sequencer_timeout,
            Direction::Up => up(ours),
            Direction::Over => up(ours) + other.sequencer_timeout,
            Direction::Back => up(other) + ours.sequencer_timeout,
        };
        Duration::from_secs(worst.saturating_mul(2)) + SPARE
    }

    /// The deadline of a message that is sent now. It is looked at on both ends: by the clock that is ahead.
    pub(crate) async fn deadline(
        &self,
        lane: &Lane,
        direction: Direction,
        lifetime: Option<Duration>,
    ) -> Result<u64, LaneError> {
        let now = lane.time(direction.source()).await?.max(lane.time(direction.destination()).await?);
        Ok(now.saturating_add(lifetime.unwrap_or_else(|| self.lifetime(direction)).as_secs()))
    }

    /// Takes a message back in exodus: one that L1 sent, or one to another L2 that is in exodus.
    ///
    /// # Errors
    /// If there is no exodus, or the layer that sent it refuses.
    pub async fn reclaim_message(
        &self,
        key: &PrivateKeySigner,
        sent: &SentMessage,
    ) -> Result<Sent, BridgeError> {
        let lane = self.lane()?;
        let (alive, ended) = (sent.direction.source(), sent.direction.destination());
        if lane.sibling.is_some() {
            self.tell_the_end(key, alive, ended).await?;
        }
        let prepared = lane.prepare_reclaim(sent).await?;
        let (rpc, _) = lane.end(alive);
        send_transaction(rpc, key, Some(prepared.to), U256::ZERO, prepared.data).await
    }

    /// Sends a message; gives it and the transaction that sent it.
    ///
    /// # Errors
    /// If there is no lane, the sender has too little, or its layer refuses.
    pub async fn send_message(
        &self,
        key: &PrivateKeySigner,
        request: &MessageRequest,
    ) -> Result<(SentMessage, Sent), BridgeError> {
        let direction = request.direction;
        let lane = self.lane_for(direction)?;
        self.refuse_ended(direction).await?;
        let relay_fee = match request.relay_fee {
            Some(fee) => fee,
            None => lane.quote(direction, request.gas_limit, request.payload.len() as u64).await?,
        };
        let call = IEndpoint::sendCall {
            target: request.target,
            gasLimit: request.gas_limit,
            deadline: self.deadline(&lane, direction, request.lifetime).await?,
            relayFee: relay_fee,
            payload: request.payload.clone(),
        };
        let total = request.value.checked_add(relay_fee).ok_or(BridgeError::TooMuch(request.value))?;
        if lane.sibling.is_some() && !total.is_zero() {
            return Err(BridgeError::NoEth(total));
        }
        self.check_eth(&lane, direction.source(), key.address(), total).await?;
        let (rpc, endpoint) = lane.end(direction.source());
        let sent = send_transaction(rpc, key, Some(endpoint), total, call.abi_encode().into()).await?;
        Ok((lane.find(sent.receipt.transaction_hash).await?, sent))
    }

    /// Moves ETH to L1 on relayers' word.
    ///
    /// # Errors
    /// If there are no relayers, they cannot vouch for so much at the moment, or nobody delivers in time.
    pub async fn withdraw_fast(
        &self,
        key: &PrivateKeySigner,
        to: Address,
        amount: U256,
        progress: &dyn Progress,
    ) -> Result<FastReport, BridgeError> {
        let start = Instant::now();
        let direction = Direction::Up;
        let fee = self.lane()?.quote(direction, RECIPIENT_GAS.into(), 0).await?;
        let total = amount.checked_add(fee).ok_or(BridgeError::TooMuch(amount))?;
        self.check_allowance(direction, total).await?;
        let request = MessageRequest {
            direction,
            target: to,
            value: amount,
            payload: Bytes::new(),
            gas_limit: RECIPIENT_GAS.into(),
            lifetime: None,
            relay_fee: Some(fee),
        };
        let (sent, l2) = self.send_message(key, &request).await?;
        let id = sent.id;
        progress.wait("relayers to sign for it", "a batch, and some L1 blocks");
        let delivery = self.wait_for_delivery(sent).await?;
        let l1_transaction = delivery.transaction.unwrap_or_default();
        Ok(FastReport { l2, id, fee, l1_transaction, seconds: start.elapsed().as_secs_f64() })
    }

    /// Where a message stands.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn delivery(&self, sent: SentMessage) -> Result<Delivery, BridgeError> {
        let lane = self.lane()?;
        let state = lane.state(sent.direction, sent.id).await?;
        let (rpc, endpoint) = lane.end(sent.direction.source());
        let refunded = rpc.call(endpoint, &IEndpoint::isRefundedCall { id: sent.id }).await?;
        let (rpc, endpoint) = lane.end(sent.direction.destination());
        let topics = [Some(IEndpoint::MessageDelivered::SIGNATURE_HASH), None, Some(sent.id)];
        let start = lane.start(sent.direction.destination());
        let logs = match state {
            DeliveryState::None => Vec::new(),
            _ => rpc.logs_by_topics(Some(endpoint), &topics, start, rpc.block_number().await?).await?,
        };
        let (transaction, block) =
            logs.first().map_or((None, None), |log| (log.transaction_hash, log.block_number));
        let tokens = self.tokens_of(&lane, &sent).await?;
        Ok(Delivery { sent, state, refunded, tokens, transaction, block })
    }

    /// Waits until somebody has delivered a message.
    ///
    /// # Errors
    /// If nobody does in time, its call fails, or it was given up.
    pub async fn wait_for_delivery(&self, sent: SentMessage) -> Result<Delivery, BridgeError> {
        let start = Instant::now();
        let lane = self.lane()?;
        loop {
            match lane.state(sent.direction, sent.id).await? {
                DeliveryState::Done => return self.delivery(sent).await,
                DeliveryState::Failed => return Err(BridgeError::MessageFailed(sent.id)),
                DeliveryState::Expired => return Err(BridgeError::MessageExpired(sent.id)),
                DeliveryState::None if start.elapsed() > WITHIN => {
                    return Err(BridgeError::MessageSlow {
                        id: sent.id,
                        layer: sent.direction.destination(),
                        seconds: WITHIN.as_secs(),
                    });
                }
                DeliveryState::None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Delivers a message, as soon as its destination knows of it. Gives the transaction; none if somebody else was faster.
    ///
    /// # Errors
    /// If it never does, or refuses; if the message was given up.
    pub async fn deliver_message(
        &self,
        key: &PrivateKeySigner,
        sent: &SentMessage,
        by: By,
        progress: &dyn Progress,
    ) -> Result<Option<Sent>, BridgeError> {
        let lane = self.lane()?;
        let start = Instant::now();
        let expected = match sent.direction {
            Direction::Down => "one L2 block after the L1 confirmations",
            Direction::Up => "a batch, a claim and the challenge window",
            Direction::Over | Direction::Back => "a batch, a claim, the challenge window and an anchor",
        };
        let layer = sent.direction.destination();
        if lane.sibling.is_some() {
            // If the chain that sent it has ended, it can be late.
            self.tell_the_end(key, layer, sent.direction.source()).await?;
        }
        progress.wait(&format!("{layer} to know of it"), expected);
        let mut nudged = Instant::now();
        let prepared = loop {
            if self.is_delivered(&lane, sent).await? {
                return Ok(None);
            }
            match lane.prepare(sent, by, Address::ZERO).await? {
                Some(prepared) => break prepared,
                None if start.elapsed() > WITHIN => {
                    return Err(BridgeError::MessageSlow { id: sent.id, layer, seconds: WITHIN.as_secs() });
                }
                None if nudged.elapsed() > NUDGE_AFTER => {
                    if lane.wants_anchor(sent).await? {
                        let (rpc, _) = lane.end(layer);
                        send_transaction(rpc, key, Some(key.address()), U256::ZERO, Bytes::new()).await?;
                    }
                    nudged = Instant::now();
                }
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        let (rpc, _) = lane.end(layer);
        let delivered = send_transaction(rpc, key, Some(prepared.to), U256::ZERO, prepared.data).await;
        or_done(delivered, self.is_delivered(&lane, sent)).await
    }

    /// Whether somebody delivered a message, even if its call failed.
    async fn is_delivered(&self, lane: &Lane, sent: &SentMessage) -> Result<bool, BridgeError> {
        match lane.state(sent.direction, sent.id).await? {
            DeliveryState::None => Ok(false),
            DeliveryState::Done | DeliveryState::Failed => Ok(true),
            DeliveryState::Expired => Err(BridgeError::MessageExpired(sent.id)),
        }
    }

    /// Tries a failed message again. Gives the transaction; none if somebody else's try succeeded already.
    ///
    /// # Errors
    /// If nobody delivered it, it was given up, or its destination refuses.
    pub async fn retry_message(
        &self,
        key: &PrivateKeySigner,
        sent: &SentMessage,
    ) -> Result<Option<Sent>, BridgeError> {
        let lane = self.lane()?;
        let (rpc, endpoint) = lane.end(sent.direction.destination());
        let call = IEndpoint::retryCall { message: sent.message.clone() };
        let tried = send_transaction(rpc, key, Some(endpoint), U256::ZERO, call.abi_encode().into()).await;
        let done = async {
            match lane.state(sent.direction, sent.id).await? {
                DeliveryState::Expired => Err(BridgeError::MessageExpired(sent.id)),
                state => Ok(state == DeliveryState::Done),
            }
        };
        or_done(tried, done).await
    }

    /// Gives up a message whose deadline is over; gives the message that brings its refund.
    ///
    /// # Errors
    /// If it was delivered, its deadline is not over, or its destination refuses.
    pub async fn expire_message(
        &self,
        key: &PrivateKeySigner,
        sent: &SentMessage,
    ) -> Result<(SentMessage, Sent), BridgeError> {
        let lane = self.lane()?;
        let (rpc, endpoint) = lane.end(sent.direction.destination());
        if rpc.latest_header().await?.header.timestamp <= sent.message.deadline {
            // An idle layer's time stands still.
            send_transaction(rpc, key, Some(key.address()), U256::ZERO, Bytes::new()).await?;
        }
        let call = IEndpoint::expireCall { message: sent.message.clone() };
        let done = send_transaction(rpc, key, Some(endpoint), U256::ZERO, call.abi_encode().into()).await?;
        Ok((lane.find(done.receipt.transaction_hash).await?, done))
    }
}
