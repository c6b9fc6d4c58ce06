//! Calls that are executed and forgotten.

use std::{collections::BTreeMap, time::Instant};

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use duplex_chain::{StateAt, StateError};
use duplex_primitives::ChainConfig;
use duplex_stf::{Machine, Overlay, Relaxed, block_env};
use op_revm::OpTransaction;
use revm::{
    Database, DatabaseRef, Inspector,
    bytecode::Bytecode,
    context::{BlockEnv, TxEnv},
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
    interpreter::{Interpreter, interpreter::EthInterpreter},
    state::AccountInfo,
};

use crate::{ChainApi, RpcError, RpcResult, blocks::Place};

/// How many EVM steps go between two looks at the clock.
const STEPS: u32 = 1024;

/// The state that a simulation reads, with the block hashes that it was told.
#[derive(Debug)]
pub(crate) struct SimState {
    state: StateAt,
    hashes: BTreeMap<u64, B256>,
}

impl DatabaseRef for SimState {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, StateError> {
        self.state.storage_ref(address, key)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        match self.hashes.get(&number) {
            Some(hash) => Ok(*hash),
            None => self.state.block_hash_ref(number),
        }
    }
}

/// What a caller wants to be otherwise than it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) state: Option<StateOverride>,
    pub(crate) block: Option<Box<BlockOverrides>>,
}

/// A block and a state to run calls on.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) config: ChainConfig,
    pub(crate) env: BlockEnv,
    pub(crate) state: Overlay<SimState>,
}

impl ChainApi {
    /// The block that an id names, and the state after it, with what is overridden.
    pub(crate) fn simulation(&self, id: BlockId, overrides: Overrides) -> RpcResult<Simulation> {
        let Place { header, state } = self.place(id)?;
        let config = *self.chain().config();
        let mut env = block_env(&config, &header);
        let block = overrides.block.unwrap_or_default();
        override_block(&mut env, &block);
        let hashes = block.block_hash.unwrap_or_default();
        let mut state = Overlay::new(SimState { state, hashes });
        for (address, account) in overrides.state.unwrap_or_default() {
            if account.state.is_some() && account.state_diff.is_some() {
                return Err(RpcError::param(
                    "state overrides",
                    format!("account {address} has both 'state' and 'stateDiff'"),
                ));
            }
            if account.move_precompile_to.is_some() {
                return Err(RpcError::Unsupported("movePrecompileToAddress is not supported".into()));
            }
            let mut info = state.basic(address)?.unwrap_or_default();
            info.balance = account.balance.unwrap_or(info.balance);
            info.nonce = account.nonce.unwrap_or(info.nonce);
            if let Some(code) = account.code {
                info.code_hash = keccak256(&code);
                info.code = Some(
                    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)),
                );
            }
            state.set_account(address, info);
            if account.state.is_some() {
                state.wipe_storage(address);
            }
            for (slot, value) in account.state.or(account.state_diff).unwrap_or_default() {
                state.set_slot(address, slot.into(), value.into());
            }
        }
        Ok(Simulation { config, env, state })
    }
}

fn override_block(env: &mut BlockEnv, overrides: &BlockOverrides) {
    env.number = overrides.number.unwrap_or(env.number);
    env.difficulty = overrides.difficulty.unwrap_or(env.difficulty);
    env.timestamp = overrides.time.map_or(env.timestamp, U256::from);
    env.gas_limit = overrides.gas_limit.unwrap_or(env.gas_limit);
    env.beneficiary = overrides.coinbase.unwrap_or(env.beneficiary);
    env.prevrandao = overrides.random.or(env.prevrandao);
    env.basefee = overrides.base_fee.map_or(env.basefee, |fee| fee.saturating_to());
    if let Some(price) = overrides.blob_base_fee {
        let excess_blob_gas = env.blob_excess_gas_and_price.map_or(0, |blob| blob.excess_blob_gas);
        let blob_gasprice = price.saturating_to();
        env.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice { excess_blob_gas, blob_gasprice });
    }
}

impl Simulation {
    /// What an account has, in wei.
    pub(crate) fn balance(&mut self, address: Address) -> RpcResult<U256> {
        Ok(self.state.basic(address)?.unwrap_or_default().balance)
    }

    /// True if calling an account runs no code.
    pub(crate) fn has_no_code(&mut self, address: Address) -> RpcResult<bool> {
        Ok(self.state.basic(address)?.is_none_or(|info| info.is_empty_code_hash()))
    }

    /// The EVM's view of a request with `gas` as its limit.
    pub(crate) fn tx(&mut self, request: &TransactionRequest, gas: u64) -> RpcResult<OpTransaction<TxEnv>> {
        let wrong = |why: &str| RpcError::param("0 (transaction)", why);
        let data = request
            .input
            .unique_input()
            .map_err(|_| wrong(r#"both "data" and "input" are set and not equal. Please use "input" to pass transaction call data"#))?
            .cloned()
            .unwrap_or_default();
        let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
        if dynamic && request.gas_price.is_some() {
            return Err(wrong("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
        }
        let config_id = self.config.chain_id;
        if let Some(id) = request.chain_id.filter(|id| *id != config_id) {
            return Err(wrong(&format!("chainId does not match node's (have={id}, want={config_id})")));
        }
        let kind = request.to.unwrap_or(TxKind::Create);
        let blob_hashes = request.blob_versioned_hashes.clone().unwrap_or_default();
        if !blob_hashes.is_empty() && self.config.is_l2() {
            return Err(wrong("blobs are not accepted on this chain"));
        }
        let authorizations = request.authorization_list.clone().unwrap_or_default();
        let caller = request.from.unwrap_or_default();
        let tx_type = match () {
            () if !authorizations.is_empty() => 4,
            () if !blob_hashes.is_empty() => 3,
            () if dynamic => 2,
            () if request.access_list.is_some() => 1,
            () => 0,
        };
        let tip = request.max_priority_fee_per_gas.unwrap_or_default();
        // A tip alone pays whatever the base fee is.
        let fee_cap = request.max_fee_per_gas.or(request.gas_price).unwrap_or(if tip > 0 {
            tip.saturating_add(self.env.basefee.into())
        } else {
            0
        });
        let base = TxEnv {
            tx_type,
            caller,
            gas_limit: gas,
            gas_price: fee_cap,
            kind,
            value: request.value.unwrap_or_default(),
            data,
            nonce: self.state.basic(caller)?.unwrap_or_default().nonce,
            chain_id: Some(config_id),
            access_list: request.access_list.clone().unwrap_or_default(),
            gas_priority_fee: (tx_type >= 2).then_some(tip),
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_else(|| {
                let price = self.env.blob_excess_gas_and_price.map_or(0, |blob| blob.blob_gasprice);
                if blob_hashes.is_empty() { 0 } else { price }
            }),
            blob_hashes,
            authorization_list: authorizations.into_iter().map(Either::Left).collect(),
        };
        // Empty bytes: a simulated call pays no L1 data fee, since what it would weigh is unknown.
        Ok(OpTransaction { base, enveloped_tx: Some(Bytes::new()), deposit: Default::default() })
    }

    /// The EVM, with the checks that a simulation leaves out. `BASEFEE` gives the block's own base
    /// fee also to calls that pay none.
    pub(crate) fn machine<I>(self, inspector: I) -> Machine<SimState, I> {
        let relaxed = Relaxed { call: true, balance: false };
        Machine::new(&self.config, self.env, self.state, relaxed, inspector)
    }
}

/// Ends a simulation that takes too long.
#[derive(Debug)]
pub(crate) struct Deadline {
    at: Instant,
    steps: u32,
    expired: bool,
}

impl Deadline {
    /// The time that this server gives a simulation, from now on.
    pub(crate) fn new(api: &ChainApi) -> Self {
        Self { at: Instant::now() + api.config().call_timeout, steps: 0, expired: false }
    }

    /// The error, if the time was over before the end.
    pub(crate) fn check(&self, api: &ChainApi) -> RpcResult<()> {
        if !self.expired {
            return Ok(());
        }
        let limit = api.config().call_timeout;
        Err(RpcError::Limit(format!("execution aborted (timeout = {limit:?})")))
    }
}

impl<CTX> Inspector<CTX> for Deadline {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        self.steps = self.steps.wrapping_add(1);
        if !self.expired && self.steps.is_multiple_of(STEPS) {
            self.expired = Instant::now() >= self.at;
        }
        if self.expired {
            // Every frame ends at its next step, with nothing left for the one above.
            interpreter.halt_oog();
        }
    }
}
