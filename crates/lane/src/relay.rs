//! The relay: carries messages and earns their fees.
//!
//! It is trusted with nothing. What it carries is proved by Merkle proofs, and the worst it can do is nothing: then
//! another one does it, or the user.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IEndpoint, IL1Block};
use duplex_l1::{Crossing, FeeQuote, Rpc, TxManager, TxManagerError, TxManagerOptions, TxReceipt, TxRequest};
use duplex_primitives::predeploys;
use duplex_storage::Records;
use tokio::sync::oneshot::{Receiver, error::TryRecvError};
use tokio_util::sync::CancellationToken;

use crate::{Board, By, DeliveryState, Direction, Lane, LaneError, Layer, Prepared, RelayerSet, Sent};

/// Blocks that are read again at each look, because the last ones may have been exchanged.
const READ_AGAIN: u64 = 64;
/// Time after which a transaction is sent again with a higher fee.
const RESEND_AFTER: Duration = Duration::from_secs(12);
/// How long a message is left alone that does not pay, or cannot be delivered: at first, then twice as long each time.
const LEFT_ALONE: Duration = Duration::from_secs(2);
const LEFT_ALONE_MOST: Duration = Duration::from_secs(3600);
/// Blocks after which a delivery is believed to stay.
const SETTLED_AFTER: u64 = 64;
/// Gas of the cheapest delivery apart from the message's own call, and its bytes: what pays less is not even proved.
const LEAST_GAS: u64 = 100_000;
const LEAST_BYTES: u64 = 1_000;
/// An idle L2 builds no blocks and learns nothing of L1; then the relay has it build one, as often as this.
const NUDGE_AFTER: Duration = Duration::from_secs(2);
const NUDGE_MOST: Duration = Duration::from_secs(60);
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

type Outcome = Result<TxReceipt, TxManagerError>;

/// What is known of one direction.
#[derive(Debug, Default)]
struct Way {
    /// The next block to read.
    next: u64,
    /// Messages to deliver, by nonce.
    waiting: BTreeMap<u64, Sent>,
    /// Deliveries under way.
    in_flight: BTreeMap<u64, Receiver<Outcome>>,
    /// When a message is looked at again, and how long it was left alone.
    later: BTreeMap<u64, (Instant, Duration)>,
    /// At which of the destination's blocks a message was first found to be delivered.
    delivered: BTreeMap<u64, u64>,
    /// Ids that need nothing more.
    finished: BTreeSet<B256>,
    /// When a message was first met, and when there first were enough signatures.
    met: BTreeMap<u64, (Instant, Option<Instant>)>,
    /// The relayers who vouch at the destination.
    set: RelayerSet,
    /// Since when the destination does not know of the next message.
    unknown_since: Option<Instant>,
    /// How long it is then left to itself.
    nudge_pause: Duration,
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
            .map(|direction| (*direction, Way { next: lane.start(direction.source()), ..Default::default() }))
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
        let now = Instant::now();
        let mut due: Vec<(Instant, Sent)> = way
            .waiting
            .values()
            .filter(|sent| !way.in_flight.contains_key(&sent.message.nonce))
            .map(|sent| (way.later.get(&sent.message.nonce).map_or(now, |(until, _)| *until), sent.clone()))
            .filter(|(until, _)| *until <= now)
            .collect();
        // New ones first: what could not be delivered before must not keep them waiting.
        due.sort_by_key(|(until, sent)| (std::cmp::Reverse(*until), sent.message.nonce));
        let mut room = self.options.most_in_flight.saturating_sub(way.in_flight.len());
        let mut unknown: Option<Sent> = None;
        for (_, sent) in due {
            // What was sent later cannot be proved either.
            if unknown.as_ref().is_some_and(|first| first.message.nonce <= sent.message.nonce) {
                continue;
            }
            if room == 0 {
                break;
            }
            room -= 1;
            match self.carry(&sent).await {
                Ok(true) => {}
                Ok(false) => unknown = Some(sent),
                Err(error @ LaneError::Records(_)) => return Err(error),
                Err(LaneError::Tx(error @ TxManagerError::Storage(_))) => return Err(error.into()),
                // Of this message only: the others are carried all the same.
                Err(error) => {
                    tracing::warn!(nonce = sent.message.nonce, %error, "cannot be delivered now");
                    self.leave(&sent);
                }
            }
        }
        if let Some(sent) = unknown {
            return self.nudge(&sent).await;
        }
        if let Some(way) = self.ways.get_mut(&direction) {
            (way.unknown_since, way.nudge_pause) = (None, NUDGE_AFTER);
        }
        Ok(())
    }

    /// Has an idle L2 build a block, whose anchor then has what waits.
    async fn nudge(&mut self, sent: &Sent) -> Result<(), LaneError> {
        let direction = sent.direction;
        let manager = self.manager(direction.destination())?;
        let Some(way) = self.ways.get_mut(&direction) else { return Ok(()) };
        let since = *way.unknown_since.get_or_insert_with(Instant::now);
        if since.elapsed() < way.nudge_pause.max(NUDGE_AFTER)
            || !self.lane.wants_anchor(sent).await?
            || manager.in_flight().await > 0
        {
            return Ok(());
        }
        if let Some(way) = self.ways.get_mut(&direction) {
            // One that does not help will not help more often.
            way.nudge_pause = (way.nudge_pause.max(NUDGE_AFTER) * 2).min(NUDGE_MOST);
            way.unknown_since = None;
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
            if !way.finished.contains(&sent.id) {
                way.waiting.insert(sent.message.nonce, sent);
            }
        }
        way.next = head + 1;
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
                    way.nudge_pause = NUDGE_AFTER;
                    tracing::info!(nonce, to = %direction.destination(), tx = %receipt.transaction_hash, gas = %receipt.gas_used, "delivered");
                }
                // Whether it is delivered all the same shows at the next look.
                Ok(Err(error)) => {
                    tracing::warn!(nonce, %error, "a delivery did not succeed");
                    put_off(&mut way.later, nonce);
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
                    way.later.insert(nonce, (Instant::now() + self.options.poll, LEFT_ALONE / 2));
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
        let source = sent.direction.source();
        let (_, endpoint) = self.lane.end(source);
        // What a port sends is sent by who calls it: its messages are small and cost what tokens cost.
        let port = self.lane.port(source);
        let wanted = |sender: Address| {
            self.options.senders.is_empty() || sender == port || self.options.senders.contains(&sender)
        };
        // A refund is for who sent what is refunded: at the other end.
        let sender = match IEndpoint::refundCall::abi_decode(&sent.message.payload) {
            Ok(refund) if sent.message.sender == endpoint => {
                let other = self.lane.port(sent.direction.destination());
                if refund.message.sender == other { port } else { refund.message.sender }
            }
            _ => sent.message.sender,
        };
        sent.message.gasLimit <= self.options.most_gas && wanted(sender)
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
        way.met.remove(&sent.message.nonce);
        way.waiting.remove(&sent.message.nonce);
        way.later.remove(&sent.message.nonce);
        way.delivered.remove(&sent.message.nonce);
        way.finished.insert(sent.id);
    }

    /// Forgets a message that was delivered once no reorganisation will take that back.
    async fn settled(&mut self, sent: &Sent) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(sent.direction.destination());
        let head = rpc.block_number().await?;
        let Some(way) = self.ways.get_mut(&sent.direction) else { return Ok(()) };
        let first = *way.delivered.entry(sent.message.nonce).or_insert(head);
        match head >= first + SETTLED_AFTER {
            true => self.finish(sent),
            false => put_off(&mut way.later, sent.message.nonce),
        }
        Ok(())
    }

    fn leave(&mut self, sent: &Sent) {
        let Some(way) = self.ways.get_mut(&sent.direction) else { return };
        put_off(&mut way.later, sent.message.nonce);
    }
}

/// Leaves a message alone for twice as long as the last time.
fn put_off(later: &mut BTreeMap<u64, (Instant, Duration)>, nonce: u64) {
    let pause = later.get(&nonce).map_or(LEFT_ALONE, |(_, pause)| (*pause * 2).min(LEFT_ALONE_MOST));
    later.insert(nonce, (Instant::now() + pause, pause));
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
