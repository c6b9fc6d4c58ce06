//! Between what contracts take and say, and the same in [`duplex_primitives`].

use duplex_primitives::{BatchHeader, L1Message};

use crate::bindings::{Batch, IMessageQueue};

impl From<Batch> for BatchHeader {
    fn from(batch: Batch) -> Self {
        Self {
            index: batch.index,
            parentHash: batch.parentHash,
            dataRoot: batch.dataRoot,
            firstBlock: batch.firstBlock,
            lastBlock: batch.lastBlock,
            timestamp: batch.timestamp,
            anchorNumber: batch.anchorNumber,
            anchorHash: batch.anchorHash,
            messageCount: batch.messageCount,
            messageAcc: batch.messageAcc,
        }
    }
}

impl From<BatchHeader> for Batch {
    fn from(header: BatchHeader) -> Self {
        Self {
            index: header.index,
            parentHash: header.parentHash,
            dataRoot: header.dataRoot,
            firstBlock: header.firstBlock,
            lastBlock: header.lastBlock,
            timestamp: header.timestamp,
            anchorNumber: header.anchorNumber,
            anchorHash: header.anchorHash,
            messageCount: header.messageCount,
            messageAcc: header.messageAcc,
        }
    }
}

impl IMessageQueue::MessageSent {
    /// The message, which L1 took in block `l1_block`.
    pub fn into_message(self, l1_block: u64) -> L1Message {
        L1Message {
            index: self.index,
            from: self.from,
            target: self.target,
            mint: self.mint,
            value: self.value,
            gas_limit: self.gasLimit,
            data: self.data,
            l1_block,
            accumulator: self.acc,
        }
    }
}
