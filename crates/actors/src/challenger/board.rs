//! What L1 says of challenges and disputes.
//!
//! Nothing of it is kept on disk: the contract has the whole state of every game, and its events all that
//! was opened. So a restart at any move goes on from there, and so does a reorganisation of L1.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, Dispute, DisputeStatus, IDisputes, Move};
use duplex_l1::{Rpc, RpcError};
use tokio::task::JoinSet;

use super::{Opened, Position, Side};
use crate::{ActorError, Rollup};

/// Calls to L1 at the same time.
const AT_ONCE: usize = 16;

/// A dispute, as L1 has it.
#[derive(Debug, Clone)]
pub struct Game {
    /// Its number.
    pub id: u64,
    /// What the contract keeps of it.
    pub dispute: Dispute,
    /// Where it stands.
    pub position: Position,
}

impl Game {
    /// Whose turn it is.
    pub const fn turn(&self) -> Side {
        match self.dispute.next {
            Move::DefenderDescends | Move::DefenderCommits => Side::Defender,
            _ => Side::Challenger,
        }
    }
}

/// Challenges and disputes that are not over.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// Challenges that are open, or against which a dispute is.
    pub challenges: BTreeMap<u64, Challenge>,
    /// Disputes whose bonds are not settled.
    pub games: Vec<Game>,
    /// Who has lost a defence against a challenge, or a challenge of a claim.
    pub lost: Lost,
    /// L1 has taken back blocks since the last look.
    pub l1_went_back: bool,
}

/// What was lost. Trying the same again would lose again.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    /// Challenge and defender.
    pub defences: BTreeSet<(u64, Address)>,
    /// Claim, challenger, and what they said that the history is: another one is another challenge, of a claim which L1 has put on
    /// another parent since.
    pub challenges: BTreeSet<(u64, Address, B256)>,
}

/// What has been said in a dispute.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What the newest opening showed.
    pub opened: Option<Opened>,
    /// The leaf of stage 0: the challenger's, the defender's, and what both agree on before.
    pub block: Option<(B256, B256, B256)>,
}

/// Reads the state of all games.
#[derive(Debug, Default)]
pub struct Board {
    /// What is over stays over, unless L1 goes back.
    over: (BTreeSet<u64>, BTreeSet<u64>),
    lost: Lost,
    /// The newest L1 block when that was read.
    head: Option<(u64, B256)>,
}

impl Board {
    /// The games that are not over.
    ///
    /// # Errors
    /// If L1 cannot be read.
    pub async fn read(&mut self, rollup: &Rollup) -> Result<Open, ActorError> {
        let l1_went_back = self.forget_what_l1_forgot(rollup)?;
        let contract = rollup.deployment.contracts.disputes;
        let challenges = rollup.l1.call(contract, &IDisputes::challengeCountCall {}).await?;
        let disputes = rollup.l1.call(contract, &IDisputes::disputeCountCall {}).await?;
        let mut open = Open { l1_went_back, ..Default::default() };
        let ids = (1..=disputes).filter(|id| !self.over.1.contains(id)).collect();
        for (id, dispute) in read_each(rollup, ids, |id| IDisputes::disputeOfCall { id }).await? {
            if dispute.status != DisputeStatus::Open {
                self.over.1.insert(id);
                if dispute.status == DisputeStatus::DefenceLost {
                    self.lost.defences.insert((dispute.challengeId, dispute.defender));
                }
                continue;
            }
            let Some(position) = Position::new(dispute.position) else {
                tracing::error!(dispute = id, position = dispute.position, "no game comes to this position");
                continue;
            };
            open.games.push(Game { id, dispute, position });
        }
        let needed: BTreeSet<u64> = open.games.iter().map(|game| game.dispute.challengeId).collect();
        let ids = (1..=challenges).filter(|id| !self.over.0.contains(id) || needed.contains(id)).collect();
        for (id, challenge) in read_each(rollup, ids, |id| IDisputes::challengeOfCall { id }).await? {
            if challenge.status != ChallengeStatus::Open {
                self.over.0.insert(id);
            }
            if challenge.status == ChallengeStatus::Lost {
                self.lost.challenges.insert((challenge.claimId, challenge.challenger, challenge.outputsRoot));
            }
            if challenge.status == ChallengeStatus::Open || needed.contains(&id) {
                open.challenges.insert(id, challenge);
            }
        }
        open.lost = self.lost.clone();
        Ok(open)
    }

    fn forget_what_l1_forgot(&mut self, rollup: &Rollup) -> Result<bool, ActorError> {
        let gone = match self.head {
            Some((number, hash)) => rollup.index.block_hash(number)?.is_none_or(|now| now != hash),
            None => false,
        };
        if gone {
            (self.over, self.lost) = Default::default();
        }
        self.head = rollup.index.head()?;
        Ok(gone)
    }
}

async fn read_each<C>(
    rollup: &Rollup,
    ids: Vec<u64>,
    call: impl Fn(u64) -> C,
) -> Result<Vec<(u64, C::Return)>, ActorError>
where
    C: alloy_sol_types::SolCall + Send + Sync + 'static,
    C::Return: Send + 'static,
{
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let mut tasks = JoinSet::new();
        for id in some.iter().copied() {
            let (l1, call, contract) = (rollup.l1.clone(), call(id), rollup.deployment.contracts.disputes);
            tasks.spawn(async move { (id, l1.call(contract, &call).await) });
        }
        while let Some(done) = tasks.join_next().await {
            let (id, value) = done.map_err(|_| ActorError::Behind("reading disputes was cut off"))?;
            found.push((id, value?));
        }
    }
    found.sort_by_key(|(id, _)| *id);
    Ok(found)
}

/// What has been said in a dispute since L1 block `from`.
///
/// # Errors
/// If L1 cannot be read.
pub async fn story(rollup: &Rollup, id: u64, from: u64) -> Result<Story, ActorError> {
    Ok(story_since(&rollup.l1, rollup.deployment.contracts.disputes, id, from).await?)
}

/// What has been said in a dispute of the contract at `disputes` since L1 block `from`.
///
/// # Errors
/// If L1 cannot be read.
pub async fn story_since(l1: &Rpc, disputes: Address, id: u64, from: u64) -> Result<Story, RpcError> {
    let topics = [None, Some(B256::from(U256::from(id)))];
    let newest = l1.block_number().await?;
    let logs = l1.logs_by_topics(Some(disputes), &topics, from, newest).await?;
    let mut story = Story::default();
    for log in &logs {
        let log = &log.inner;
        if let Ok(event) = IDisputes::DisputeOpened::decode_log(log) {
            story = Story { opened: Some(event.opened), block: None };
        } else if let Ok(event) = IDisputes::Descended::decode_log(log) {
            story.opened = Some(event.opened);
        } else if let Ok(event) = IDisputes::DefenderCommitted::decode_log(log) {
            story.opened = Some(event.opened);
        } else if let Ok(event) = IDisputes::LeafReached::decode_log(log)
            && story.block.is_none()
        {
            story.block = Some((event.challengerLeaf, event.defenderLeaf, event.agreed));
        }
    }
    Ok(story)
}
