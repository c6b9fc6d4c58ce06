//! What a chain tells its subscribers.

use std::sync::Arc;

use crate::BlockData;

/// Something happened to the canonical chain.
#[derive(Debug, Clone)]
pub enum ChainEvent {
    /// A block was added on the head.
    Block(Arc<BlockData>),
    /// Blocks were removed from the head, newest first.
    Removed(Vec<Arc<BlockData>>),
}
