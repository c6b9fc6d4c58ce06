//! The contract that executes steps on L1, executed here: `RiscvStep` and `PreimageOracle` in an EVM in this process.

use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use duplex_contracts::{artifact, bindings::IRiscvStep};
use revm::{
    ExecuteEvm, MainBuilder, MainContext, MainnetEvm, SystemCallEvm,
    context::{BlockEnv, CfgEnv, Context, Journal, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    state::{AccountInfo, Bytecode},
};

use crate::{PartKey, StepWitness};

const STEP: Address = address!("0x0000000000000000000000000000000000510001");
const ORACLE: Address = address!("0x0000000000000000000000000000000000510002");

type Database = CacheDB<EmptyDB>;

/// Why the contract gave no next state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It reverted: the proof is not one. The data name the error.
    #[error("reverted with {0}")]
    Reverted(Bytes),
    /// It did something that it never should.
    #[error("did not come to an end: {0}")]
    Failed(String),
}

/// A step that the contract has executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// Hash of the next state.
    pub next: B256,
    /// Gas that the call takes, without what a transaction and its calldata cost.
    pub gas: u64,
}

/// The contracts.
pub struct Contract {
    evm: MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>>>,
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").finish_non_exhaustive()
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self::new()
    }
}

impl Contract {
    /// The contracts as they are deployed, with no parts in the oracle.
    pub fn new() -> Self {
        let mut database = Database::default();
        for (address, name) in [(STEP, "RiscvStep"), (ORACLE, "PreimageOracle")] {
            let code = Bytecode::new_raw(artifact(name).deployed.clone());
            database.insert_account_info(address, AccountInfo::from_bytecode(code));
        }
        Self { evm: Context::mainnet().with_db(database).build_mainnet() }
    }

    /// Puts a part into the oracle, as loading it would.
    pub fn load(&mut self, key: &PartKey, data: &B256, length: u64) {
        // `mapping(kind => mapping(key => mapping(offset => Part)))` in slot 0; then data, then length and a flag.
        let within = |key: B256, slot: B256| keccak256((key, slot).abi_encode());
        let kind = within(U256::from(key.kind as u8).into(), B256::ZERO);
        let slot: U256 = within(U256::from(key.offset).into(), within(key.key, kind)).into();
        let second = U256::from(length) | U256::from(1) << 64;
        let database = &mut self.evm.ctx.journaled_state.database;
        // Nothing is behind this database that could fail.
        let Ok(()) = database.insert_account_storage(ORACLE, slot, (*data).into());
        let Ok(()) = database.insert_account_storage(ORACLE, slot + U256::from(1), second);
    }

    /// `RiscvStep.step`.
    pub fn step(
        &mut self,
        code_root: &B256,
        statement: &B256,
        witness: &StepWitness,
    ) -> Result<Executed, Refused> {
        let call = IRiscvStep::stepCall {
            codeRoot: *code_root,
            statement: *statement,
            oracle: ORACLE,
            state: witness.state.clone().into(),
            code: witness.code.clone().into(),
            mem: witness.memory.clone().into(),
        };
        let result = self.evm.system_call_one(STEP, call.abi_encode().into());
        // Forgets what was touched, so that each call pays the same.
        self.evm.finalize();
        match result {
            Ok(ExecutionResult::Success { output, gas, .. }) => {
                let next = IRiscvStep::stepCall::abi_decode_returns(output.data());
                let next = next.map_err(|error| Refused::Failed(error.to_string()))?;
                Ok(Executed { next, gas: gas.tx_gas_used() })
            }
            Ok(ExecutionResult::Revert { output, .. }) => Err(Refused::Reverted(output)),
            Ok(ExecutionResult::Halt { reason, .. }) => Err(Refused::Failed(format!("{reason:?}"))),
            Err(error) => Err(Refused::Failed(error.to_string())),
        }
    }
}
