//! What the connections and the follower know in common.
//!
//! All of them run on one thread, so this is plain memory: no lock and no atomic instruction.

use crate::plan::Plan;
use crate::reply::generalise;
use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Error messages that are told apart; the rest is counted together.
const MESSAGES: usize = 16;

const ACCEPTED: u8 = 1;
const INCLUDED: u8 = 2;

/// When things happened, in microseconds since the start; `NEVER` where they did not.
const NEVER: u32 = u32::MAX;

/// The state of a running load.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) start: Instant,
    /// When the connections stop sending.
    pub(crate) window: Duration,
    /// When whatever is still open is given up.
    pub(crate) give_up: Duration,
    pub(crate) max_pending: u64,
    sent_at: Vec<Cell<u32>>,
    included_at: Vec<Cell<u32>>,
    flags: Vec<Cell<u8>>,
    /// How long the endpoint took for each request.
    request_micros: RefCell<Vec<u32>>,
    /// Senders with a transaction that will never be taken: their later nonces are void.
    stalled: RefCell<BTreeSet<u32>>,
    errors: RefCell<BTreeMap<String, u64>>,
    pub(crate) connections_open: Cell<u32>,
    pub(crate) sending_ended: Cell<Duration>,
    pub(crate) sent: Cell<u64>,
    pub(crate) accepted: Cell<u64>,
    pub(crate) accepted_in_window: Cell<u64>,
    pub(crate) rejected: Cell<u64>,
    pub(crate) retries: Cell<u64>,
    pub(crate) transport_errors: Cell<u64>,
    pub(crate) included: Cell<u64>,
    /// Accepted and not included.
    pub(crate) outstanding: Cell<u64>,
}

/// Adds to a counter.
pub(crate) fn add(counter: &Cell<u64>, amount: u64) {
    counter.set(counter.get() + amount);
}

impl Shared {
    pub(crate) fn new(plan: Plan, window: Duration, drain: Duration, max_pending: u64) -> Self {
        let total = plan.total() as usize;
        Self {
            connections_open: Cell::new(plan.connections()),
            start: Instant::now(),
            window,
            give_up: window + drain,
            max_pending,
            sent_at: vec![Cell::new(NEVER); total],
            included_at: vec![Cell::new(NEVER); total],
            flags: vec![Cell::new(0); total],
            request_micros: RefCell::default(),
            stalled: RefCell::default(),
            errors: RefCell::default(),
            sending_ended: Cell::default(),
            sent: Cell::default(),
            accepted: Cell::default(),
            accepted_in_window: Cell::default(),
            rejected: Cell::default(),
            retries: Cell::default(),
            transport_errors: Cell::default(),
            included: Cell::default(),
            outstanding: Cell::default(),
            plan,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn micros(&self) -> u32 {
        u32::try_from(self.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    /// Notes that a transaction is handed to a connection for the first time.
    pub(crate) fn note_sent(&self, transactions: &[u32]) {
        let now = self.micros();
        for number in transactions {
            let at = &self.sent_at[*number as usize];
            if at.get() == NEVER {
                at.set(now);
                add(&self.sent, 1);
            }
        }
    }

    pub(crate) fn note_accepted(&self, number: u32) {
        let flags = &self.flags[number as usize];
        if flags.get() & ACCEPTED != 0 {
            return;
        }
        if flags.get() & INCLUDED == 0 {
            add(&self.outstanding, 1);
        }
        flags.set(flags.get() | ACCEPTED);
        add(&self.accepted, 1);
        if self.elapsed() <= self.window {
            add(&self.accepted_in_window, 1);
        }
    }

    /// Notes that a block holds a transaction, seen at `at`. False if that was known.
    pub(crate) fn note_included(&self, number: u32, at: Duration) -> bool {
        let flags = &self.flags[number as usize];
        if flags.get() & INCLUDED != 0 {
            return false;
        }
        if flags.get() & ACCEPTED != 0 {
            self.outstanding.set(self.outstanding.get() - 1);
        }
        flags.set(flags.get() | INCLUDED);
        add(&self.included, 1);
        self.included_at[number as usize].set(u32::try_from(at.as_micros()).unwrap_or(NEVER - 1));
        true
    }

    pub(crate) fn note_rejected(&self, number: u32, message: &str) {
        add(&self.rejected, 1);
        self.note_error(message);
        self.stalled.borrow_mut().insert(self.plan.slot(number).account);
    }

    pub(crate) fn note_error(&self, message: &str) {
        let message = generalise(message);
        let mut errors = self.errors.borrow_mut();
        let key = if errors.contains_key(&message) || errors.len() < MESSAGES {
            message
        } else {
            "other errors".to_owned()
        };
        *errors.entry(key).or_default() += 1;
    }

    pub(crate) fn note_request(&self, took: Duration) {
        self.request_micros.borrow_mut().push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Drops the transactions whose sender is stuck.
    pub(crate) fn retain_sendable(&self, transactions: &mut Vec<u32>) {
        let stalled = self.stalled.borrow();
        if !stalled.is_empty() {
            transactions.retain(|number| !stalled.contains(&self.plan.slot(*number).account));
        }
    }

    /// Notes that a connection has nothing left to do.
    pub(crate) fn note_closed(&self) {
        self.connections_open.set(self.connections_open.get() - 1);
        self.sending_ended.set(self.sending_ended.get().max(self.elapsed()));
    }

    /// Error messages and how often they came, the most frequent first.
    pub(crate) fn errors(&self) -> Vec<(String, u64)> {
        let mut errors: Vec<_> = self.errors.borrow().clone().into_iter().collect();
        errors.sort_by_key(|(_, count)| core::cmp::Reverse(*count));
        errors
    }

    pub(crate) fn take_request_micros(&self) -> Vec<u32> {
        self.request_micros.take()
    }

    /// From handing over to the sight of the block, of every included transaction.
    pub(crate) fn inclusion_micros(&self) -> Vec<u32> {
        let pairs = self.sent_at.iter().zip(&self.included_at);
        pairs
            .filter(|(_, at)| at.get() != NEVER)
            .map(|(sent, at)| at.get().saturating_sub(sent.get()))
            .collect()
    }

    /// At most `count` included transactions, evenly spread.
    pub(crate) fn sample_included(&self, count: usize) -> Vec<u32> {
        let included = |number: &u32| self.flags[*number as usize].get() & INCLUDED != 0;
        let all: Vec<u32> = (0..self.plan.total()).filter(included).collect();
        all.iter().copied().step_by(all.len().div_ceil(count).max(1)).collect()
    }

    /// How many were included within a time, and when the last one was.
    pub(crate) fn included_within(&self, limit: Duration) -> (u64, Duration) {
        let times = self.included_at.iter().map(Cell::get).filter(|at| *at != NEVER);
        let (mut count, mut last) = (0, 0);
        for at in times {
            count += u64::from(u128::from(at) <= limit.as_micros());
            last = last.max(at);
        }
        (count, Duration::from_micros(u64::from(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outstanding_survives_any_order() {
        let plan = Plan::new(4, 2, 1, 1).unwrap();
        let shared = Shared::new(plan, Duration::from_secs(5), Duration::ZERO, 10);
        shared.note_sent(&[0, 1, 2]);
        shared.note_accepted(0);
        shared.note_accepted(0);
        assert!(shared.note_included(1, Duration::from_secs(1)));
        shared.note_accepted(1);
        assert_eq!((shared.accepted.get(), shared.outstanding.get()), (2, 1));
        assert!(shared.note_included(0, Duration::from_secs(7)));
        assert!(!shared.note_included(0, Duration::from_secs(8)));
        assert_eq!((shared.included.get(), shared.outstanding.get(), shared.sent.get()), (2, 0, 3));
        assert_eq!(shared.included_within(shared.window), (1, Duration::from_secs(7)));
        assert_eq!(shared.inclusion_micros().len(), 2);
    }

    #[test]
    fn a_rejected_nonce_stalls_its_sender() {
        let plan = Plan::new(4, 2, 1, 1).unwrap();
        let shared = Shared::new(plan, Duration::from_secs(5), Duration::ZERO, 10);
        shared.note_rejected(0, "no 1");
        shared.note_error("no 2");
        let mut left = vec![1, 2, 3];
        shared.retain_sendable(&mut left);
        assert_eq!(left, [1, 3]);
        assert_eq!(shared.errors(), [("no #".to_owned(), 2)]);
    }
}
