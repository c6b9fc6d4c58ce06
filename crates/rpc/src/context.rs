//! What every method works on.

use std::sync::Arc;

use alloy_primitives::B256;
use duplex_chain::Chain;
use jsonrpsee::{
    Extensions, RpcModule,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::{PoolSubmit, RpcConfig, RpcError, RpcResult, SubmitRaw, filters::Filters, params::Args};

/// How far a node that catches up has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncProgress {
    /// Where it began.
    #[serde(with = "alloy_serde::quantity")]
    pub starting_block: u64,
    /// Where it is.
    #[serde(with = "alloy_serde::quantity")]
    pub current_block: u64,
    /// Where it goes.
    #[serde(with = "alloy_serde::quantity")]
    pub highest_block: u64,
}

type SyncHook = Arc<dyn Fn() -> Option<SyncProgress> + Send + Sync>;

/// A chain and how it is served.
pub struct ChainApi {
    chain: Chain,
    config: RpcConfig,
    submit: Arc<dyn SubmitRaw>,
    syncing: Option<SyncHook>,
    heavy: Arc<Semaphore>,
    pub(crate) filters: Filters,
    /// The suggested tip, and the head it was computed at.
    pub(crate) tip: Mutex<Option<(B256, u128)>>,
}

impl core::fmt::Debug for ChainApi {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ChainApi").field("chain", &self.chain.config().chain_id).finish_non_exhaustive()
    }
}

impl ChainApi {
    /// Serves a chain; raw transactions go to its pool.
    pub fn new(chain: Chain, config: RpcConfig) -> Self {
        let submit = Arc::new(PoolSubmit::new(chain.clone()));
        let heavy = Arc::new(Semaphore::new(config.max_heavy.max(1)));
        Self {
            chain,
            config,
            submit,
            syncing: None,
            heavy,
            filters: Filters::default(),
            tip: Mutex::default(),
        }
    }

    /// Sends raw transactions elsewhere: to a pool that keeps blobs, or to the sequencer.
    #[must_use]
    pub fn with_submit(mut self, submit: Arc<dyn SubmitRaw>) -> Self {
        self.submit = submit;
        self
    }

    /// Answers `eth_syncing`; `None` from the hook means that the node is where it should be.
    #[must_use]
    pub fn with_syncing(mut self, hook: impl Fn() -> Option<SyncProgress> + Send + Sync + 'static) -> Self {
        self.syncing = Some(Arc::new(hook));
        self
    }

    /// The chain.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The limits.
    pub const fn config(&self) -> &RpcConfig {
        &self.config
    }

    /// Where raw transactions go.
    pub fn submit(&self) -> &dyn SubmitRaw {
        &*self.submit
    }

    /// How far the node is from the chain's head; `None` if it is there.
    pub fn syncing(&self) -> Option<SyncProgress> {
        self.syncing.as_ref().and_then(|hook| hook())
    }
}

/// Methods of [`ChainApi`], registered by what they cost.
pub(crate) trait Register {
    /// A method that reads memory or a few records: it runs where the request arrived.
    fn light<R, F>(&mut self, name: &'static str, method: F) -> Result<(), RegisterMethodError>
    where
        R: Serialize + Clone + 'static,
        F: Fn(Args<'_>, &ChainApi) -> RpcResult<R> + Send + Sync + 'static;

    /// A method that executes, proves or scans: it runs on a thread for such work, and only so
    /// many at a time.
    fn heavy<R, F>(&mut self, name: &'static str, method: F) -> Result<(), RegisterMethodError>
    where
        R: Serialize + Clone + Send + 'static,
        F: Fn(Args<'_>, &ChainApi) -> RpcResult<R> + Clone + Send + Sync + 'static;
}

impl Register for RpcModule<ChainApi> {
    fn light<R, F>(&mut self, name: &'static str, method: F) -> Result<(), RegisterMethodError>
    where
        R: Serialize + Clone + 'static,
        F: Fn(Args<'_>, &ChainApi) -> RpcResult<R> + Send + Sync + 'static,
    {
        let call = move |params: Params<'_>, api: &ChainApi, _: &Extensions| -> Result<R, ErrorObjectOwned> {
            Ok(method(Args::new(&params)?, api)?)
        };
        self.register_method(name, call).map(drop)
    }

    fn heavy<R, F>(&mut self, name: &'static str, method: F) -> Result<(), RegisterMethodError>
    where
        R: Serialize + Clone + Send + 'static,
        F: Fn(Args<'_>, &ChainApi) -> RpcResult<R> + Clone + Send + Sync + 'static,
    {
        self.register_async_method(name, move |params, api, _| {
            let method = method.clone();
            async move { run_heavy(&api.clone(), move || method(Args::new(&params)?, &api)).await }
        })
        .map(drop)
    }
}

/// Runs blocking work on a thread for it, waiting for a place first.
pub(crate) async fn run_heavy<R: Send + 'static>(
    api: &ChainApi,
    work: impl FnOnce() -> RpcResult<R> + Send + 'static,
) -> Result<R, ErrorObjectOwned> {
    let permit = api.heavy.clone().acquire_owned().await.map_err(RpcError::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    match done.await {
        Ok(result) => Ok(result?),
        Err(error) => Err(RpcError::internal(format!("the request's thread failed: {error}")).into()),
    }
}
