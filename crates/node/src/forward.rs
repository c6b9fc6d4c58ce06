//! Hands users' transactions on to the node that makes blocks.

use alloy_primitives::Bytes;
use duplex_chain::Chain;
use duplex_l1::{Rpc, RpcError as ClientError};
use duplex_rpc::{PoolSubmit, RpcError, SubmitFuture, SubmitRaw};

/// Sends raw transactions to another node, and keeps them in the own pool too, so that they are
/// seen as pending here and are not lost when the other node goes.
#[derive(Debug)]
pub(crate) struct Forward {
    own: PoolSubmit,
    node: Rpc,
}

impl Forward {
    pub(crate) fn new(chain: Chain, url: &str) -> Result<Self, ClientError> {
        Ok(Self { own: PoolSubmit::new(chain), node: Rpc::new(url)? })
    }
}

impl SubmitRaw for Forward {
    fn submit<'a>(&'a self, raw: &'a [u8]) -> SubmitFuture<'a> {
        Box::pin(async move {
            let hash = self.node.send_raw(&Bytes::copy_from_slice(raw)).await.map_err(|error| match error
                .rejection()
            {
                Some(why) => RpcError::Rejected(why.to_owned()),
                None => RpcError::Internal(format!("the node that makes blocks: {error}")),
            })?;
            // What the sequencer took, this pool may refuse: it can be a block behind.
            if let Err(error) = self.own.submit(raw).await {
                tracing::debug!(%hash, %error, "forwarded, not kept here");
            }
            Ok(hash)
        })
    }
}
