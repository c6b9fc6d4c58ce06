//! One transaction type for both chains.

use alloc::vec::Vec;
use alloy_consensus::{EthereumTxEnvelope, Sealable, Sealed, Signed, TransactionEnvelope, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, sol};
use op_alloy_consensus::TxDeposit;

use crate::{Header, predeploys};

/// A transaction of either chain: Ethereum's own kinds, and deposits (`0x7e`) on L2.
///
/// Which kinds a chain accepts is decided by its rules: blob transactions on L1 only, deposits on
/// L2 only.
#[derive(Debug, Clone, TransactionEnvelope)]
#[envelope(tx_type_name = TxType)]
pub enum Transaction {
    /// Legacy, EIP-2930, EIP-1559, EIP-4844 (without its blobs) or EIP-7702.
    #[envelope(flatten)]
    Ethereum(EthereumTxEnvelope<TxEip4844>),
    /// A message from L1, or the anchor update: executed without signature and without fee.
    #[envelope(ty = 126)]
    #[serde(serialize_with = "op_alloy_consensus::serde_deposit_tx_rpc")]
    Deposit(Sealed<TxDeposit>),
}

impl Transaction {
    /// The hash of the transaction: `keccak256` of its EIP-2718 encoding.
    pub fn hash(&self) -> B256 {
        match self {
            Self::Ethereum(tx) => *tx.tx_hash(),
            Self::Deposit(tx) => tx.seal(),
        }
    }

    /// True for message and anchor transactions.
    pub const fn is_deposit(&self) -> bool {
        matches!(self, Self::Deposit(_))
    }

    /// The deposit inside, if it is one.
    pub const fn as_deposit(&self) -> Option<&Sealed<TxDeposit>> {
        match self {
            Self::Deposit(tx) => Some(tx),
            Self::Ethereum(_) => None,
        }
    }

    /// The sender: recovered from the signature (which must have a low `s`, EIP-2), or named by
    /// the deposit. `None` if the signature is not valid.
    #[cfg(any(feature = "std", feature = "k256"))]
    pub fn sender(&self) -> Option<alloy_primitives::Address> {
        match self {
            Self::Ethereum(tx) => alloy_consensus::transaction::SignerRecoverable::recover_signer(tx).ok(),
            Self::Deposit(tx) => Some(tx.from),
        }
    }

    /// The EIP-2718 bytes.
    pub fn raw(&self) -> Vec<u8> {
        self.encoded_2718()
    }
}

impl From<TxDeposit> for Transaction {
    fn from(tx: TxDeposit) -> Self {
        Self::Deposit(tx.seal_slow())
    }
}

impl<T> From<Signed<T>> for Transaction
where
    EthereumTxEnvelope<TxEip4844>: From<Signed<T>>,
{
    fn from(tx: Signed<T>) -> Self {
        Self::Ethereum(tx.into())
    }
}

sol! {
    /// Sets the anchor in the `L1Block` predeploy.
    function setAnchor(uint64 number, uint64 timestamp, uint256 basefee, bytes32 hash, uint256 blobBaseFee);
}

/// Gas limit of the anchor transaction. It uses far less; nobody pays for it.
const ANCHOR_GAS: u64 = 1_000_000;

/// The deposit that tells L2 its new anchor: the first transaction of every block whose anchor
/// differs from its parent's. Its source hash is `keccak(1 ‖ keccak(anchorHash ‖ blockNumber))`.
pub fn anchor_deposit(
    anchor: &Header,
    anchor_hash: B256,
    block_number: u64,
    blob_base_fee: u128,
) -> Transaction {
    let mut inner = [0u8; 64];
    inner[..32].copy_from_slice(anchor_hash.as_slice());
    inner[56..].copy_from_slice(&block_number.to_be_bytes());
    let mut outer = [0u8; 64];
    outer[31] = 1;
    outer[32..].copy_from_slice(keccak256(inner).as_slice());
    let call = setAnchorCall {
        number: anchor.number,
        timestamp: anchor.timestamp,
        basefee: U256::from(anchor.base_fee_per_gas.unwrap_or_default()),
        hash: anchor_hash,
        blobBaseFee: U256::from(blob_base_fee),
    };
    TxDeposit {
        source_hash: keccak256(outer),
        from: predeploys::DEPOSITOR,
        to: TxKind::Call(predeploys::L1_BLOCK),
        mint: 0,
        value: U256::ZERO,
        gas_limit: ANCHOR_GAS,
        is_system_transaction: false,
        input: Bytes::from(call.abi_encode()),
    }
    .into()
}
