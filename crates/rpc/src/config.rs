//! Limits of the server.

use core::time::Duration;

use alloy_primitives::Address;

/// What the server allows, and what it suggests.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Largest request, in bytes of HTTP body or WebSocket message.
    pub max_body_bytes: u32,
    /// Largest response, in bytes.
    pub max_response_bytes: u32,
    /// Most calls in one batch.
    pub max_batch: u32,
    /// Most requests in flight over HTTP and connections over WebSocket, together.
    pub max_connections: u32,
    /// Most subscriptions of one WebSocket connection.
    pub max_subscriptions: u32,
    /// Most filters (`eth_newFilter` and its like) of all clients together.
    pub max_filters: usize,
    /// A filter that nobody asks for this long is removed.
    pub filter_idle: Duration,
    /// Most blocks that one log query may span.
    pub max_log_blocks: u64,
    /// Most logs that one query may give.
    pub max_logs: usize,
    /// Most blocks that one `eth_feeHistory` may span.
    pub max_fee_history: u64,
    /// Most storage slots that one `eth_getProof` may name.
    pub max_proof_slots: usize,
    /// Most gas that a simulated call may use.
    pub call_gas_cap: u64,
    /// Longest time that a simulated call may run.
    pub call_timeout: Duration,
    /// Most requests that execute, prove or scan at one moment; others wait.
    pub max_heavy: usize,
    /// Longest time that `eth_sendRawTransactionSync` waits for a block.
    pub sync_timeout: Duration,
    /// Priority fee suggested when recent blocks say nothing, wei per gas.
    pub default_tip: u128,
    /// What `eth_accounts` gives.
    pub accounts: Vec<Address>,
    /// Origins that browsers may call from; `*` is any, none is none.
    pub cors: Vec<String>,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 15 << 20,
            max_response_bytes: 160 << 20,
            max_batch: 1000,
            max_connections: 2048,
            max_subscriptions: 1024,
            max_filters: 10_000,
            filter_idle: Duration::from_secs(5 * 60),
            max_log_blocks: 10_000,
            max_logs: 20_000,
            max_fee_history: 1024,
            max_proof_slots: 1024,
            call_gas_cap: 50_000_000,
            call_timeout: Duration::from_secs(5),
            max_heavy: 16,
            sync_timeout: Duration::from_secs(20),
            default_tip: 1_000_000,
            accounts: Vec::new(),
            cors: vec!["*".into()],
        }
    }
}
