//! What a relay knows of one direction, and which of its messages are next.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use duplex_l1::{TxManagerError, TxReceipt};
use tokio::sync::oneshot::Receiver;

use crate::{RelayerSet, Sent};

/// How long a message is left alone that does not pay, or cannot be delivered: at first, then twice as long each time.
const LEFT_ALONE: Duration = Duration::from_secs(2);
const LEFT_ALONE_MOST: Duration = Duration::from_secs(3600);
/// An idle L2 builds no blocks and learns nothing of L1; then the relay has it build one: after so long, then after twice
/// as long each time, since one that does not help will not help more often.
const NUDGE_AFTER: Duration = Duration::from_secs(2);
const NUDGE_MOST: Duration = Duration::from_secs(60);

type Outcome = Result<TxReceipt, TxManagerError>;

/// What is known of one direction.
#[derive(Debug, Default)]
pub(crate) struct Way {
    /// The next block to read.
    pub(crate) next: u64,
    /// Messages to deliver, by nonce.
    pub(crate) waiting: BTreeMap<u64, Sent>,
    /// Deliveries under way.
    pub(crate) in_flight: BTreeMap<u64, Receiver<Outcome>>,
    /// When a message is looked at again, and how long it was left alone.
    later: BTreeMap<u64, (Instant, Duration)>,
    /// At which of the destination's blocks a message was first found to be delivered.
    pub(crate) delivered: BTreeMap<u64, u64>,
    /// Messages that need nothing more and may be read once more; the blocks that have them.
    finished: BTreeMap<B256, u64>,
    /// When a message was first met, and when there first were enough signatures.
    pub(crate) met: BTreeMap<u64, (Instant, Option<Instant>)>,
    /// The relayers who vouch at the destination.
    pub(crate) set: RelayerSet,
    /// When the destination is told to go on.
    pub(crate) nudges: Nudges,
}

impl Way {
    /// Nothing is known; reading begins here.
    pub(crate) fn from_block(next: u64) -> Self {
        Self { next, ..Self::default() }
    }

    /// Takes note of a message that was read.
    pub(crate) fn meet(&mut self, sent: Sent) {
        if !self.finished.contains_key(&sent.id) {
            self.waiting.insert(sent.message.nonce, sent);
        }
    }

    /// All up to this block has been read; of it, so many blocks will be read again.
    pub(crate) fn read_to(&mut self, head: u64, again: u64) {
        self.next = head + 1;
        // Twice as many, should the head go back.
        let from = self.next.saturating_sub(2 * again);
        self.finished.retain(|_, block| *block >= from);
    }

    /// What may be delivered now, while no more than so many are under way.
    pub(crate) fn round(&self, now: Instant, most: usize) -> Round {
        let mut due: Vec<(Instant, &Sent)> = self
            .waiting
            .values()
            .filter(|sent| !self.in_flight.contains_key(&sent.message.nonce))
            .map(|sent| (self.later.get(&sent.message.nonce).map_or(now, |(until, _)| *until), sent))
            .filter(|(until, _)| *until <= now)
            .collect();
        // New ones first: what could not be delivered before must not keep them waiting.
        due.sort_by_key(|(until, sent)| (std::cmp::Reverse(*until), sent.message.nonce));
        let due = due.into_iter().map(|(_, sent)| sent.clone()).collect();
        Round { due, room: most.saturating_sub(self.in_flight.len()), unknown: None }
    }

    /// Leaves a message alone for twice as long as the last time.
    pub(crate) fn put_off(&mut self, nonce: u64, now: Instant) {
        let pause = self.later.get(&nonce).map_or(LEFT_ALONE, |(_, pause)| (*pause * 2).min(LEFT_ALONE_MOST));
        self.later.insert(nonce, (now + pause, pause));
    }

    /// Leaves a message alone until then, which is no failure of its own.
    pub(crate) fn wait(&mut self, nonce: u64, until: Instant) {
        self.later.insert(nonce, (until, LEFT_ALONE / 2));
    }

    /// A message needs nothing more.
    pub(crate) fn finish(&mut self, sent: &Sent) {
        let nonce = sent.message.nonce;
        self.met.remove(&nonce);
        self.waiting.remove(&nonce);
        self.later.remove(&nonce);
        self.delivered.remove(&nonce);
        self.finished.insert(sent.id, sent.block);
    }
}

/// One look at the messages that are due.
#[derive(Debug)]
pub(crate) struct Round {
    due: VecDeque<Sent>,
    room: usize,
    unknown: Option<Sent>,
}

impl Round {
    /// The next to try.
    pub(crate) fn next(&mut self) -> Option<Sent> {
        while let Some(sent) = self.due.pop_front() {
            // What was sent later cannot be proved either; it takes no place of what was sent before.
            if self.unknown.as_ref().is_some_and(|first| first.message.nonce <= sent.message.nonce) {
                continue;
            }
            self.room = self.room.checked_sub(1)?;
            return Some(sent);
        }
        None
    }

    /// The destination does not know of this one yet.
    pub(crate) fn unknown(&mut self, sent: Sent) {
        self.unknown = Some(sent);
    }

    /// The first that the destination does not know of.
    pub(crate) fn first_unknown(self) -> Option<Sent> {
        self.unknown
    }
}

/// When an idle destination is told to go on.
#[derive(Debug, Default)]
pub(crate) struct Nudges {
    /// Since when it does not know of the next message.
    since: Option<Instant>,
    /// How many were sent for it.
    count: u32,
}

impl Nudges {
    /// Whether one is due, as there is something that the destination does not know of.
    pub(crate) fn are_due(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        now.duration_since(since) >= NUDGE_AFTER.saturating_mul(1 << self.count.min(16)).min(NUDGE_MOST)
    }

    /// One was sent.
    pub(crate) fn sent(&mut self) {
        (self.since, self.count) = (None, self.count + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(nonce: u64) -> Sent {
        Sent { block: 10 * nonce, ..Sent::sample(nonce) }
    }

    fn way(nonces: impl IntoIterator<Item = u64>) -> Way {
        let mut way = Way::default();
        nonces.into_iter().for_each(|nonce| way.meet(sent(nonce)));
        way
    }

    fn all(mut round: Round) -> Vec<u64> {
        std::iter::from_fn(|| round.next()).map(|sent| sent.message.nonce).collect()
    }

    #[test]
    fn new_ones_come_first_and_those_that_failed_come_again() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut way = way(1..=4);
        way.put_off(1, now);
        way.put_off(2, now + second);
        assert_eq!(all(way.round(now, 9)), [3, 4]);
        let half = second / 2;
        assert_eq!(all(way.round(now + 2 * second + half, 9)), [3, 4, 1]);
        let later = now + 3 * second + half;
        assert_eq!(all(way.round(later, 9)), [3, 4, 2, 1]);
        // Many new ones do not hide the old ones for good: each of them goes or is put off.
        assert_eq!(all(way.round(later, 2)), [3, 4]);
        way.put_off(3, later);
        way.put_off(4, later);
        assert_eq!(all(way.round(later, 2)), [2, 1]);
    }

    #[test]
    fn what_cannot_be_proved_yet_keeps_nothing_earlier_from_being_tried() {
        let now = Instant::now();
        let mut way = way(1..=40);
        // All but the last three have failed before and are due again: the newest are tried first.
        (1..=37).for_each(|nonce| way.put_off(nonce, now));
        let mut round = way.round(now + 2 * LEFT_ALONE, 4);
        assert_eq!(round.next().map(|sent| sent.message.nonce), Some(38));
        round.unknown(sent(38));
        // 39 and 40 are not asked about, and take no room.
        let rest: Vec<u64> = std::iter::from_fn(|| round.next()).map(|sent| sent.message.nonce).collect();
        assert_eq!(rest, [1, 2, 3]);
        assert_eq!(round.first_unknown().map(|sent| sent.message.nonce), Some(38));
    }

    #[test]
    fn no_more_are_under_way_than_said() {
        let mut way = way(1..=5);
        for nonce in [1, 2] {
            way.in_flight.insert(nonce, tokio::sync::oneshot::channel().1);
        }
        assert_eq!(all(way.round(Instant::now(), 4)), [3, 4]);
        assert_eq!(all(way.round(Instant::now(), 1)), [0; 0]);
    }

    #[test]
    fn what_fails_is_left_alone_ever_longer() {
        let start = Instant::now();
        let mut way = way([1]);
        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..14 {
            way.put_off(1, now);
            let mut pause = Duration::ZERO;
            while all(way.round(now + pause, 1)).is_empty() {
                pause += Duration::from_secs(1);
            }
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]);
        // To have waited for others is no failure.
        way.wait(1, now);
        way.put_off(1, now);
        assert_eq!(all(way.round(now + LEFT_ALONE, 1)), [1]);
    }

    #[test]
    fn nudges_become_rarer_until_one_helps() {
        let start = Instant::now();
        let mut nudges = Nudges::default();
        let mut at = Vec::new();
        for second in 0..300 {
            if nudges.are_due(start + Duration::from_secs(second)) {
                nudges.sent();
                at.push(second);
            }
        }
        // Each pause begins with the look after the last one.
        assert_eq!(at, [2, 7, 16, 33, 66, 127, 188, 249]);
        nudges = Nudges::default();
        assert!(!nudges.are_due(start));
        assert!(nudges.are_due(start + NUDGE_AFTER));
    }

    #[test]
    fn what_is_finished_is_remembered_while_it_may_be_read_again() {
        let mut way = way(1..=3);
        way.read_to(30, 64);
        (1..=3).for_each(|nonce| way.finish(&sent(nonce)));
        assert!(way.waiting.is_empty());
        way.meet(sent(1));
        assert!(way.waiting.is_empty());
        way.read_to(149, 64);
        way.meet(sent(3));
        assert!(way.waiting.is_empty() && way.finished.len() == 1);
        assert_eq!(way.next, 150);
    }
}
