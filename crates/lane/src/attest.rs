//! What relayers sign, and what is collected of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::Eip712Domain;
use duplex_contracts::{
    attestation_digest, attestation_domain,
    bindings::{Attestation, AttestedProof},
};
use duplex_l1::RelayerContracts;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{Direction, Lane, LaneError, Sent, message::extend};

/// Most attestations in one answer to another relayer.
const MOST_AT_ONCE: usize = 512;
/// Blocks with messages whose attestations are kept: what waits longer is proved. No more than in one answer, so that a
/// relayer that is asked from its first gap on gives its newest, too.
const KEPT_BLOCKS: usize = MOST_AT_ONCE;
/// Messages before these whose ids are kept.
const KEPT_MESSAGES: u64 = 1 << 16;

/// That after a block of the lane's one end, its accumulator was this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Which way the messages go.
    pub direction: Direction,
    /// How many there were.
    pub nonce: u64,
    /// The accumulator.
    pub accumulator: B256,
    /// Timestamp of the block.
    pub time: u64,
}

/// A statement and a relayer's signature of it, as relayers exchange them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedStatement {
    /// What is said.
    #[serde(flatten)]
    pub statement: Statement,
    /// 64 bytes (EIP-2098).
    pub signature: Bytes,
}

/// Signs and checks the attestations of a lane.
#[derive(Debug, Clone)]
pub struct Attester {
    domain: Eip712Domain,
    chains: [(u64, Address); 2],
}

impl Attester {
    /// For a lane that has relayers.
    ///
    /// # Errors
    /// If it has none.
    pub fn new(lane: &Lane) -> Result<Self, LaneError> {
        let RelayerContracts { registry, .. } = lane.relayers()?;
        let d = &lane.deployment;
        let end = |direction: Direction| lane.end(direction.source()).1;
        Ok(Self {
            domain: attestation_domain(d.l1_chain_id, registry),
            chains: [(d.l1_chain_id, end(Direction::Down)), (d.l2_chain_id, end(Direction::Up))],
        })
    }

    /// A statement as it is signed.
    pub fn attestation(&self, s: &Statement) -> Attestation {
        let (chain_id, endpoint) = self.chains[usize::from(s.direction != Direction::Down)];
        Attestation { chainId: chain_id, endpoint, nonce: s.nonce, accumulator: s.accumulator, time: s.time }
    }

    /// Signs a statement. Whether it is true is for the caller to know: a false one costs the stake.
    ///
    /// # Errors
    /// If the signer fails.
    pub fn sign(&self, key: &PrivateKeySigner, s: &Statement) -> Result<SignedStatement, LaneError> {
        let digest = attestation_digest(&self.attestation(s), &self.domain);
        let signature = key.sign_hash_sync(&digest).map_err(|error| LaneError::Key(error.to_string()))?;
        let signature = signature.normalized_s();
        Ok(SignedStatement { statement: *s, signature: signature.as_erc2098().into() })
    }

    /// Who signed a statement, if anybody did.
    pub fn signer(&self, signed: &SignedStatement) -> Option<Address> {
        self.signer_of(&self.attestation(&signed.statement), &signed.signature)
    }

    /// Who signed an attestation, if anybody did.
    pub(crate) fn signer_of(&self, attestation: &Attestation, signature: &[u8]) -> Option<Address> {
        if signature.len() != 64 {
            return None;
        }
        let digest = attestation_digest(attestation, &self.domain);
        Signature::from_erc2098(signature).recover_address_from_prehash(&digest).ok()
    }
}

/// The relayers who vouch at the moment, as one end of the lane knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerSet {
    /// Its number.
    pub id: u64,
    /// Who they are.
    pub members: Vec<Address>,
    /// How many must sign; zero if nobody may vouch.
    pub threshold: usize,
}

/// What a relayer has signed itself, and what the others sent it that says the same. It holds nothing else, so no other
/// relayer can fill it.
#[derive(Debug, Clone, Default)]
pub struct Board {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    own: BTreeMap<(Direction, u64), SignedStatement>,
    signatures: BTreeMap<Statement, BTreeMap<Address, Bytes>>,
    ids: BTreeMap<(Direction, u64), B256>,
    /// What came from others about places where we have signed nothing yet, and what is not what we signed: the newest of
    /// each.
    early: BTreeMap<(Address, Direction), SignedStatement>,
    /// Whose word counts.
    members: BTreeSet<Address>,
}

impl Board {
    /// Takes note of a message's id.
    pub fn saw(&self, sent: &Sent) {
        self.inner.lock().ids.insert((sent.direction, sent.message.nonce), sent.id);
    }

    /// Says whose word counts: nothing else is kept.
    pub fn set_members(&self, members: BTreeSet<Address>) {
        let mut inner = self.inner.lock();
        inner.early.retain(|(signer, _), _| members.contains(signer));
        inner.members = members;
    }

    /// Adds what we signed ourselves.
    pub fn add_own(&self, signer: Address, signed: SignedStatement) {
        let mut inner = self.inner.lock();
        let s = signed.statement;
        inner.signatures.entry(s).or_default().insert(signer, signed.signature.clone());
        inner.own.insert((s.direction, s.nonce), signed);
        let range = (s.direction, 0)..=(s.direction, u64::MAX);
        while inner.own.range(range.clone()).count() > KEPT_BLOCKS {
            let Some(oldest) = inner.own.range(range.clone()).next().map(|(key, _)| *key) else { break };
            if let Some(gone) = inner.own.remove(&oldest) {
                inner.signatures.remove(&gone.statement);
            }
            let first = oldest.1.saturating_sub(KEPT_MESSAGES);
            inner.ids.retain(|(way, at), _| *way != s.direction || *at >= first);
        }
    }

    /// What we signed about a place.
    pub fn own(&self, direction: Direction, nonce: u64) -> Option<SignedStatement> {
        self.inner.lock().own.get(&(direction, nonce)).cloned()
    }

    /// Adds what another relayer signed, if we signed the same. Gives true if it says something else about a place where we
    /// have signed: one of us lies.
    pub fn add(&self, signer: Address, signed: SignedStatement) -> bool {
        let mut inner = self.inner.lock();
        let s = signed.statement;
        if !inner.members.contains(&signer) {
            return false;
        }
        if let Some(known) = inner.signatures.get_mut(&s) {
            known.insert(signer, signed.signature);
            return false;
        }
        match inner.own.get(&(s.direction, s.nonce)) {
            Some(own) => own.statement.accumulator != s.accumulator,
            None => {
                inner.early.insert((signer, s.direction), signed);
                false
            }
        }
    }

    /// Keeps what another relayer said that is not what we signed, to be looked at again.
    pub fn suspect(&self, signer: Address, signed: SignedStatement) {
        let mut inner = self.inner.lock();
        if inner.members.contains(&signer) {
            inner.early.insert((signer, signed.statement.direction), signed);
        }
    }

    /// What another relayer signed that is as we signed it, about the place of a statement.
    pub fn of(&self, signer: Address, statement: &Statement) -> Option<SignedStatement> {
        let inner = self.inner.lock();
        let own = inner.own.get(&(statement.direction, statement.nonce))?.statement;
        let signature = inner.signatures.get(&own)?.get(&signer)?.clone();
        Some(SignedStatement { statement: own, signature })
    }

    /// The id of a message.
    pub fn id(&self, direction: Direction, nonce: u64) -> Option<B256> {
        self.inner.lock().ids.get(&(direction, nonce)).copied()
    }

    /// What others said of places before we signed them: the newest of each.
    pub fn take_early(&self) -> Vec<(Address, SignedStatement)> {
        let early = std::mem::take(&mut self.inner.lock().early);
        early.into_iter().map(|((signer, _), signed)| (signer, signed)).collect()
    }

    /// What we signed about messages from `from` on.
    pub fn since(&self, direction: Direction, from: u64) -> Vec<SignedStatement> {
        let inner = self.inner.lock();
        let range = (direction, from)..=(direction, u64::MAX);
        inner.own.range(range).take(MOST_AT_ONCE).map(|(_, signed)| signed.clone()).collect()
    }

    /// The first place where we have signed and have nothing from another relayer, who is asked from there.
    pub fn wanted(&self, direction: Direction, from: Address) -> u64 {
        let inner = self.inner.lock();
        let lacks = |s: &Statement| inner.signatures.get(s).is_none_or(|known| !known.contains_key(&from));
        let mut own = inner.own.range((direction, 0)..=(direction, u64::MAX));
        own.find(|(_, signed)| lacks(&signed.statement)).map_or(u64::MAX, |((_, nonce), _)| *nonce)
    }

    /// Forgets what is about messages before `nonce`.
    pub fn forget_before(&self, direction: Direction, nonce: u64) {
        let mut inner = self.inner.lock();
        inner.own.retain(|(way, at), _| *way != direction || *at >= nonce);
        inner.signatures.retain(|s, _| s.direction != direction || s.nonce >= nonce);
        inner.ids.retain(|(way, at), _| *way != direction || *at >= nonce);
    }

    /// The attested proof of a message, if enough of a set have signed what has it.
    pub fn proof(&self, sent: &Sent, previous: B256, set: &RelayerSet) -> Option<AttestedProof> {
        let inner = self.inner.lock();
        let (direction, nonce) = (sent.direction, sent.message.nonce);
        if set.threshold == 0 {
            return None;
        }
        let places = inner.own.range((direction, nonce)..=(direction, u64::MAX));
        for ((_, last), own) in places {
            let s = &own.statement;
            let Some(known) = inner.signatures.get(s) else { continue };
            let signed: Vec<(usize, &Bytes)> = set
                .members
                .iter()
                .enumerate()
                .filter_map(|(i, member)| Some((i, known.get(member)?)))
                .take(set.threshold)
                .collect();
            if signed.len() < set.threshold {
                continue;
            }
            let later: Option<Vec<B256>> =
                (nonce + 1..=*last).map(|at| inner.ids.get(&(direction, at)).copied()).collect();
            let later = later?;
            let mut accumulator = extend(previous, sent.id);
            for id in &later {
                accumulator = extend(accumulator, *id);
            }
            if accumulator != s.accumulator {
                continue;
            }
            let bit = |i: usize| U256::ONE << i;
            return Some(AttestedProof {
                setId: set.id,
                nonce: s.nonce,
                time: s.time,
                previous,
                later,
                members: set.members.clone(),
                signers: signed.iter().fold(U256::ZERO, |bits, (i, _)| bits | bit(*i)),
                signatures: signed.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<u8>>().into(),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    fn attester() -> Attester {
        let registry = address!("00000000000000000000000000000000000000aa");
        Attester {
            domain: attestation_domain(31_337, registry),
            chains: [(31_337, Address::repeat_byte(1)), (42_424, Address::repeat_byte(2))],
        }
    }

    /// A chain of three messages in one block, and what is true of it.
    fn chain() -> (Vec<Sent>, Vec<B256>, Statement) {
        let messages: Vec<Sent> = (1..=3).map(Sent::sample).collect();
        let mut accumulators = vec![B256::ZERO];
        for sent in &messages {
            accumulators.push(extend(*accumulators.last().unwrap(), sent.id));
        }
        let accumulator = accumulators[3];
        (messages, accumulators, Statement { direction: Direction::Down, nonce: 3, accumulator, time: 7 })
    }

    #[test]
    fn signatures_are_of_their_signer_and_statement_only() {
        let (attester, key) = (attester(), PrivateKeySigner::random());
        let (.., statement) = chain();
        let signed = attester.sign(&key, &statement).unwrap();
        assert_eq!(attester.signer(&signed), Some(key.address()));
        for other in [
            Statement { direction: Direction::Up, ..statement },
            Statement { nonce: 4, ..statement },
            Statement { accumulator: B256::ZERO, ..statement },
            Statement { time: 8, ..statement },
        ] {
            let forged = SignedStatement { statement: other, ..signed.clone() };
            assert_ne!(attester.signer(&forged), Some(key.address()));
        }
        for bytes in [&signed.signature[..63], &[]] {
            let cut = SignedStatement { signature: bytes.to_vec().into(), ..signed.clone() };
            assert_eq!(attester.signer(&cut), None);
        }
    }

    #[test]
    fn a_proof_needs_as_many_of_the_set_as_must_sign() {
        let attester = attester();
        let keys: Vec<_> = (0..5).map(|_| PrivateKeySigner::random()).collect();
        let set =
            RelayerSet { id: 9, members: keys.iter().map(PrivateKeySigner::address).collect(), threshold: 4 };
        let (messages, accumulators, statement) = chain();
        let board = Board::default();
        messages.iter().for_each(|sent| board.saw(sent));
        board.set_members(set.members.iter().copied().collect());
        let sign = |key: &PrivateKeySigner, statement: &Statement| attester.sign(key, statement).unwrap();
        board.add_own(keys[1].address(), sign(&keys[1], &statement));
        let stranger = PrivateKeySigner::random();
        assert!(!board.add(stranger.address(), sign(&stranger, &statement)));
        for i in [4, 0] {
            assert!(!board.add(keys[i].address(), sign(&keys[i], &statement)));
        }
        assert_eq!(board.proof(&messages[1], accumulators[1], &set), None);
        // One that says something else does not count, and is noticed.
        let lie = Statement { accumulator: B256::repeat_byte(1), ..statement };
        assert!(board.add(keys[2].address(), sign(&keys[2], &lie)));
        assert_eq!(board.proof(&messages[1], accumulators[1], &set), None);
        assert!(!board.add(keys[3].address(), sign(&keys[3], &statement)));
        let proof = board.proof(&messages[1], accumulators[1], &set).unwrap();
        assert_eq!(proof.later, [messages[2].id]);
        assert_eq!(proof.signers, U256::from(0b11011));
        assert_eq!(proof.signatures.len(), 4 * 64);
        assert_eq!(proof.nonce, 3);
        // Not of a message that was not sent, nor of one whose successor is not known.
        assert_eq!(board.proof(&Sent::sample(2), accumulators[0], &set), None);
        assert_eq!(board.proof(&Sent::sample(4), accumulators[3], &set), None);
        let none = RelayerSet { threshold: 0, ..set.clone() };
        assert_eq!(board.proof(&messages[1], accumulators[1], &none), None);
        assert_eq!(board.wanted(Direction::Down, keys[2].address()), 3);
        assert_eq!(board.wanted(Direction::Down, keys[0].address()), u64::MAX);
        assert_eq!(board.wanted(Direction::Up, keys[2].address()), u64::MAX);
        board.forget_before(Direction::Down, 4);
        assert_eq!(board.since(Direction::Down, 0), []);
        assert_eq!(board.proof(&messages[1], accumulators[1], &set), None);
    }

    #[test]
    fn a_board_keeps_the_newest_only() {
        let (attester, key) = (attester(), PrivateKeySigner::random());
        let board = Board::default();
        for nonce in 1..=KEPT_BLOCKS as u64 + 5 {
            let (.., statement) = chain();
            let signed = attester.sign(&key, &Statement { nonce, ..statement }).unwrap();
            board.add_own(key.address(), signed);
        }
        let kept = board.since(Direction::Down, 0);
        assert_eq!(kept.len(), KEPT_BLOCKS);
        assert_eq!(kept[0].statement.nonce, 6);
        assert_eq!(board.inner.lock().signatures.len(), KEPT_BLOCKS);
    }

    #[test]
    fn others_cannot_fill_the_board() {
        let (attester, key) = (attester(), PrivateKeySigner::random());
        let board = Board::default();
        board.set_members([key.address()].into());
        for nonce in 0..200 {
            let (.., statement) = chain();
            let ahead = Statement { nonce, ..statement };
            assert!(!board.add(key.address(), attester.sign(&key, &ahead).unwrap()));
            let stranger = PrivateKeySigner::random();
            let signed = attester.sign(&stranger, &ahead).unwrap();
            assert!(!board.add(stranger.address(), signed.clone()));
            board.suspect(stranger.address(), signed);
        }
        assert_eq!(board.take_early().len(), 1);
        assert!(board.inner.lock().signatures.is_empty());
    }
}
