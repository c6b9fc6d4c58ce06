//! `ProofReader` in this process.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_sol_types::SolCall;
use duplex_contracts::{artifact, bindings::IProofReader};
use duplex_spv::{ItemProof, Proof, StorageProof};
use revm::{
    ExecuteEvm, MainBuilder, MainContext, MainnetEvm, SystemCallEvm,
    context::{BlockEnv, CfgEnv, Context, Journal, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    state::{AccountInfo, Bytecode},
};

const READER: Address = address!("0x0000000000000000000000000000000000520001");

type Database = CacheDB<EmptyDB>;

/// What the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// This.
    Yes(B256, Bytes),
    /// It reverted.
    No,
}

/// The contract.
pub(crate) struct Contract {
    evm: MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>>>,
    /// Gas of the dearest call so far, without what a transaction and its calldata cost.
    pub(crate) most: u64,
}

impl Contract {
    pub(crate) fn new() -> Self {
        let mut database = Database::default();
        let code = Bytecode::new_raw(artifact("ProofReader").deployed.clone());
        database.insert_account_info(READER, AccountInfo::from_bytecode(code));
        Self { evm: Context::mainnet().with_db(database).build_mainnet(), most: 0 }
    }

    pub(crate) fn call<C: SolCall>(&mut self, call: &C) -> Option<C::Return> {
        let result = self.evm.system_call_one(READER, call.abi_encode().into()).unwrap();
        self.evm.finalize();
        match result {
            ExecutionResult::Success { output, gas, .. } => {
                self.most = self.most.max(gas.tx_gas_used());
                Some(C::abi_decode_returns(output.data()).unwrap())
            }
            ExecutionResult::Revert { .. } => None,
            halted => panic!("{halted:?}"),
        }
    }

    /// What it says of a proof of an item or of a proof's first slot.
    pub(crate) fn check(&mut self, proof: &Proof) -> Said {
        let said = match proof.clone() {
            Proof::Transaction(ItemProof { header, index, proof, .. }) => self
                .call(&IProofReader::transactionCall { header, index: U256::from(index), proof })
                .map(|said| (said.blockHash, said.raw)),
            Proof::Receipt(ItemProof { header, index, proof, .. }) => self
                .call(&IProofReader::receiptCall { header, index: U256::from(index), proof })
                .map(|said| (said.blockHash, said.raw)),
            Proof::Storage(StorageProof { header, address, account_proof, slots, .. }) => {
                let slot = slots[0].clone();
                let call = IProofReader::slotCall {
                    header,
                    account: address,
                    key: slot.slot,
                    accountProof: account_proof,
                    slotProof: slot.proof,
                };
                self.call(&call)
                    .map(|said| (said.blockHash, Bytes::copy_from_slice(&said.value.to_be_bytes::<32>())))
            }
        };
        said.map_or(Said::No, |(block, value)| Said::Yes(block, value))
    }
}
