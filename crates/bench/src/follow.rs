//! Following the chain: what counts is what it included.

use crate::rpc::{RpcBlock, RpcClient};
use crate::shared::Shared;
use crate::{BenchError, Progress, usage};
use alloy_primitives::B256;
use alloy_primitives::map::B256Map;
use core::time::Duration;
use std::rc::Rc;
use tokio::time::{Instant, sleep};

/// How long the endpoint may fail to answer before the load is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two reports of progress.
const TICK: Duration = Duration::from_secs(1);

/// What the follower saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Blocks up to the last that held a transaction of the load.
    pub(crate) blocks: u64,
    /// Blocks that held one.
    pub(crate) filled: u64,
    pub(crate) most_transactions: u64,
    /// Gas of the blocks that held a transaction of the load.
    pub(crate) gas_used: u64,
    pub(crate) most_gas: u64,
    pub(crate) gas_limit: u64,
    /// The most resident memory of the node, in bytes, seen while the load ran.
    pub(crate) peak_memory: u64,
    trailing: u64,
}

/// Looks for the transactions of a load in the blocks of a chain.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) client: RpcClient,
    pub(crate) shared: Rc<Shared>,
    pub(crate) numbers: B256Map<u32>,
    /// The first block to look at.
    pub(crate) next: u64,
    pub(crate) poll: Duration,
    pub(crate) node_pids: Vec<u32>,
}

impl Follower {
    /// The number of each transaction by its hash.
    pub(crate) fn index(hashes: &[B256]) -> B256Map<u32> {
        let mut numbers = B256Map::with_capacity_and_hasher(hashes.len(), Default::default());
        numbers.extend(hashes.iter().zip(0u32..).map(|(hash, number)| (*hash, number)));
        numbers
    }

    /// Follows until everything accepted is included, or until the load is given up.
    pub(crate) async fn run(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Seen, BenchError> {
        let mut seen = Seen::default();
        let mut failing: Option<Instant> = None;
        let mut tick = Instant::now();
        loop {
            // Decided before looking, so that the last look comes after the last transaction.
            let closed = self.shared.connections_open.get() == 0;
            match self.advance(&mut seen).await {
                Ok(()) => failing = None,
                Err(error) => {
                    if failing.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                        return Err(error);
                    }
                }
            }
            let done = closed && failing.is_none() && self.shared.outstanding.get() == 0;
            if done || (closed && self.shared.elapsed() > self.shared.give_up) {
                return Ok(seen);
            }
            if tick.elapsed() >= TICK {
                tick = Instant::now();
                self.sample_memory(&mut seen);
                progress(self.report(closed));
            }
            sleep(self.poll).await;
        }
    }

    fn report(&self, closed: bool) -> Progress {
        let seconds = self.shared.elapsed().as_secs_f64();
        if closed {
            return Progress::Draining { seconds, outstanding: self.shared.outstanding.get() };
        }
        let (accepted, included) = (self.shared.accepted.get(), self.shared.included.get());
        Progress::Sending { seconds, accepted, included }
    }

    fn sample_memory(&self, seen: &mut Seen) {
        let resident = self.node_pids.iter().filter_map(|pid| Some(usage::memory(*pid)?.0)).sum();
        seen.peak_memory = seen.peak_memory.max(resident);
    }

    async fn advance(&mut self, seen: &mut Seen) -> Result<(), BenchError> {
        let head = self.client.block_number().await?;
        let at = self.shared.elapsed();
        while self.next <= head {
            let Some(block) = self.client.block(self.next).await? else { return Ok(()) };
            self.next += 1;
            self.count(&block, at, seen);
        }
        Ok(())
    }

    fn count(&self, block: &RpcBlock, at: Duration, seen: &mut Seen) {
        let ours = block.transactions.iter().filter_map(|hash| self.numbers.get(hash));
        let ours = ours.filter(|number| self.shared.note_included(**number, at)).count() as u64;
        seen.trailing += 1;
        if ours == 0 {
            return;
        }
        // Empty blocks count once a later block has something again.
        seen.blocks += core::mem::take(&mut seen.trailing);
        seen.filled += 1;
        seen.most_transactions = seen.most_transactions.max(ours);
        let gas: u64 = block.gas_used.to();
        seen.gas_used += gas;
        seen.most_gas = seen.most_gas.max(gas);
        seen.gas_limit = block.gas_limit.to();
    }
}
