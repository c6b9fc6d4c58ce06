//! Tells the chain which of its blocks are safe and which are final.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{ActorError, Rollup};

/// Follows batches and claims on L1.
#[derive(Debug)]
pub struct SafetyTracker {
    rollup: Rollup,
}

impl SafetyTracker {
    /// A tracker for `rollup`.
    pub const fn new(rollup: Rollup) -> Self {
        Self { rollup }
    }

    /// Follows L1 until cancelled.
    ///
    /// # Errors
    /// If the index or the chain cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            self.update()?;
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.l1_head.changed() => if changed.is_err() {
                    // The watcher has gone; whoever stopped it stops this too.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                },
            }
        }
    }

    /// One look. A batch that says something else than this chain makes nothing safe.
    fn update(&self) -> Result<(), ActorError> {
        let Rollup { chain, index, .. } = &self.rollup;
        let (_, batches) = index.counts()?;
        let head = chain.head().header.number;
        let safe = match index.batch(batches)? {
            None => 0,
            Some(batch) => match self.rollup.agrees_with(&batch.header)? {
                Some(true) => batch.header.lastBlock,
                // Not there yet: everything that is here is in some batch.
                None => head,
                Some(false) => {
                    tracing::error!(batch = batches, "the newest batch on L1 is not of this chain");
                    return Ok(());
                }
            },
        };
        let last_final = match index.last_final()? {
            Some(claim) => index.batch(claim.last_batch)?,
            None => None,
        };
        let finalized = last_final.map_or(0, |batch| batch.header.lastBlock.min(safe));
        chain.set_safety(safe, finalized);
        Ok(())
    }
}
