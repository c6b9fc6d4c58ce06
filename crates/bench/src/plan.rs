//! Which sender signs which transaction, and which connection carries it.
//!
//! Sender `a` belongs to connection `a % connections`, so that its nonces travel in order. A
//! connection goes round its senders: first the first nonce of each, then the second of each, and
//! so on. Transactions are numbered connection by connection, in the order in which they are sent.

use crate::BenchError;
use core::ops::Range;

/// The layout of a load.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    accounts: u32,
    connections: u32,
    batch: u32,
    /// First transaction of each connection, and one past the last.
    starts: Vec<u32>,
}

/// One transaction of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The sender.
    pub(crate) account: u32,
    /// Its nonce, counted from zero.
    pub(crate) nonce: u32,
}

impl Plan {
    /// Spreads `transactions` over `accounts` senders.
    pub(crate) fn new(
        transactions: u64,
        accounts: u32,
        connections: u32,
        batch: u32,
    ) -> Result<Self, BenchError> {
        let wrong = |what: &str| Err(BenchError::Settings(what.to_owned()));
        if accounts == 0 || connections == 0 || batch == 0 {
            return wrong("accounts, connections and batch must each be at least 1");
        }
        if transactions == 0 {
            return wrong("there is nothing to send: ask for more seconds or a higher rate");
        }
        if transactions > u64::from(u32::MAX / 2) {
            return wrong("too many transactions to sign beforehand: ask for fewer seconds or a lower rate");
        }
        // A connection without a sender would have nothing to do.
        let connections = connections.min(accounts);
        let total = transactions as u32;
        let mut starts = Vec::with_capacity(connections as usize + 1);
        let mut start = 0u64;
        for connection in 0..connections {
            starts.push(start as u32);
            // In proportion to the number of senders, rounding such that the sum is exact.
            let senders_up_to: u64 =
                (0..=connection).map(|c| u64::from(Self::senders(accounts, connections, c))).sum();
            start = u64::from(total) * senders_up_to / u64::from(accounts);
        }
        starts.push(total);
        Ok(Self { accounts, connections, batch, starts })
    }

    fn senders(accounts: u32, connections: u32, connection: u32) -> u32 {
        (accounts - connection).div_ceil(connections)
    }

    pub(crate) const fn accounts(&self) -> u32 {
        self.accounts
    }

    pub(crate) const fn connections(&self) -> u32 {
        self.connections
    }

    /// How many transactions there are.
    pub(crate) fn total(&self) -> u32 {
        self.starts[self.connections as usize]
    }

    /// The most transactions that one sender signs.
    pub(crate) fn most_per_account(&self) -> u32 {
        (0..self.connections)
            .map(|c| {
                let range = self.transactions(c);
                (range.end - range.start).div_ceil(Self::senders(self.accounts, self.connections, c))
            })
            .max()
            .unwrap_or(0)
    }

    /// The transactions of a connection.
    pub(crate) fn transactions(&self, connection: u32) -> Range<u32> {
        self.starts[connection as usize]..self.starts[connection as usize + 1]
    }

    /// The requests of a connection, each the transactions of one HTTP body.
    pub(crate) fn requests(&self, connection: u32) -> impl Iterator<Item = Range<u32>> {
        let Range { start, end } = self.transactions(connection);
        let batch = self.batch;
        (start..end).step_by(batch as usize).map(move |first| first..first.saturating_add(batch).min(end))
    }

    /// Who signs a transaction, and with which nonce.
    pub(crate) fn slot(&self, transaction: u32) -> Slot {
        let connection =
            (self.starts.partition_point(|start| *start <= transaction) as u32 - 1).min(self.connections - 1);
        let position = transaction - self.starts[connection as usize];
        let senders = Self::senders(self.accounts, self.connections, connection);
        Slot { account: connection + (position % senders) * self.connections, nonce: position / senders }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_sender_counts_up_on_one_connection() {
        for (transactions, accounts, connections, batch) in
            [(200, 10, 4, 7), (1, 5, 3, 1), (1_000, 3, 8, 100), (97, 13, 13, 2), (5, 1, 1, 10)]
        {
            let plan = Plan::new(transactions, accounts, connections, batch).unwrap();
            assert_eq!(u64::from(plan.total()), transactions);
            let mut next = BTreeMap::new();
            let mut carrier = BTreeMap::new();
            let mut expected = 0;
            for connection in 0..plan.connections() {
                for request in plan.requests(connection) {
                    assert!(!request.is_empty() && request.len() <= batch as usize);
                    for transaction in request {
                        assert_eq!(transaction, expected);
                        expected += 1;
                        let slot = plan.slot(transaction);
                        assert!(slot.account < accounts);
                        let nonce: &mut u32 = next.entry(slot.account).or_default();
                        assert_eq!(slot.nonce, *nonce);
                        *nonce += 1;
                        assert_eq!(*carrier.entry(slot.account).or_insert(connection), connection);
                    }
                }
            }
            assert_eq!(expected, plan.total());
            assert_eq!(next.values().max().copied(), Some(plan.most_per_account()));
        }
    }

    #[test]
    fn empty_plans_are_refused() {
        assert!(Plan::new(0, 1, 1, 1).is_err());
        assert!(Plan::new(1, 0, 1, 1).is_err());
        assert!(Plan::new(1, 1, 1, 0).is_err());
        assert!(Plan::new(u64::MAX, 1, 1, 1).is_err());
    }
}
