//! The relay: carries messages and earns their fees.
//!
//! It is trusted with nothing. What it carries is proved by Merkle proofs, and the worst it can do is nothing: then
//! another one does it, or the user.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IEndpoint, IL1Block, Message};
use duplex_l1::{Crossing, FeeQuote, Rpc, TxManager, TxManagerError, TxManagerOptions, TxRequest};
use duplex_primitives::predeploys;
use duplex_storage::Records;
use tokio::sync::oneshot::error::TryRecvError;
use tokio_util::sync::CancellationToken;

use crate::{
    Board, By, DeliveryState, Direction, Lane, LaneError, Layer, Prepared, Sent,
    way::{Nudges, Way},
};

/// Blocks that are read again at each look, because the last ones may have been exchanged.
const READ_AGAIN: u64 = 64;
/// Time after which a transaction is sent again with a higher fee.
const RESEND_AFTER: Duration = Duration::from_secs(12);
/// Blocks after which a delivery is believed to stay.
const SETTLED_AFTER: u64 = 64;
/// Gas of the cheapest delivery apart from the message's own call, and its bytes: what pays less is not even proved.
const LEAST_GAS: u64 = 100_000;
const LEAST_BYTES: u64 = 1_000;
/// Gas of a transfer of nothing.
const NUDGE_GAS: u64 = 21_000;
/// Gas of a delivery apart from the message's own call: proof, records, payment.
const DELIVERY_GAS: u64 = 700_000;
/// Bytes of a delivery apart from the message: proofs as deep as Ethereum's.
const DELIVERY_BYTES: u64 = 9_000;

/// How a relay works.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Where it keeps what it has signed.
    pub dir: PathBuf,
    /// Pause between looks.
    pub poll: Duration,
    /// What a delivery must earn beyond its cost, in wei.
    pub least_profit: U256,
    /// Whether to deliver whatever it earns.
    pub at_any_loss: bool,
    /// Messages that ask for more gas are left to others.
    pub most_gas: u64,
    /// Only messages of these senders are carried, and refunds; everybody's if there is none.
    pub senders: Vec<Address>,
    /// Which ways to carry; all that the lane has if there is none.
    pub directions: Vec<Direction>,
    /// Most deliveries under way at a time, each way.
    pub most_in_flight: usize,
    /// Proved by what.
    pub by: By,
    /// Where there are relayers: what they have signed. Without it everything is proved.
    pub vouching: Option<Vouching>,
}

/// Delivers on relayers' word while it can.
#[derive(Debug, Clone)]
pub struct Vouching {
    /// What they signed.
    pub board: Board,
    /// How long a message waits for enough signatures before it is proved instead.
    pub patience: Duration,
    /// How long each of the set leaves a message to those whose turn is before its own.
    pub turn: Duration,
}

impl Vouching {
    /// How long a message waits for enough signatures unless something else is said.
    pub const PATIENCE: Duration = Duration::from_secs(15);

    /// With everything else as usual.
    pub const fn new(board: Board) -> Self {
        Self { board, patience: Self::PATIENCE, turn: Duration::from_secs(3) }
    }
}

/// How a message can be delivered.
enum How {
    Vouched(Prepared),
    Later,
    Proved,
}

impl RelayOptions {
    /// With everything else as usual.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            poll: Duration::from_millis(500),
            least_profit: U256::ZERO,
            at_any_loss: false,
            most_gas: u64::MAX,
            senders: Vec::new(),
            directions: Vec::new(),
            most_in_flight: 32,
            by: By::Slot,
            vouching: None,
        }
    }
}

/// Carries the messages of a lane.
#[derive(Debug)]
pub struct Relay {
    lane: Lane,
    options: RelayOptions,
    managers: BTreeMap<Layer, TxManager>,
    ways: BTreeMap<Direction, Way>,
}

impl Relay {
    /// A relay that pays and is paid by `key`, on both layers. What it had signed and not seen mined, it sends again.
    ///
    /// # Errors
    /// If a layer cannot be reached or the records cannot be read.
    pub async fn open(
        lane: Lane,
        key: PrivateKeySigner,
        mut options: RelayOptions,
    ) -> Result<Self, LaneError> {
        if options.directions.is_empty() {
            options.directions = lane.directions().to_vec();
        }
        let manager = async |layer: Layer| {
            let name = match layer {
                Layer::L1 => "l1.redb",
                Layer::L2 => "l2.redb",
                Layer::Sibling => "sibling.redb",
            };
            let path = options.dir.join(name);
            let records = Records::open(&path).map_err(|error| LaneError::Records(error.to_string()))?;
            let tx_options = TxManagerOptions { poll: options.poll, resend_after: RESEND_AFTER };
            let (rpc, _) = lane.end(layer);
            Ok::<_, LaneError>(
                TxManager::open(rpc.clone(), key.clone(), Arc::new(records), tx_options).await?,
            )
        };
        let mut managers = BTreeMap::new();
        for direction in lane.directions() {
            let layer = direction.destination();
            managers.insert(layer, manager(layer).await?);
        }
        let ways = options
            .directions
            .iter()
            .map(|direction| (*direction, Way::from_block(lane.start(direction.source()))))
            .collect();
        Ok(Self { lane, options, managers, ways })
    }

    /// What sends its transactions on a layer; for whoever acts with the same key.
    ///
    /// # Errors
    /// If the lane has no end there.
    pub fn manager(&self, layer: Layer) -> Result<TxManager, LaneError> {
        self.managers.get(&layer).cloned().ok_or(LaneError::NoEnd(layer))
    }

    /// Carries until cancelled.
    ///
    /// # Errors
    /// If its records cannot be written.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), LaneError> {
        let senders: Vec<_> =
            self.managers.values().map(|sender| tokio::spawn(sender.clone().run(cancel.clone()))).collect();
        let stop = cancel.clone();
        let work = async {
            loop {
                for direction in self.options.directions.clone() {
                    match self.look(direction).await {
                        Ok(()) => {}
                        Err(error @ LaneError::Records(_)) => return Err(error),
                        Err(LaneError::Tx(error @ TxManagerError::Storage(_))) => return Err(error.into()),
                        Err(error) => tracing::warn!(%error, to = %direction.destination(), "relay"),
                    }
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(self.options.poll) => {}
                }
            }
        };
        let result = tokio::select! {
            () = cancel.cancelled() => Ok(()),
            result = work => result,
        };
        cancel.cancel();
        for sender in senders {
            sender.await.map_err(|error| LaneError::Records(error.to_string()))??;
        }
        result
    }

    /// Reads what is new one way and delivers what can be.
    async fn look(&mut self, direction: Direction) -> Result<(), LaneError> {
        self.read(direction).await?;
        self.settle(direction);
        if self.options.vouching.is_some() {
            let set = self.lane.relayer_set(direction).await?;
            if let Some(way) = self.ways.get_mut(&direction) {
                way.set = set;
            }
        }
        let Some(way) = self.ways.get(&direction) else { return Ok(()) };
        let mut round = way.round(Instant::now(), self.options.most_in_flight);
        while let Some(sent) = round.next() {
            match self.carry(&sent).await {
                Ok(true) => {}
                Ok(false) => round.unknown(sent),
                Err(error @ LaneError::Records(_)) => return Err(error),
                Err(LaneError::Tx(error @ TxManagerError::Storage(_))) => return Err(error.into()),
                // Of this message only: the others are carried all the same.
                Err(error) => {
                    tracing::warn!(nonce = sent.message.nonce, %error, "cannot be delivered now");
                    self.leave(&sent);
                }
            }
        }
        if let Some(sent) = round.first_unknown() {
            return self.nudge(&sent).await;
        }
        if let Some(way) = self.ways.get_mut(&direction) {
            way.nudges = Nudges::default();
        }
        Ok(())
    }

    /// Has an idle L2 build a block, whose anchor then has what waits.
    async fn nudge(&mut self, sent: &Sent) -> Result<(), LaneError> {
        let direction = sent.direction;
        let manager = self.manager(direction.destination())?;
        let Some(way) = self.ways.get_mut(&direction) else { return Ok(()) };
        if !way.nudges.are_due(Instant::now())
            || !self.lane.wants_anchor(sent).await?
            || manager.in_flight().await > 0
        {
            return Ok(());
        }
        if let Some(way) = self.ways.get_mut(&direction) {
            way.nudges.sent();
        }
        let request = TxRequest {
            to: manager.address(),
            data: Default::default(),
            value: U256::ZERO,
            gas_limit: Some(NUDGE_GAS),
            label: "nudge".into(),
            blobs: Vec::new(),
        };
        drop(manager.submit(request).await?);
        Ok(())
    }

    async fn read(&mut self, direction: Direction) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(direction.source());
        let head = rpc.block_number().await?;
        let Some(way) = self.ways.get_mut(&direction) else { return Ok(()) };
        let from = way.next.saturating_sub(READ_AGAIN).max(self.lane.start(direction.source()));
        if from > head {
            return Ok(());
        }
        for sent in self.lane.sent(direction, from, head).await? {
            way.meet(sent);
        }
        way.read_to(head, READ_AGAIN);
        Ok(())
    }

    /// Takes note of what became of deliveries.
    fn settle(&mut self, direction: Direction) {
        let Some(way) = self.ways.get_mut(&direction) else { return };
        let mut rest = BTreeMap::new();
        for (nonce, mut outcome) in std::mem::take(&mut way.in_flight) {
            match outcome.try_recv() {
                Err(TryRecvError::Empty) => drop(rest.insert(nonce, outcome)),
                Ok(Ok(receipt)) => {
                    way.nudges = Nudges::default();
                    tracing::info!(nonce, to = %direction.destination(), tx = %receipt.transaction_hash, gas = %receipt.gas_used, "delivered");
                }
                // Whether it is delivered all the same shows at the next look.
                Ok(Err(error)) => {
                    tracing::warn!(nonce, %error, "a delivery did not succeed");
                    way.put_off(nonce, Instant::now());
                }
                Err(TryRecvError::Closed) => {}
            }
        }
        way.in_flight = rest;
    }

    /// Delivers a message if it can be and pays. False if its destination does not know of it yet.
    async fn carry(&mut self, sent: &Sent) -> Result<bool, LaneError> {
        let (direction, nonce) = (sent.direction, sent.message.nonce);
        if self.lane.state(direction, sent.id).await? != DeliveryState::None {
            return self.settled(sent).await.map(|()| true);
        }
        if !self.is_ours(sent) {
            tracing::debug!(nonce, sender = %sent.message.sender, gas = sent.message.gasLimit, "left to others");
            self.finish(sent);
            return Ok(true);
        }
        let payload = sent.message.payload.len() as u64;
        let least = self
            .lane
            .delivery_cost(direction, sent.message.gasLimit + LEAST_GAS, payload + LEAST_BYTES)
            .await?;
        if !self.options.at_any_loss && sent.message.relayFee < least + self.options.least_profit {
            tracing::debug!(nonce, fee = %sent.message.relayFee, %least, "does not pay");
            self.leave(sent);
            return Ok(true);
        }
        // In exodus deadlines do not count on L1: whether this one does shows when it is tried.
        let layer = direction.destination();
        if layer != Layer::L1 && sent.message.deadline < self.lane.time(layer).await? {
            tracing::info!(nonce, id = %sent.id, "its deadline is over; anyone can give it up");
            self.finish(sent);
            return Ok(true);
        }
        let manager = self.manager(layer)?;
        let earner = manager.address();
        let mut fee = sent.message.relayFee;
        let prepared = match self.vouched(sent, earner).await {
            Ok(How::Later) => {
                if let Some(way) = self.ways.get_mut(&direction) {
                    way.wait(nonce, Instant::now() + self.options.poll);
                }
                return Ok(true);
            }
            Ok(How::Vouched(prepared)) => {
                // The other half is for who signed.
                fee -= fee / U256::from(2);
                Ok(Some(prepared))
            }
            Ok(How::Proved) => self.lane.prepare(sent, self.options.by, earner).await,
            Err(error) => Err(error),
        };
        let prepared = match prepared {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return Ok(false),
            Err(LaneError::Gone { .. }) => {
                // Another one may have its number by now.
                if let Some(way) = self.ways.get_mut(&direction) {
                    way.waiting.remove(&nonce);
                }
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let (rpc, _) = self.lane.end(direction.destination());
        let gas = match rpc.estimate_gas(earner, Some(prepared.to), U256::ZERO, &prepared.data).await {
            Ok(gas) => gas + gas / 5,
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(error) => {
                tracing::info!(nonce, %error, "cannot be delivered now");
                self.leave(sent);
                return Ok(true);
            }
        };
        let cost = self.lane.delivery_cost(direction, gas, prepared.data.len() as u64).await?;
        if !self.options.at_any_loss && fee < cost + self.options.least_profit {
            tracing::info!(nonce, %fee, %cost, "does not pay");
            self.leave(sent);
            return Ok(true);
        }
        let Prepared { to, data } = prepared;
        let request = TxRequest {
            to,
            data,
            value: U256::ZERO,
            gas_limit: Some(gas),
            label: format!("message {nonce} to {}", direction.destination()),
            blobs: Vec::new(),
        };
        let outcome = manager.submit(request).await?;
        if let Some(way) = self.ways.get_mut(&direction) {
            way.in_flight.insert(nonce, outcome);
        }
        Ok(true)
    }

    /// Whether a message is one that this relay carries at all.
    fn is_ours(&self, sent: &Sent) -> bool {
        let (source, destination) = (sent.direction.source(), sent.direction.destination());
        let (_, endpoint) = self.lane.end(source);
        let ports = (self.lane.port(source), self.lane.port(destination));
        let sender = on_behalf_of(&sent.message, endpoint, ports);
        let senders = &self.options.senders;
        let wanted = senders.is_empty() || sender == ports.0 || senders.contains(&sender);
        sent.message.gasLimit <= self.options.most_gas && wanted
    }

    /// Whether relayers vouch for a message, and whether it is this one's turn to deliver it.
    async fn vouched(&mut self, sent: &Sent, earner: Address) -> Result<How, LaneError> {
        let Some(vouching) = self.options.vouching.clone() else { return Ok(How::Proved) };
        let (direction, nonce) = (sent.direction, sent.message.nonce);
        let Some(way) = self.ways.get_mut(&direction) else { return Ok(How::Proved) };
        let (met, _) = *way.met.entry(nonce).or_insert((Instant::now(), None));
        let set = way.set.clone();
        let (_, peer) = self.lane.end(direction.source());
        // Refunds and tokens are proved only.
        let tokens = sent.message.target == self.lane.port(direction.destination());
        if set.threshold == 0 || sent.message.sender == peer || tokens {
            return Ok(How::Proved);
        }
        let allowance = self.lane.allowance(direction).await?;
        let value = sent.message.value.saturating_add(sent.message.relayFee);
        if value > allowance.available {
            return Ok(How::Proved);
        }
        let previous = self.lane.accumulator_before(sent).await?;
        let Some(proof) = vouching.board.proof(sent, previous, &set) else {
            return Ok(if met.elapsed() < vouching.patience { How::Later } else { How::Proved });
        };
        let Some(way) = self.ways.get_mut(&direction) else { return Ok(How::Proved) };
        let ready = *way.met.entry(nonce).or_insert((met, None)).1.get_or_insert_with(Instant::now);
        let count = set.members.len().max(1);
        let rank = set
            .members
            .iter()
            .position(|member| *member == earner)
            .map_or(count, |own| (own + count - (nonce % count as u64) as usize) % count);
        if ready.elapsed() < vouching.turn * rank as u32 {
            return Ok(How::Later);
        }
        Ok(How::Vouched(self.lane.attested(sent, &proof, earner)))
    }

    fn finish(&mut self, sent: &Sent) {
        let Some(way) = self.ways.get_mut(&sent.direction) else { return };
        way.finish(sent);
    }

    /// Forgets a message that was delivered once no reorganisation will take that back.
    async fn settled(&mut self, sent: &Sent) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(sent.direction.destination());
        let head = rpc.block_number().await?;
        let Some(way) = self.ways.get_mut(&sent.direction) else { return Ok(()) };
        let first = *way.delivered.entry(sent.message.nonce).or_insert(head);
        match head >= first + SETTLED_AFTER {
            true => self.finish(sent),
            false => way.put_off(sent.message.nonce, Instant::now()),
        }
        Ok(())
    }

    fn leave(&mut self, sent: &Sent) {
        let Some(way) = self.ways.get_mut(&sent.direction) else { return };
        way.put_off(sent.message.nonce, Instant::now());
    }
}

/// Who a message is for: its sender; of a refund who sent what is refunded, at the other end. What a port sends is sent by
/// who calls it, and is the port's here (`ports`: at the source and at the destination).
fn on_behalf_of(message: &Message, endpoint: Address, ports: (Address, Address)) -> Address {
    match IEndpoint::refundCall::abi_decode(&message.payload) {
        Ok(refund) if message.sender == endpoint => {
            if refund.message.sender == ports.1 {
                ports.0
            } else {
                refund.message.sender
            }
        }
        _ => message.sender,
    }
}

impl Lane {
    /// The most that a delivery costs at the destination's prices of the moment, in wei.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn delivery_cost(&self, direction: Direction, gas: u64, bytes: u64) -> Result<U256, LaneError> {
        let (rpc, _) = self.end(direction.destination());
        let fees = FeeQuote::current(rpc).await?;
        // Room for the base fee to double is not what it costs.
        let price = U256::from(fees.max_fee.saturating_sub(fees.priority_fee) / 2 + fees.priority_fee);
        let execution = U256::from(gas) * price;
        match direction.destination() {
            Layer::L1 => Ok(execution),
            Layer::L2 | Layer::Sibling => Ok(execution + data_fee(rpc, bytes).await?),
        }
    }

    /// A fee that pays for a delivery whose call takes `gas` and whose payload is so long, with half of it to spare.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn quote(&self, direction: Direction, gas: u64, payload: u64) -> Result<U256, LaneError> {
        // Between siblings there is no ETH to pay with.
        if self.sibling.is_some() {
            return Ok(U256::ZERO);
        }
        // 40 gas a byte is what calldata may cost (EIP-7623).
        let bytes = DELIVERY_BYTES + payload;
        let gas = (gas + DELIVERY_GAS).max(21_000 + 40 * bytes);
        let cost = self.delivery_cost(direction, gas, bytes).await?;
        let fee = cost + cost / U256::from(2);
        // Where relayers vouch, half of it is theirs who signed.
        Ok(if self.crossing == Crossing::Multisig { fee + fee } else { fee })
    }
}

/// The most that an L2 asks for so many bytes of data (Fjord's formula, for data that does not compress).
async fn data_fee(l2: &Rpc, bytes: u64) -> Result<U256, LaneError> {
    let at = predeploys::L1_BLOCK;
    let base = l2.call(at, &IL1Block::basefeeCall {}).await?;
    let blob = l2.call(at, &IL1Block::blobBaseFeeCall {}).await?;
    let base_scalar = U256::from(l2.call(at, &IL1Block::baseFeeScalarCall {}).await?);
    let blob_scalar = U256::from(l2.call(at, &IL1Block::blobBaseFeeScalarCall {}).await?);
    let price = U256::from(16) * base_scalar * base + blob_scalar * blob;
    Ok(U256::from(bytes) * U256::from(836_500) * price / U256::from(1_000_000_000_000u64))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;

    use super::*;

    fn message(sender: Address, payload: Bytes) -> Message {
        Message { sender, payload, ..Sent::sample(1).message }
    }

    #[test]
    fn refunds_are_for_who_sent_what_is_refunded() {
        let [alice, endpoint, here, there] = [1, 2, 3, 4].map(Address::repeat_byte);
        let ports = (here, there);
        let refund = |of: Address| {
            IEndpoint::refundCall { message: message(of, Bytes::new()), withFee: true }.abi_encode()
        };
        let of = |sender: Address, payload: Vec<u8>| {
            on_behalf_of(&message(sender, payload.into()), endpoint, ports)
        };
        assert_eq!(of(alice, Vec::new()), alice);
        assert_eq!(of(here, Vec::new()), here);
        assert_eq!(of(endpoint, refund(alice)), alice);
        // Tokens that come back were sent by the other end's port, and are carried as those of this one's are.
        assert_eq!(of(endpoint, refund(there)), here);
        // Who only says that it is a refund is carried for itself.
        assert_eq!(of(alice, refund(here)), alice);
        assert_eq!(of(endpoint, vec![1, 2, 3]), endpoint);
    }
}
