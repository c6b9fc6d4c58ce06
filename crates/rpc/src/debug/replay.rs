//! Executes a block of the chain again, under a tracer.

use std::sync::Arc;

use alloy_rpc_types_trace::geth::GethTrace;
use duplex_chain::{BlockData, StateAt, StateError};
use duplex_stf::{Machine, Overlay, Relaxed, TxResult, TxStatus, block_env, tx_env};
use op_revm::OpTransaction;
use revm::{
    DatabaseCommit, DatabaseRef,
    context::TxEnv,
    context_interface::result::{
        ExecutionResult, HaltReason, OutOfGasError, Output, ResultAndState, ResultGas, SuccessReason,
    },
    inspector::NoOpInspector,
    state::EvmState,
};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};

use super::options::Tracer;
use crate::{ChainApi, RpcError, RpcResult};

/// A block in the middle of being executed again.
#[derive(Debug)]
pub(super) struct Replay {
    machine: Machine<StateAt, Tracer>,
    block: Arc<BlockData>,
    next: usize,
}

impl Replay {
    /// The block before its first transaction: the state after its parent, and the system calls
    /// that open every block.
    pub(super) fn new(api: &ChainApi, block: Arc<BlockData>, tracer: Tracer) -> RpcResult<Self> {
        let header = block.header();
        let Some(parent) = header.number.checked_sub(1) else {
            return Err(RpcError::Rejected("genesis is not traceable".into()));
        };
        let gone = || RpcError::Rejected(format!("block {} is not on the chain any more", block.hash()));
        let state = api.state_after(parent)?.ok_or_else(gone)?;
        if state.block_hash_ref(parent)? != header.parent_hash {
            return Err(gone());
        }
        let config = api.chain().config();
        let env = block_env(config, header);
        let mut machine = Machine::new(config, env, Overlay::new(state), Relaxed::default(), tracer);
        machine.open(config, header).map_err(RpcError::internal)?;
        Ok(Self { machine, block, next: 0 })
    }

    /// Executes transactions without looking, up to the one at `index`.
    pub(super) fn skip_to(&mut self, index: usize) -> RpcResult<()> {
        while self.next < index {
            self.machine.inspector_mut().0.look();
            check(&mut self.machine)?;
            let tx = self.transaction()?;
            let (result, state) = self.machine.transact(tx).map_err(|error| self.diverged(error))?;
            self.keep(&result, state)?;
        }
        Ok(())
    }

    /// Executes the next transaction under the tracer.
    pub(super) fn trace_next(&mut self) -> RpcResult<GethTrace> {
        let tx = self.transaction()?;
        let context = TransactionContext {
            block_hash: Some(self.block.hash()),
            tx_index: Some(self.next),
            tx_hash: self.block.tx_hashes.get(self.next).copied(),
        };
        let (trace, result, state) = trace(&mut self.machine, tx, context)?;
        self.keep(&result, state)?;
        Ok(trace)
    }

    fn transaction(&self) -> RpcResult<OpTransaction<TxEnv>> {
        let tx = self.block.transactions().get(self.next);
        match tx.zip(self.block.recovered.senders.get(self.next)) {
            Some((tx, sender)) => Ok(tx_env(tx, *sender)),
            None => Err(RpcError::Rejected(format!(
                "block {} has no transaction {}",
                self.block.number(),
                self.next
            ))),
        }
    }

    fn keep(&mut self, result: &TxResult, state: EvmState) -> RpcResult<()> {
        let receipt = &self.block.receipts[self.next];
        if receipt.success != result.is_success() || self.block.gas_used(self.next) != result.gas_used {
            return Err(self.diverged("it ends in another way than its receipt says"));
        }
        self.machine.state_mut().commit(state);
        self.next += 1;
        Ok(())
    }

    /// Only a development chain can get here: it changes the state outside of transactions, and
    /// keeps no record of that.
    fn diverged(&self, why: impl core::fmt::Display) -> RpcError {
        RpcError::Rejected(format!(
            "transaction {} of block {} cannot be executed again ({why}): the block changed state by decree \
             before it, as anvil_setBalance does",
            self.next,
            self.block.number()
        ))
    }
}

/// Executes a transaction under the machine's tracer, without keeping its changes.
pub(super) fn trace<D: DatabaseRef<Error = StateError>>(
    machine: &mut Machine<D, Tracer>,
    tx: OpTransaction<TxEnv>,
    context: TransactionContext,
) -> RpcResult<(GethTrace, TxResult, EvmState)> {
    machine.inspector_mut().0.look();
    let env = tx.base.clone();
    let ran = machine.inspect(tx);
    check(machine)?;
    let (result, state) = ran?;
    let ran = ResultAndState::new(execution_result(&result), state);
    let block = machine.block().clone();
    // The tracer looks at the state before the transaction, which is inside the same machine.
    let idle = DebugInspector::Noop(NoOpInspector);
    let mut inspector = std::mem::replace(&mut machine.inspector_mut().1, idle);
    let trace = inspector
        .get_result(Some(context), &env, &block, &ran, &mut machine.state())
        .map_err(RpcError::internal)?;
    inspector.fuse().map_err(RpcError::internal)?;
    machine.inspector_mut().1 = inspector;
    Ok((trace, result, ran.state))
}

fn check<D: DatabaseRef>(machine: &mut Machine<D, Tracer>) -> RpcResult<()> {
    match machine.inspector_mut().0.tripped() {
        Some(why) => Err(RpcError::Limit(why.to_owned())),
        None => Ok(()),
    }
}

/// The EVM's own form of a result, as far as tracers read it: gas and output.
fn execution_result(result: &TxResult) -> ExecutionResult {
    let gas = ResultGas::default().with_total_gas_spent(result.gas_used);
    let (logs, output) = (result.logs.clone(), result.output.clone());
    match &result.status {
        TxStatus::Success => {
            let output = match result.created {
                Some(address) => Output::Create(output, Some(address)),
                None => Output::Call(output),
            };
            ExecutionResult::Success { reason: SuccessReason::Return, gas, logs, output }
        }
        TxStatus::Revert => ExecutionResult::Revert { gas, logs, output },
        TxStatus::Halt(_) => {
            ExecutionResult::Halt { reason: HaltReason::OutOfGas(OutOfGasError::Basic), gas, logs }
        }
    }
}
