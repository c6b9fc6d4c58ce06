//! Disputes false claims, and defends true ones.
//!
//! Whatever is decided here follows from the chain that was derived and from what L1 says now. L1 keeps the state
//! of every game and the transaction manager what was sent, so a restart at any move loses nothing.

mod board;
mod claims;
mod dispute;
mod liar;
mod moves;
mod opinion;
mod position;
mod refused;
mod refute;
mod replay;
mod witness;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes, ISettlement};
use duplex_l1::{ClaimEntry, ClaimStatus, TxManagerError, TxReceipt, TxRequest};
use duplex_primitives::tree::Tree;
use duplex_vm::Program;
use serde::Serialize;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use crate::facts::inputs;
pub use board::{Board, Game, Lost, Open, Story, story, story_since};
pub use liar::{Liar, Lie};
pub use moves::{Opened, Side};
pub use opinion::{Honest, Opinion};
pub use position::{Position, width};
pub use replay::{Inputs, Replays, Step};
pub use witness::{Absent, Witness, WitnessError};

use self::refused::Refused;
use crate::{ActorError, Operator, Rollup};

/// The program that disputes execute (`guest/`), as `cargo xtask guest` builds it.
pub fn program() -> Arc<Program> {
    static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| {
        let elf = include_bytes!("../../../../guest/duplex-program.elf");
        match Program::from_elf(elf) {
            Ok(program) => Arc::new(program),
            // A test reads it.
            Err(error) => unreachable!("the fault-proof program that is part of this one: {error}"),
        }
    });
    PROGRAM.clone()
}

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause between looks at what was won.
const COLLECT_EVERY: Duration = Duration::from_secs(30);

/// What the challenger is doing, for people and for alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Claims on L1 that are false and not yet rejected.
    pub false_claims: BTreeSet<u64>,
    /// In `hybrid`: claims that are false before their last output only. There is nothing to do about them.
    pub dented_claims: BTreeSet<u64>,
    /// Challenges that are open.
    pub challenges: u64,
    /// Disputes that are open.
    pub disputes: u64,
    /// Of these, those with a bond of this node.
    pub own: u64,
    /// Challenges and defences that this node has lost. There should be none: a person must look.
    pub lost: u64,
    /// Why the last look failed, or what L1 has refused to take for a minute; `None` if all is well.
    pub failing: Option<String>,
}

/// Disputes false claims and defends true ones.
#[derive(Debug)]
pub struct Challenger {
    rollup: Rollup,
    operator: Operator,
    opinion: Arc<dyn Opinion>,
    board: Board,
    replays: Replays,
    /// Own histories of claims, by number and hash.
    histories: BTreeMap<(u64, B256), Arc<Tree>>,
    /// What shows that a proof contradicts a false claim, by that and the proven claim; none if nothing ever will.
    refutations: BTreeMap<(u64, u64), Option<ISettlement::refuteCall>>,
    /// What was sent and is not mined, by what it is for.
    sent: BTreeMap<String, oneshot::Receiver<Result<TxReceipt, TxManagerError>>>,
    refused: Refused,
    collected: Instant,
    watch: watch::Sender<Watch>,
}

impl Challenger {
    /// A challenger with the program that disputes execute.
    pub fn new(rollup: Rollup, operator: Operator, program: Arc<Program>) -> Self {
        Self::with_opinion(rollup, operator, program, Arc::new(Honest))
    }

    /// One that says something else than what is so: for demonstrations and tests.
    pub fn with_opinion(
        rollup: Rollup,
        operator: Operator,
        program: Arc<Program>,
        opinion: Arc<dyn Opinion>,
    ) -> Self {
        Self {
            replays: Replays::new(rollup.clone(), program),
            rollup,
            operator,
            opinion,
            board: Board::default(),
            histories: BTreeMap::new(),
            refutations: BTreeMap::new(),
            sent: BTreeMap::new(),
            refused: Refused::default(),
            collected: Instant::now(),
            watch: watch::channel(Watch::default()).0,
        }
    }

    /// What it is doing.
    pub fn watch(&self) -> watch::Receiver<Watch> {
        self.watch.subscribe()
    }

    /// Works until cancelled.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.look() => done,
            };
            let pause = match done {
                Ok(()) => {
                    let failing = self.refused.lasting(Instant::now());
                    self.watch.send_if_modified(|watch| {
                        std::mem::replace(&mut watch.failing, failing.clone()) != failing
                    });
                    PAUSE
                }
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, "challenger waits");
                    let text = error.to_string();
                    self.watch.send_modify(|watch| watch.failing = Some(text));
                    Duration::from_secs(2)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look at L1, and all that follows from it.
    async fn look(&mut self) -> Result<(), ActorError> {
        self.forget_what_was_mined();
        self.refused.next_look();
        // Only what was derived from L1 is known to be true; on anything else nothing is staked.
        let claims: BTreeMap<u64, ClaimEntry> =
            self.rollup.index.claims()?.into_iter().map(|claim| (claim.id, claim)).collect();
        let Some(derivation) = self.rollup.derived()? else { return Ok(()) };
        let Some(l1_head) = derivation.l1_head else { return Ok(()) };
        let now = l1_head.header.timestamp;
        let open = self.board.read(&self.rollup).await?;
        if open.l1_went_back {
            self.histories.clear();
            self.refutations.clear();
        }
        let pending = |id: &u64| claims.get(id).is_some_and(|claim| claim.status == ClaimStatus::Pending);
        self.histories.retain(|(id, ..), _| pending(id));
        self.refutations.retain(|(id, _), _| pending(id));

        let (false_claims, dented_claims) = self.judge(&claims, derivation.batch, &open, now).await?;
        self.fell_with_parent(&claims).await?;
        let me = self.operator.txs.address();
        let mut own: Vec<(Game, Challenge, Side)> = Vec::new();
        for game in &open.games {
            let Some(challenge) = open.challenges.get(&game.dispute.challengeId) else { continue };
            if challenge.challenger == me {
                own.push((game.clone(), challenge.clone(), Side::Challenger));
            } else if game.dispute.defender == me {
                own.push((game.clone(), challenge.clone(), Side::Defender));
            }
        }
        let challenges = open.lost.challenges.iter().map(|(_, who, _)| who);
        let lost = open.lost.defences.iter().map(|(_, who)| who).chain(challenges);
        let lost = lost.filter(|who| **who == me).count() as u64;
        if lost > self.watch.borrow().lost {
            tracing::error!(lost, node = %me, "a challenge or a defence of this node was lost: a person must look");
        }
        let state = Watch {
            lost,
            false_claims,
            dented_claims,
            challenges: open.challenges.values().filter(|c| c.status == ChallengeStatus::Open).count() as u64,
            disputes: open.games.len() as u64,
            own: own.len() as u64,
            failing: self.refused.lasting(Instant::now()),
        };
        self.watch.send_if_modified(|watch| {
            let changed = *watch != state;
            if changed {
                *watch = state;
            }
            changed
        });
        // Those whose time runs out first come first.
        own.sort_by_key(|(game, ..)| self.deadline(game));
        let mut failing = None;
        for (game, challenge, side) in own {
            let Some(claim) = claims.get(&challenge.claimId) else { continue };
            // One dispute that cannot go on must not stop the others.
            match self.play(&game, &challenge, claim, side, now).await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!(dispute = game.id, %error, "a dispute waits");
                    failing = Some(error);
                }
                done => done?,
            }
        }
        for (id, challenge) in &open.challenges {
            self.resolve(*id, challenge, claims.get(&challenge.claimId), now).await?;
        }
        self.collect().await?;
        failing.map_or(Ok(()), Err)
    }

    /// Fetches what was won, now and then.
    async fn collect(&mut self) -> Result<(), ActorError> {
        if self.collected.elapsed() < COLLECT_EVERY {
            return Ok(());
        }
        self.collected = Instant::now();
        let (me, contract) = (self.operator.txs.address(), self.rollup.deployment.contracts.disputes);
        let credit = self.rollup.l1.call(contract, &IDisputes::creditCall { account: me }).await?;
        if credit < self.rollup.deployment.parameters.dispute_bond {
            return Ok(());
        }
        let call = IDisputes::withdrawCreditCall { to: me };
        self.send("take back bonds of disputes".into(), &call, U256::ZERO).await
    }

    async fn send<C: SolCall>(&mut self, label: String, call: &C, value: U256) -> Result<(), ActorError> {
        self.send_data(label, call.abi_encode().into(), value).await
    }

    async fn send_data(&mut self, label: String, data: Bytes, value: U256) -> Result<(), ActorError> {
        self.send_to(self.rollup.deployment.contracts.disputes, label, data, value).await
    }

    /// Sends what is not under way already. What L1 would refuse is left: somebody was faster, or L1 is about to
    /// say something else; the next look decides again.
    async fn send_to(
        &mut self,
        to: Address,
        label: String,
        data: Bytes,
        value: U256,
    ) -> Result<(), ActorError> {
        if self.sent.contains_key(&label) {
            return Ok(());
        }
        let request = TxRequest { to, data, value, gas_limit: None, blobs: Vec::new(), label: label.clone() };
        match self.operator.txs.submit(request).await {
            Ok(receiver) => {
                tracing::info!(%label, "sent");
                self.sent.insert(label, receiver);
                Ok(())
            }
            Err(TxManagerError::Rpc(error)) if !error.is_temporary() => {
                if self.refused.note(&label, error.to_string(), Instant::now()) {
                    tracing::warn!(%label, %error, "L1 would refuse this now");
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn forget_what_was_mined(&mut self) {
        self.sent.retain(|label, receiver| match receiver.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => true,
            Ok(Err(error)) => {
                tracing::warn!(%label, %error, "failed, will be tried again");
                false
            }
            _ => false,
        });
    }
}
