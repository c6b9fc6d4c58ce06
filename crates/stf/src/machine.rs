//! The EVM of either chain behind one face.

use alloc::{format, string::String, string::ToString, vec::Vec};
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, Bytes, Log};
use duplex_primitives::{ChainConfig, Rules};
use op_revm::{DefaultOp, L1BlockInfo, OpContext, OpEvm, OpSpecId, OpTransaction, OpTransactionError};
use revm::{
    Context, DatabaseCommit, DatabaseRef, ExecuteEvm, InspectEvm, Inspector, Journal, MainBuilder,
    MainContext, MainnetEvm, SystemCallEvm,
    context::{BlockEnv, CfgEnv, Evm, FrameStack, TxEnv},
    context_interface::{
        ContextTr,
        result::{EVMError, ExecResultAndState, ExecutionResult, InvalidTransaction, Output},
    },
    handler::instructions::EthInstructions,
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
    state::EvmState,
};

use crate::{Overlay, TxError, data_fee::DataFees, precompiles::L2Precompiles};

/// The EVM's context on L1.
pub type L1Context<D> = Context<BlockEnv, TxEnv, CfgEnv<SpecId>, Overlay<D>, Journal<Overlay<D>>, ()>;
/// The EVM's context on L2.
pub type L2Context<D> = OpContext<Overlay<D>>;
type L2Evm<D, I> = OpEvm<L2Context<D>, I, EthInstructions<EthInterpreter, L2Context<D>>, L2Precompiles>;

/// How the top-level call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxStatus {
    /// It returned.
    Success,
    /// It reverted, and gave back what gas was left.
    Revert,
    /// It broke a rule of the EVM and used all its gas.
    Halt(String),
}

/// What one transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxResult {
    /// How the top-level call ended.
    pub status: TxStatus,
    /// Gas used, after refunds.
    pub gas_used: u64,
    /// What it emitted; empty unless it succeeded.
    pub logs: Vec<Log>,
    /// Returned or reverted bytes.
    pub output: Bytes,
    /// Address of the contract that the transaction created.
    pub created: Option<Address>,
}

impl TxResult {
    /// True if the top-level call returned.
    pub fn is_success(&self) -> bool {
        self.status == TxStatus::Success
    }

    fn from_evm<H: core::fmt::Debug>(result: ExecutionResult<H>) -> Self {
        let gas_used = result.tx_gas_used();
        match result {
            ExecutionResult::Success { logs, output, .. } => {
                let created = match &output {
                    Output::Create(_, address) => *address,
                    Output::Call(_) => None,
                };
                Self { status: TxStatus::Success, gas_used, logs, output: output.into_data(), created }
            }
            ExecutionResult::Revert { output, .. } => {
                Self { status: TxStatus::Revert, gas_used, logs: Vec::new(), output, created: None }
            }
            ExecutionResult::Halt { reason, .. } => Self {
                status: TxStatus::Halt(format!("{reason:?}")),
                gas_used,
                logs: Vec::new(),
                output: Bytes::new(),
                created: None,
            },
        }
    }
}

/// Which checks a simulation leaves out. Blocks leave out none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relaxed {
    /// Calls without fee, without nonce, from contracts, beyond the block's gas limit.
    pub call: bool,
    /// Also without the sender having the value it sends or the fee it would pay.
    pub balance: bool,
}

/// The EVM of either chain, with a block's changes inside.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Machine<D: DatabaseRef, I = ()> {
    /// Ethereum's.
    L1(MainnetEvm<L1Context<D>, I>),
    /// The rollup's.
    L2(L2Evm<D, I>, DataFees),
}

fn configure<S: Clone>(cfg: &mut CfgEnv<S>, chain: &ChainConfig, relaxed: Relaxed) {
    cfg.chain_id = chain.chain_id;
    cfg.tx_chain_id_check = true;
    if relaxed.call {
        cfg.disable_nonce_check = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        #[cfg(feature = "simulate")]
        {
            cfg.disable_block_gas_limit = true;
            cfg.disable_eip3607 = true;
            cfg.disable_base_fee = true;
        }
    }
    #[cfg(feature = "simulate")]
    if relaxed.balance {
        cfg.disable_balance_check = true;
        cfg.disable_fee_charge = true;
    }
    #[cfg(not(feature = "simulate"))]
    let _ = relaxed;
}

impl<D: DatabaseRef, I> Machine<D, I> {
    /// An EVM for one block.
    pub fn new(
        chain: &ChainConfig,
        block: BlockEnv,
        state: Overlay<D>,
        relaxed: Relaxed,
        inspector: I,
    ) -> Self {
        match chain.rules {
            Rules::L1 => {
                let blobs = BlobParams::osaka();
                let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA);
                cfg.max_blobs_per_tx = Some(blobs.max_blobs_per_tx);
                cfg.blob_base_fee_update_fraction = Some(blobs.update_fraction as u64);
                configure(&mut cfg, chain, relaxed);
                let context = Context::mainnet().with_cfg(cfg).with_block(block).with_db(state);
                Self::L1(context.build_mainnet_with_inspector(inspector))
            }
            Rules::L2 => {
                let mut cfg = CfgEnv::new_with_spec(OpSpecId::KARST);
                configure(&mut cfg, chain, relaxed);
                let context = Context::op()
                    .with_cfg(cfg)
                    .with_block(block)
                    .with_db(state)
                    .with_chain(L1BlockInfo::default());
                // As `build_op_with_inspector` does, but without Karst's own precompiles and without frames for calls that
                // most blocks do not make: both take long in the machine that proves.
                let evm = OpEvm(Evm {
                    ctx: context,
                    inspector,
                    instruction: EthInstructions::new_mainnet_with_spec(OpSpecId::KARST.into_eth_spec()),
                    precompiles: L2Precompiles::default(),
                    frame_stack: FrameStack::new(),
                });
                Self::L2(evm, DataFees::default())
            }
        }
    }

    /// The block's changes so far.
    pub fn state(&self) -> &Overlay<D> {
        match self {
            Self::L1(evm) => evm.ctx.db(),
            Self::L2(evm, _) => evm.0.ctx.db(),
        }
    }

    /// The block's changes so far, to be changed.
    pub fn state_mut(&mut self) -> &mut Overlay<D> {
        match self {
            Self::L1(evm) => evm.ctx.db_mut(),
            Self::L2(evm, _) => evm.0.ctx.db_mut(),
        }
    }

    /// The block that the EVM sees.
    pub fn block(&self) -> &BlockEnv {
        match self {
            Self::L1(evm) => &evm.ctx.block,
            Self::L2(evm, _) => &evm.0.ctx.block,
        }
    }

    /// Gives up the EVM for what its inspector saw.
    pub fn into_inspector(self) -> I {
        match self {
            Self::L1(evm) => evm.inspector,
            Self::L2(evm, _) => evm.into_inspector(),
        }
    }

    /// What the inspector saw so far.
    pub fn inspector_mut(&mut self) -> &mut I {
        match self {
            Self::L1(evm) => &mut evm.inspector,
            Self::L2(evm, _) => &mut evm.0.inspector,
        }
    }
}

/// Tells the EVM what the next transaction pays for its bytes on L1, which it would compute itself otherwise.
fn charge<D: DatabaseRef, I>(
    evm: &mut L2Evm<D, I>,
    fees: &mut DataFees,
    tx: &OpTransaction<TxEnv>,
) -> Result<(), D::Error> {
    // Deposits have no bytes here, and pay nothing.
    let Some(raw) = &tx.enveloped_tx else { return Ok(()) };
    let context = &mut evm.0.ctx;
    let number = context.block.number;
    if context.chain.l2_block != Some(number) {
        // The first of its block: deposits, which set the prices, are over.
        context.chain = L1BlockInfo::try_fetch(context.db_mut(), number, OpSpecId::KARST)?;
    }
    context.chain.tx_l1_cost = Some(fees.fee(&context.chain, raw));
    Ok(())
}

type Ran = (TxResult, EvmState);

fn ran<H: core::fmt::Debug>(done: ExecResultAndState<ExecutionResult<H>>) -> Ran {
    (TxResult::from_evm(done.result), done.state)
}

impl<D: DatabaseRef, I> Machine<D, I> {
    /// Runs a transaction without keeping its changes.
    ///
    /// # Errors
    /// If the rules refuse it or the state source fails.
    pub fn transact(&mut self, tx: OpTransaction<TxEnv>) -> Result<Ran, TxError<D::Error>> {
        match self {
            Self::L1(evm) => evm.transact(tx.base).map(ran).map_err(l1_error),
            Self::L2(evm, fees) => {
                charge(evm, fees, &tx).map_err(TxError::Source)?;
                evm.transact(tx).map(ran).map_err(l2_error)
            }
        }
    }

    /// Runs a call from the system address, which costs nothing, and keeps its changes.
    ///
    /// # Errors
    /// If the state source fails.
    pub fn system_call(&mut self, target: Address, data: Bytes) -> Result<TxResult, TxError<D::Error>> {
        let (result, state) = match self {
            Self::L1(evm) => evm.system_call(target, data).map(ran).map_err(l1_error),
            Self::L2(evm, _) => evm.system_call(target, data).map(ran).map_err(l2_error),
        }?;
        self.state_mut().commit(state);
        Ok(result)
    }
}

impl<D: DatabaseRef, I: Inspector<L1Context<D>> + Inspector<L2Context<D>>> Machine<D, I> {
    /// Runs a transaction under the inspector, without keeping its changes.
    ///
    /// # Errors
    /// If the rules refuse it or the state source fails.
    pub fn inspect(&mut self, tx: OpTransaction<TxEnv>) -> Result<Ran, TxError<D::Error>> {
        match self {
            Self::L1(evm) => evm.inspect_tx(tx.base).map(ran).map_err(l1_error),
            Self::L2(evm, fees) => {
                charge(evm, fees, &tx).map_err(TxError::Source)?;
                evm.inspect_tx(tx).map(ran).map_err(l2_error)
            }
        }
    }
}

fn l1_error<E>(error: EVMError<E, InvalidTransaction>) -> TxError<E> {
    match error {
        EVMError::Database(source) => TxError::Source(source),
        EVMError::Transaction(invalid) => TxError::Invalid(invalid.to_string()),
        EVMError::Header(invalid) => TxError::Invalid(invalid.to_string()),
        EVMError::Custom(text) => TxError::Invalid(text),
        EVMError::CustomAny(any) => TxError::Invalid(any.to_string()),
    }
}

fn l2_error<E>(error: EVMError<E, OpTransactionError>) -> TxError<E> {
    match error {
        EVMError::Database(source) => TxError::Source(source),
        EVMError::Transaction(invalid) => TxError::Invalid(invalid.to_string()),
        EVMError::Header(invalid) => TxError::Invalid(invalid.to_string()),
        EVMError::Custom(text) => TxError::Invalid(text),
        EVMError::CustomAny(any) => TxError::Invalid(any.to_string()),
    }
}
