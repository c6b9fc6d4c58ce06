//! A relayer with a stake: signs what is final, exchanges signatures with the others, answers summonses, and reports who
//! lies.
//!
//! It believes its own RPCs and nobody else. What it has signed is on disk before anyone sees it: it never signs two
//! accumulators for one place.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError, SolEvent};
use duplex_contracts::bindings::{IAttestationVerifier, IEndpoint, IInbox, IRelayerRegistry, ISettlement};
use duplex_l1::{Rpc, RpcError, TxManager, TxManagerError, TxRequest};
use duplex_storage::Records;
use tokio_util::sync::CancellationToken;

use crate::{
    Attester, Board, DeliveryState, Direction, Lane, LaneError, Layer, Prepared, SignedStatement, Statement,
    Vouched, witness::Verdict,
};

/// Most blocks read at a time.
const MOST_BLOCKS: u64 = 2_000;
/// Pause after another relayer did not answer.
const AFTER_SILENCE: Duration = Duration::from_secs(5);
/// Blocks that are read again at each look, because the last ones may have been exchanged.
const READ_AGAIN: u64 = 64;
/// Deliveries that are remembered to have been met.
const MOST_MET: usize = 1 << 16;
/// When a report that did not come to anything is sent again.
const REPORTED_AGAIN: Duration = Duration::from_secs(120);
/// When an answer to a summons that is not mined is sent again.
const ANSWERED_AGAIN: Duration = Duration::from_secs(600);
/// How long the news of a set may take to L2.
const REFRESHED_AGAIN: Duration = Duration::from_secs(3600);
/// Messages this far behind the oldest that waits are forgotten.
const KEPT: u64 = 256;

/// How a relayer attests.
#[derive(Debug, Clone)]
pub struct AttestingOptions {
    /// Where it keeps what it has signed.
    pub dir: PathBuf,
    /// JSON-RPC of the other relayers.
    pub peers: Vec<String>,
    /// A file with more of them, one a line. It is read at every look, so they may come and go.
    pub peers_file: Option<PathBuf>,
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
    /// The newest message whose block is final.
    observed: u64,
    /// The next of L1's blocks to look for batches in, and the last L2 block of those found: what L1 holds for good.
    batches: (u64, u64),
    /// The next of the destination's blocks to look for lies in.
    watched: u64,
    /// The same, of blocks that L1 holds for good: a sequencer may have shown others before.
    confirmed: u64,
    /// What has been met of it: in which block and transaction, what was said and by whom. One transaction can have several.
    met: BTreeSet<(B256, B256, Statement, U256)>,
    /// What was vouched for and is not known to be so.
    suspects: Vec<Suspect>,
    /// Everything before was delivered.
    settled: u64,
}

/// What may be a lie.
#[derive(Debug)]
struct Suspect {
    statement: Statement,
    signatures: Bytes,
    /// Who said it, if it was said to us.
    by: Option<Address>,
    /// By which claim it was judged last, and whether that was in exodus: then the same claim decides more.
    judged: Option<(u64, bool)>,
    /// When it was reported.
    reported: Option<Instant>,
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
    /// What we are summoned to and have not answered.
    summoned: BTreeSet<u64>,
    /// When we sent an answer.
    answered: BTreeMap<u64, Instant>,
    /// When we last had the set told again.
    refreshed: Option<Instant>,
    /// The others that are asked.
    asked: BTreeMap<String, CancellationToken>,
    /// What was said of the file that names them: once is enough.
    said: BTreeSet<String>,
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
        let courses = Direction::LAYERS
            .map(|direction| {
                let (next, watched) = (lane.start(direction.source()), lane.start(direction.destination()));
                (direction, Course { next, watched, settled: 1, ..Default::default() })
            })
            .into();
        let next_summons = lane.start(Layer::L1);
        Ok(Self {
            lane,
            attester,
            key,
            board,
            records,
            options,
            l1,
            courses,
            next_summons,
            summoned: BTreeSet::new(),
            answered: BTreeMap::new(),
            refreshed: None,
            asked: BTreeMap::new(),
            said: BTreeSet::new(),
        })
    }

    /// Attests until cancelled.
    ///
    /// # Errors
    /// If its records cannot be written.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), LaneError> {
        // Those that were named for good must be right.
        for peer in self.options.peers.clone() {
            self.ask_from(&peer, &cancel)?;
        }
        let stop = cancel.clone();
        let work = async {
            loop {
                self.read_peers(&stop);
                self.look().await?;
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

    /// Starts to ask another relayer, unless that has been done.
    fn ask_from(&mut self, peer: &str, cancel: &CancellationToken) -> Result<(), LaneError> {
        if !self.asked.contains_key(peer) {
            let (rpc, cancel) = (Rpc::new(peer)?, cancel.child_token());
            let (attester, board, poll) = (self.attester.clone(), self.board.clone(), self.options.poll);
            tokio::spawn(ask(rpc, attester, board, poll, cancel.clone()));
            self.asked.insert(peer.to_owned(), cancel);
        }
        Ok(())
    }

    /// Asks those who are named now, by us or in the file, and nobody else.
    fn read_peers(&mut self, cancel: &CancellationToken) {
        let Some(path) = self.options.peers_file.clone() else { return };
        let listed = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            // Who was asked is asked on.
            Err(error) => return self.say(format!("{} cannot be read: {error}", path.display())),
        };
        let listed = listed.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let named: BTreeSet<String> =
            listed.map(str::to_owned).chain(self.options.peers.iter().cloned()).collect();
        self.asked.retain(|peer, asking| {
            let stays = named.contains(peer);
            if !stays {
                asking.cancel();
            }
            stays
        });
        for peer in named {
            if let Err(error) = self.ask_from(&peer, cancel) {
                self.say(format!("{peer:?} in {}: {error}", path.display()));
            }
        }
    }

    fn say(&mut self, warning: String) {
        if !self.said.contains(&warning) {
            tracing::warn!("{warning}");
            self.said.insert(warning);
        }
    }

    /// One look at everything. What goes wrong with one part keeps no other from its duty.
    async fn look(&mut self) -> Result<(), LaneError> {
        let mut parts = vec![("answering", self.answer().await)];
        for direction in Direction::LAYERS {
            parts.push(("observing", self.observe(direction).await));
        }
        parts.push(("who vouches", self.meet().await));
        for direction in Direction::LAYERS {
            parts.push(("watching", self.watch(direction).await));
            parts.push(("settling", self.settle(direction).await));
        }
        parts.push(("comparing", self.compare().await));
        parts.push(("refreshing", self.refresh().await));
        for (part, result) in parts {
            match result {
                Ok(()) => {}
                Err(error @ LaneError::Records(_)) => return Err(error),
                Err(LaneError::Tx(error @ TxManagerError::Storage(_))) => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "{part}"),
            }
        }
        Ok(())
    }

    /// Learns who the others are.
    async fn meet(&self) -> Result<(), LaneError> {
        let mut members = BTreeSet::new();
        for direction in Direction::LAYERS {
            members.extend(self.lane.relayer_set(direction).await?.members);
        }
        self.board.set_members(members);
        Ok(())
    }

    /// Looks at what the others say of places where we have signed by now.
    async fn compare(&mut self) -> Result<(), LaneError> {
        let mut failed = None;
        for (signer, signed) in self.board.take_early() {
            if !self.board.add(signer, signed.clone()) {
                continue;
            }
            if let Err(error) = self.contradicted(signer, signed.clone()).await {
                self.board.suspect(signer, signed);
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// L1's last final block.
    async fn final_on_l1(&self) -> Result<Option<u64>, LaneError> {
        Ok(match self.options.confirmations {
            Some(depth) => self.lane.l1.block_number().await?.checked_sub(depth),
            None => self.lane.l1.tagged_block_number("finalized").await?,
        })
    }

    /// The last L2 block that follows from batches in L1's final blocks, and that our L2 node derived: whatever a sequencer
    /// or a reorganisation does, it stays.
    async fn final_on_l2(&mut self) -> Result<Option<u64>, LaneError> {
        let (Some(last), Some(safe)) =
            (self.final_on_l1().await?, self.lane.l2.tagged_block_number("safe").await?)
        else {
            return Ok(None);
        };
        let Some(course) = self.courses.get_mut(&Direction::Up) else { return Ok(None) };
        let from = course.batches.0.max(self.lane.start(Layer::L1));
        if from <= last {
            let inbox = self.lane.deployment.contracts.inbox;
            let topics = [Some(IInbox::BatchAppended::SIGNATURE_HASH)];
            let logs = self.lane.l1.logs_by_topics(Some(inbox), &topics, from, last).await?;
            for log in &logs {
                let event = IInbox::BatchAppended::decode_log(&log.inner)
                    .map_err(|why| LaneError::Malformed { layer: Layer::L1, why: why.to_string() })?;
                course.batches.1 = course.batches.1.max(event.data.header.lastBlock);
            }
            course.batches.0 = last + 1;
        }
        Ok(Some(course.batches.1.min(safe)))
    }

    /// Whether claims become final as they should. In an exodus that leaves something out, whoever vouched for it pays.
    async fn claims_go_on(&self) -> Result<bool, LaneError> {
        let terms = self.lane.relayers()?.terms;
        let settlement = self.lane.deployment.contracts.settlement;
        let since = self.lane.l1.call(settlement, &ISettlement::lastFinalizedAtCall {}).await?;
        let now = self.lane.l1.latest_header().await?.header.timestamp;
        Ok(now <= since.saturating_add(terms.l1_window / 2))
    }

    /// Signs what became final.
    async fn observe(&mut self, direction: Direction) -> Result<(), LaneError> {
        let last = match direction {
            Direction::Down => self.final_on_l1().await?,
            _ => self.final_on_l2().await?,
        };
        let Some(course) = self.courses.get(&direction) else { return Ok(()) };
        let (from, Some(last)) = (course.next, last) else { return Ok(()) };
        if last < from {
            return Ok(());
        }
        if direction == Direction::Up && !self.claims_go_on().await? {
            tracing::warn!("no claim has become final for long: nothing from L2 is signed");
            return Ok(());
        }
        let to = last.min(from + MOST_BLOCKS);
        let mut blocks: BTreeMap<u64, Statement> = BTreeMap::new();
        let mut observed = course.observed;
        for sent in self.lane.sent(direction, from, to).await? {
            self.board.saw(&sent);
            let (nonce, accumulator) = (sent.message.nonce, sent.accumulator);
            observed = observed.max(nonce);
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
            (course.next, course.observed) = (to + 1, observed);
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

    /// Looks for what was delivered on relayers' word and is not so. The last blocks are read again: others may have taken
    /// their place.
    async fn watch(&mut self, direction: Direction) -> Result<(), LaneError> {
        let (rpc, _) = self.lane.end(direction.destination());
        let head = rpc.block_number().await?;
        let start = self.lane.start(direction.destination());
        let held = match direction {
            Direction::Down => self.final_on_l2().await?,
            _ => self.final_on_l1().await?,
        };
        let Some(course) = self.courses.get_mut(&direction) else { return Ok(()) };
        let to = head.min(course.watched + MOST_BLOCKS);
        let newest = (course.watched.saturating_sub(READ_AGAIN).max(start), to);
        let held = held.unwrap_or_default().min(course.confirmed + MOST_BLOCKS);
        let again = (course.confirmed.max(start), held);
        for (first, last) in [newest, again] {
            if first > last {
                continue;
            }
            for vouched in self.lane.vouched(direction, first, last).await? {
                let Vouched { statement, signatures, transaction, block, signers, .. } = vouched;
                if course.met.insert((block, transaction, statement, signers)) {
                    tracing::debug!(?statement, "vouched for");
                    course.suspects.push(Suspect {
                        statement,
                        signatures,
                        by: None,
                        judged: None,
                        reported: None,
                    });
                }
            }
        }
        course.watched = course.watched.max(to + 1);
        course.confirmed = course.confirmed.max(again.1 + 1);
        if course.met.len() > MOST_MET {
            // What is met twice is judged twice.
            course.met.clear();
        }
        self.judge(direction).await
    }

    /// Judges what may be a lie: about L1 by L1, about L2 by final claims, once for each.
    async fn judge(&mut self, direction: Direction) -> Result<(), LaneError> {
        let Some(course) = self.courses.get_mut(&direction) else { return Ok(()) };
        if course.suspects.is_empty() {
            return Ok(());
        }
        let court = match direction {
            Direction::Down => None,
            _ => self.lane.court().await?,
        };
        let sitting = court.as_ref().map(|court| (court.known.claim_id, court.known.in_exodus));
        let (observed, mut left, mut failed) = (course.observed, Vec::new(), None);
        for mut suspect in std::mem::take(&mut course.suspects) {
            let Suspect { statement, signatures, .. } = &suspect;
            if suspect.reported.is_some_and(|at| at.elapsed() < REPORTED_AGAIN) {
                left.push(suspect);
                continue;
            }
            let verdict = match (direction, &court) {
                (Direction::Down, _) => {
                    let is_final = statement.nonce <= observed;
                    self.lane.verdict_of_l1(&self.attester, statement, signatures, is_final).await
                }
                (_, None) => Ok(Verdict::Open),
                (_, Some(_)) if suspect.judged == sitting => Ok(Verdict::Open),
                (_, Some(court)) => {
                    self.lane.verdict_of_l2(&self.attester, statement, signatures, court).await
                }
            };
            match verdict {
                Ok(Verdict::True) => {}
                Ok(Verdict::Open) => {
                    suspect.judged = sitting;
                    left.push(suspect);
                }
                Ok(Verdict::False(slash)) => {
                    tracing::warn!(?statement, by = ?suspect.by, "relayers vouched for what is not so");
                    match report(&self.lane, &self.l1, slash).await {
                        Ok(true) => {}
                        Ok(false) => {
                            suspect.reported = Some(Instant::now());
                            left.push(suspect);
                        }
                        Err(error) => {
                            failed = Some(error);
                            left.push(suspect);
                        }
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    left.push(suspect);
                }
            }
        }
        course.suspects = left;
        failed.map_or(Ok(()), Err)
    }

    /// Remembers a relayer that told us what is not what we signed. One thing of each is enough to report it for.
    async fn contradicted(&mut self, signer: Address, signed: SignedStatement) -> Result<(), LaneError> {
        if let Some(other) = self.board.of(signer, &signed.statement) {
            // It signed ours, too: two accumulators for one place need no other proof.
            let slash = self.lane.prepare_slash_for_two(&self.attester, &signed, &other)?;
            report(&self.lane, &self.l1, slash).await?;
            return Ok(());
        }
        let SignedStatement { statement, signature } = signed;
        let Some(course) = self.courses.get_mut(&statement.direction) else { return Ok(()) };
        if course.suspects.iter().any(|suspect| suspect.by == Some(signer)) {
            return Ok(());
        }
        tracing::warn!(relayer = %signer, ?statement, "says something else than we");
        course.suspects.push(Suspect {
            statement,
            signatures: signature,
            by: Some(signer),
            judged: None,
            reported: None,
        });
        Ok(())
    }

    /// Signs what this relayer is summoned to, if it is final. Sends without waiting: there may be others.
    async fn answer(&mut self) -> Result<(), LaneError> {
        let registry = self.lane.relayers()?.registry;
        let head = self.lane.l1.block_number().await?;
        let from = self.next_summons.saturating_sub(READ_AGAIN).max(self.lane.start(Layer::L1));
        let topics = [Some(IRelayerRegistry::Summoned::SIGNATURE_HASH)];
        let logs = self.lane.l1.logs_by_topics(Some(registry), &topics, from, head).await?;
        let nonces = logs.iter().filter_map(|log| log.topics().get(1));
        self.summoned.extend(nonces.map(|topic| U256::from_be_bytes(topic.0).saturating_to::<u64>()));
        self.next_summons = head + 1;
        let now = self.lane.l1.latest_header().await?.header.timestamp;
        let period = self.lane.relayers()?.terms.answer_period;
        let again_after = ANSWERED_AGAIN.min(Duration::from_secs(period / 4));
        let mut failed = None;
        for nonce in self.summoned.clone() {
            let call = IRelayerRegistry::summonsCall { nonce };
            let summons = self.lane.l1.call(registry, &call).await?;
            let account = self.key.address();
            let settled = IRelayerRegistry::isSettledCall { nonce, account };
            let row = self.lane.l1.call(registry, &IRelayerRegistry::relayerCall { account }).await?;
            // Not whoever joined since, or left before.
            let opened = summons.openedAt;
            let meant = !row.joinedAt.is_zero()
                && row.joinedAt < opened
                && (row.leftAt.is_zero() || row.leftAt > opened)
                && row.amount != 0;
            if !meant || summons.until.to::<u64>() < now || self.lane.l1.call(registry, &settled).await? {
                self.summoned.remove(&nonce);
                self.answered.remove(&nonce);
                continue;
            }
            let observed = self.courses.get(&Direction::Down).map_or(0, |course| course.observed);
            let again = self.answered.get(&nonce).is_none_or(|at| at.elapsed() > again_after);
            // What is not final here is looked at again.
            if nonce > observed || !again {
                continue;
            }
            let (_, endpoint) = self.lane.end(Layer::L1);
            let accumulator = self.lane.l1.call(endpoint, &IEndpoint::accumulatorCall { nonce }).await?;
            let time = summons.openedAt.to::<u64>();
            let signed = match self.sign(Statement { direction: Direction::Down, nonce, accumulator, time }) {
                Ok(signed) => signed,
                Err(error @ LaneError::Equivocation { .. }) => {
                    tracing::error!(%error, "not answered");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let call = IRelayerRegistry::answerCall { nonce, signatures: signed.signature };
            let data: Bytes = call.abi_encode().into();
            let gas = match self.lane.l1.estimate_gas(account, Some(registry), U256::ZERO, &data).await {
                Ok(gas) => gas,
                Err(error) => {
                    failed = Some(error.into());
                    continue;
                }
            };
            tracing::info!(nonce, "answering a summons");
            drop(self.l1.submit(request(registry, data, gas, "answer to a summons")).await?);
            self.answered.insert(nonce, Instant::now());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has the registry tell L2 its set again before L2 stops to believe it.
    async fn refresh(&mut self) -> Result<(), LaneError> {
        let verifier = self.lane.attestation_verifier(Layer::L2)?;
        let told_at = self.lane.l2.call(verifier, &IAttestationVerifier::toldAtCall {}).await?;
        let window = self.lane.relayers()?.terms.l2_window;
        let now = self.lane.time(Layer::L2).await?;
        let due = told_at != 0 && now > u64::from(told_at).saturating_add(window / 2);
        if !due || self.refreshed.is_some_and(|at| at.elapsed() < REFRESHED_AGAIN) {
            return Ok(());
        }
        let registry = self.lane.relayers()?.registry;
        let data: Bytes = IRelayerRegistry::refreshCall {}.abi_encode().into();
        let gas = self.lane.l1.estimate_gas(self.l1.address(), Some(registry), U256::ZERO, &data).await?;
        drop(self.l1.submit(request(registry, data, gas, "refresh")).await?);
        self.refreshed = Some(Instant::now());
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

/// Sends a report. True if there is nothing more to be done: those who lied have nothing left. Whatever else L1 says may
/// change, as when another claim becomes the last meanwhile.
async fn report(lane: &Lane, l1: &TxManager, slash: Prepared) -> Result<bool, LaneError> {
    let Prepared { to, data } = slash;
    match lane.l1.estimate_gas(l1.address(), Some(to), U256::ZERO, &data).await {
        Ok(gas) => {
            tracing::warn!("reporting");
            drop(l1.submit(request(to, data, gas, "report")).await?);
            Ok(false)
        }
        Err(RpcError::Rejected { data: Some(reason), .. })
            if reason.starts_with(&IRelayerRegistry::NothingToSlash::SELECTOR) =>
        {
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

fn request(to: Address, data: Bytes, gas: u64, what: &str) -> TxRequest {
    let gas_limit = Some(gas + gas / 5);
    TxRequest { to, data, value: U256::ZERO, gas_limit, label: what.into(), blobs: Vec::new() }
}

/// Asks another relayer for its signatures until cancelled.
async fn ask(peer: Rpc, attester: Attester, board: Board, poll: Duration, cancel: CancellationToken) {
    let mut signer = Address::ZERO;
    loop {
        let mut pause = poll;
        for direction in Direction::LAYERS {
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
