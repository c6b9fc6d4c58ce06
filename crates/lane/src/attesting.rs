//! A relayer with a stake: signs what is final, exchanges signatures with the others, answers summonses, and reports who
//! lies.
//!
//! It believes its own RPCs and nobody else. What it has signed is on disk before anyone sees it: it never signs two
//! accumulators for one place.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::bindings::{IEndpoint, IRelayerRegistry};
use duplex_l1::{Rpc, TxManager, TxManagerError, TxRequest};
use duplex_storage::Records;
use tokio_util::sync::CancellationToken;

use crate::{
    Attester, Board, DeliveryState, Direction, Lane, LaneError, Layer, Prepared, SignedStatement, Statement,
    Vouched,
};

/// Most blocks read at a time.
const MOST_BLOCKS: u64 = 2_000;
/// Pause after another relayer did not answer.
const AFTER_SILENCE: Duration = Duration::from_secs(5);
/// Messages this far behind the oldest that waits are forgotten.
const KEPT: u64 = 256;

/// How a relayer attests.
#[derive(Debug, Clone)]
pub struct AttestingOptions {
    /// Where it keeps what it has signed.
    pub dir: PathBuf,
    /// JSON-RPC of the other relayers.
    pub peers: Vec<String>,
    /// L1 blocks that must follow before one counts as final; the chain's own word unless given.
    pub confirmations: Option<u64>,
    /// Pause between looks.
    pub poll: Duration,
}

/// What is known of one direction.
#[derive(Debug, Default)]
struct Course {
    /// The next of the source's blocks to read.
    next: u64,
    /// The next of the destination's blocks to look for lies in.
    watched: u64,
    /// What was vouched for and is not so here; L1 may not be able to tell yet.
    suspects: Vec<Vouched>,
    /// Everything before was delivered.
    settled: u64,
}

/// A relayer with a stake.
#[derive(Debug)]
pub struct Attesting {
    lane: Lane,
    attester: Attester,
    key: PrivateKeySigner,
    board: Board,
    records: Records,
    options: AttestingOptions,
    l1: TxManager,
    courses: BTreeMap<Direction, Course>,
    next_summons: u64,
}

impl Attesting {
    /// A relayer that signs with `key`. Its transactions go through `l1`, which must have the same key.
    ///
    /// # Errors
    /// If there are no relayers in this rollup, or the records cannot be read.
    pub fn open(
        lane: Lane,
        key: PrivateKeySigner,
        board: Board,
        l1: TxManager,
        options: AttestingOptions,
    ) -> Result<Self, LaneError> {
        let attester = Attester::new(&lane)?;
        let failed = |error: &dyn std::fmt::Display| LaneError::Records(error.to_string());
        let records = Records::open(&options.dir.join("signed.redb")).map_err(|error| failed(&error))?;
        let courses = Direction::ALL
            .map(|direction| {
                let (next, watched) = (lane.start(direction.source()), lane.start(direction.destination()));
                (direction, Course { next, watched, settled: 1, ..Default::default() })
            })
            .into();
        let next_summons = lane.start(Layer::L1);
        Ok(Self { lane, attester, key, board, records, options, l1, courses, next_summons })
    }

    /// Attests until cancelled.
    ///
    /// # Errors
    /// If its records cannot be written.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), LaneError> {
        for peer in &self.options.peers {
            let asking = ask(
                Rpc::new(peer)?,
                self.attester.clone(),
                self.board.clone(),
                self.options.poll,
                cancel.clone(),
            );
            tokio::spawn(asking);
        }
        let stop = cancel.clone();
        let work = async {
            loop {
                match self.look().await {
                    Ok(()) => {}
                    Err(error @ LaneError::Records(_)) => return Err(error),
                    Err(LaneError::Tx(error @ TxManagerError::Storage(_))) => return Err(error.into()),
                    Err(error) => tracing::warn!(%error, "attesting"),
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(self.options.poll) => {}
                }
            }
        };
        tokio::select! {
            () = cancel.cancelled() => Ok(()),
            result = work => result,
        }
    }

    async fn look(&mut self) -> Result<(), LaneError> {
        let mut members = BTreeSet::new();
        for direction in Direction::ALL {
            members.extend(self.lane.relayer_set(direction).await?.members);
        }
        self.board.set_members(members);
        for direction in Direction::ALL {
            self.observe(direction).await?;
            self.watch(direction).await?;
            self.settle(direction).await?;
        }
        for (signer, signed) in self.board.take_early() {
            if self.board.add(signer, signed.clone()) {
                self.contradicted(signer, signed).await?;
            }
        }
        self.answer().await
    }

    /// Signs what became final.
    async fn observe(&mut self, direction: Direction) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(direction.source());
        let last = match (direction, self.options.confirmations) {
            (Direction::Down, Some(depth)) => rpc.block_number().await?.checked_sub(depth),
            (Direction::Down, None) => rpc.tagged_block_number("finalized").await?,
            // What L1's data gives, whatever the sequencer says.
            (Direction::Up, _) => rpc.tagged_block_number("safe").await?,
        };
        let Some(course) = self.courses.get(&direction) else { return Ok(()) };
        let (from, Some(last)) = (course.next, last) else { return Ok(()) };
        if last < from {
            return Ok(());
        }
        let to = last.min(from + MOST_BLOCKS);
        let mut blocks: BTreeMap<u64, Statement> = BTreeMap::new();
        for sent in self.lane.sent(direction, from, to).await? {
            self.board.saw(&sent);
            let (nonce, accumulator) = (sent.message.nonce, sent.accumulator);
            // All relayers sign at the ends of blocks, so that they sign the same.
            blocks.insert(sent.block, Statement { direction, nonce, accumulator, time: 0 });
        }
        for (number, statement) in blocks {
            let (rpc, _) = self.lane.end(direction.source());
            let Some(header) = rpc.header(number).await? else { return Ok(()) };
            match self.sign(Statement { time: header.header.timestamp, ..statement }) {
                Ok(signed) => self.board.add_own(self.key.address(), signed),
                Err(error @ LaneError::Equivocation { .. }) => tracing::error!(%error, "not signed"),
                Err(error) => return Err(error),
            }
        }
        if let Some(course) = self.courses.get_mut(&direction) {
            course.next = to + 1;
        }
        Ok(())
    }

    /// Signs a statement, unless another one was signed about the same place. It is on disk before it is given out.
    fn sign(&self, statement: Statement) -> Result<SignedStatement, LaneError> {
        let failed = |error: &dyn std::fmt::Display| LaneError::Records(error.to_string());
        let Statement { direction, nonce, accumulator, .. } = statement;
        let name = format!("{direction:?}/{nonce:020}").to_lowercase();
        if let Some(bytes) = self.records.get(&name).map_err(|error| failed(&error))? {
            let signed: SignedStatement = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
            if signed.statement.accumulator != accumulator {
                let signed = signed.statement.accumulator;
                return Err(LaneError::Equivocation { direction, nonce, signed, now: accumulator });
            }
            if signed.statement == statement {
                return Ok(signed);
            }
        }
        let signed = self.attester.sign(&self.key, &statement)?;
        let bytes = serde_json::to_vec(&signed).map_err(|error| failed(&error))?;
        self.records.put(&name, &bytes).map_err(|error| failed(&error))?;
        Ok(signed)
    }

    /// Looks for what was delivered on relayers' word and is not so.
    async fn watch(&mut self, direction: Direction) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(direction.destination());
        let head = rpc.block_number().await?;
        let Some(course) = self.courses.get_mut(&direction) else { return Ok(()) };
        let mut suspects = std::mem::take(&mut course.suspects);
        let from = course.watched;
        let to = head.min(from + MOST_BLOCKS);
        let found = match from <= to {
            true => self.lane.vouched(direction, from, to).await,
            false => Ok(Vec::new()),
        };
        // What was suspect before stays so, whatever comes of this look.
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                if let Some(course) = self.courses.get_mut(&direction) {
                    course.suspects = suspects;
                }
                return Err(error);
            }
        };
        suspects.extend(found);
        let mut left = Vec::new();
        for vouched in suspects {
            if !self.accuse(&vouched).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot be judged now");
                false
            }) {
                left.push(vouched);
            }
        }
        if let Some(course) = self.courses.get_mut(&direction) {
            course.suspects = left;
            course.watched = course.watched.max(to + 1);
        }
        Ok(())
    }

    /// Reports a false delivery. False if there is more to be done about it.
    async fn accuse(&self, vouched: &Vouched) -> Result<bool, LaneError> {
        if self.lane.is_true(&vouched.statement).await? {
            return Ok(true);
        }
        let signatures = vouched.signatures.clone();
        let slash = self.lane.prepare_slash(&self.attester, &vouched.statement, signatures).await?;
        let Some(slash) = slash else { return Ok(false) };
        tracing::warn!(tx = %vouched.transaction, statement = ?vouched.statement, "relayers vouched for what is not so");
        self.report(slash).await
    }

    /// Remembers a relayer that told us what is not what we signed. One thing of each is enough to report it for.
    async fn contradicted(&mut self, signer: Address, signed: SignedStatement) -> Result<(), LaneError> {
        if let Some(other) = self.board.of(signer, &signed.statement) {
            // It signed ours, too: two accumulators for one place need no other proof.
            let slash = self.lane.prepare_slash_for_two(&self.attester, &signed, &other)?;
            self.report(slash).await?;
            return Ok(());
        }
        let SignedStatement { statement, signature } = signed;
        let Some(course) = self.courses.get_mut(&statement.direction) else { return Ok(()) };
        if course.suspects.iter().any(|suspect| suspect.members == [signer]) {
            return Ok(());
        }
        tracing::warn!(relayer = %signer, ?statement, "says something else than we");
        course.suspects.push(Vouched {
            statement,
            signatures: signature,
            set_id: 0,
            members: vec![signer],
            signers: U256::ONE,
            transaction: B256::ZERO,
        });
        Ok(())
    }

    /// Sends a report, unless L1 would refuse it: somebody else was first. True if it is done.
    async fn report(&self, slash: Prepared) -> Result<bool, LaneError> {
        let (from, Prepared { to, data }) = (self.l1.address(), slash);
        let gas = match self.lane.l1.estimate_gas(from, Some(to), U256::ZERO, &data).await {
            Ok(gas) => gas + gas / 5,
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(error) => {
                tracing::info!(%error, "not reported");
                return Ok(true);
            }
        };
        self.send(to, data, gas, "report").await?;
        Ok(true)
    }

    async fn send(&self, to: Address, data: Bytes, gas: u64, what: &str) -> Result<(), LaneError> {
        let request = TxRequest {
            to,
            data,
            value: U256::ZERO,
            gas_limit: Some(gas),
            label: what.into(),
            blobs: Vec::new(),
        };
        let receipt = self.l1.send(request).await?;
        tracing::info!(tx = %receipt.transaction_hash, gas = %receipt.gas_used, "{what}");
        Ok(())
    }

    /// Signs what this relayer is summoned to, if it is final.
    async fn answer(&mut self) -> Result<(), LaneError> {
        let registry = self.lane.relayers()?.registry;
        let head = self.lane.l1.block_number().await?;
        if head < self.next_summons {
            return Ok(());
        }
        let topics = [Some(IRelayerRegistry::Summoned::SIGNATURE_HASH)];
        let from = self.next_summons;
        let logs = self.lane.l1.logs_by_topics(Some(registry), &topics, from, head).await?;
        let own = self.key.address();
        for log in &logs {
            let nonce = log.topics().get(1).map(|topic| U256::from_be_bytes(topic.0).saturating_to::<u64>());
            let Some(nonce) = nonce else { continue };
            let settled = IRelayerRegistry::isSettledCall { nonce, account: own };
            if self.lane.l1.call(registry, &settled).await? {
                continue;
            }
            let (_, endpoint) = self.lane.end(Layer::L1);
            let accumulator = self.lane.l1.call(endpoint, &IEndpoint::accumulatorCall { nonce }).await?;
            let observed = self.courses.get(&Direction::Down).map_or(0, |course| course.next);
            let topics = [Some(IEndpoint::MessageSent::SIGNATURE_HASH), Some(B256::from(U256::from(nonce)))];
            let start = self.lane.start(Layer::L1);
            let sent = self.lane.l1.logs_by_topics(Some(endpoint), &topics, start, head).await?;
            let Some(block) = sent.first().and_then(|log| log.block_number) else { continue };
            if block >= observed {
                // Not final here: looked at again.
                return Ok(());
            }
            let Some(header) = self.lane.l1.header(block).await? else { return Ok(()) };
            let time = header.header.timestamp;
            let signed = match self.sign(Statement { direction: Direction::Down, nonce, accumulator, time }) {
                Ok(signed) => signed,
                Err(error @ LaneError::Equivocation { .. }) => {
                    tracing::error!(%error, "not answered");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let call = IRelayerRegistry::answerCall { nonce, time, signatures: signed.signature };
            let data: Bytes = call.abi_encode().into();
            match self.lane.l1.estimate_gas(own, Some(registry), U256::ZERO, &data).await {
                Ok(gas) => self.send(registry, data, gas + gas / 5, "answer to a summons").await?,
                Err(error) if error.is_temporary() => return Err(error.into()),
                Err(error) => tracing::info!(nonce, %error, "a summons is over"),
            }
        }
        self.next_summons = head + 1;
        Ok(())
    }

    /// Forgets what was delivered.
    async fn settle(&mut self, direction: Direction) -> Result<(), LaneError> {
        let Some(course) = self.courses.get_mut(&direction) else { return Ok(()) };
        let mut settled = course.settled;
        // A few at a time: most of them were delivered one after the other.
        for _ in 0..32 {
            let Some(id) = self.board.id(direction, settled) else { break };
            if self.lane.state(direction, id).await? == DeliveryState::None {
                break;
            }
            settled += 1;
        }
        course.settled = settled;
        self.board.forget_before(direction, settled.saturating_sub(KEPT));
        Ok(())
    }
}

/// Asks another relayer for its signatures until cancelled.
async fn ask(peer: Rpc, attester: Attester, board: Board, poll: Duration, cancel: CancellationToken) {
    let mut signer = Address::ZERO;
    loop {
        let mut pause = poll;
        for direction in Direction::ALL {
            let from = board.wanted(direction, signer);
            if from == u64::MAX {
                continue;
            }
            let asked = peer.request::<_, Vec<SignedStatement>>("relayer_attestations", (direction, from));
            let answer = tokio::select! {
                () = cancel.cancelled() => return,
                answer = asked => answer,
            };
            match answer {
                Ok(list) => {
                    for signed in list {
                        if signed.statement.direction != direction {
                            continue;
                        }
                        let Some(by) = attester.signer(&signed) else { continue };
                        signer = by;
                        if board.add(by, signed.clone()) {
                            board.suspect(by, signed);
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a relayer does not answer");
                    pause = AFTER_SILENCE;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
