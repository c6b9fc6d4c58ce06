//! Blocks and proofs from any Ethereum node.

use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U64};
use alloy_trie::TrieAccount;
use duplex_l1::{L1Header, Rpc};
use duplex_primitives::Transaction;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    block::Block,
    error::{BlockError, FetchError},
    ordered::OrderedTrie,
    proof::{Proof, SlotProof, StorageProof},
    receipt::{Outcome, Receipt},
};

/// What is read of a receipt in JSON.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonReceipt {
    #[serde(default)]
    r#type: U64,
    status: Option<U64>,
    root: Option<B256>,
    cumulative_gas_used: U64,
    logs: Vec<JsonLog>,
    deposit_nonce: Option<U64>,
    deposit_receipt_version: Option<U64>,
}

#[derive(Debug, Deserialize)]
struct JsonLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// The block that has a transaction, and the transaction's index in it.
///
/// # Errors
/// If the node has none, or does not say it rightly.
pub async fn block_with(rpc: &Rpc, transaction: B256) -> Result<(Block, usize), FetchError> {
    let receipt: Value = rpc.request("eth_getTransactionReceipt", (transaction,)).await?;
    let hash = serde_json::from_value::<B256>(receipt["blockHash"].clone())
        .map_err(|_| FetchError::NoTransaction(transaction))?;
    let L1Header { header, .. } =
        rpc.header_by_hash(hash).await?.ok_or_else(|| FetchError::NoBlock(hash.to_string()))?;
    let unreadable = |what: String| FetchError::Unreadable { block: hash, what };
    let full: Value = rpc.request("eth_getBlockByHash", (hash, true)).await?;
    let transactions = list(&full["transactions"])
        .map(|(i, tx)| match serde_json::from_value::<Transaction>(tx.clone()) {
            Ok(tx) => Ok(Bytes::from(tx.encoded_2718())),
            Err(error) => Err(unreadable(format!("transaction {i}: {error}"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Before anything is asked for each of them.
    let actual = OrderedTrie::new(&transactions).root();
    if actual != header.transactions_root {
        let expected = header.transactions_root;
        return Err(BlockError::Transactions { block: hash, expected, actual }.into());
    }
    let receipts = receipts(rpc, hash, &full).await?;
    let receipts = list(&receipts)
        .map(|(i, value)| match serde_json::from_value::<JsonReceipt>(value.clone()) {
            Ok(receipt) => encode(receipt).map_err(|what| unreadable(format!("receipt {i}: {what}"))),
            Err(error) => Err(unreadable(format!("receipt {i}: {error}"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let block = Block::new(header, transactions, receipts)?;
    let index = block.index_of(transaction).ok_or(FetchError::NoTransaction(transaction))?;
    Ok((block, index))
}

/// All receipts of a block: at once if the node can, else one by one.
async fn receipts(rpc: &Rpc, hash: B256, full: &Value) -> Result<Value, FetchError> {
    match rpc.request::<_, Value>("eth_getBlockReceipts", (hash,)).await {
        Ok(receipts) if receipts.is_array() => return Ok(receipts),
        Err(error) if error.is_temporary() => return Err(error.into()),
        _ => {}
    }
    let mut receipts = Vec::new();
    for (_, tx) in list(&full["transactions"]) {
        receipts.push(rpc.request::<_, Value>("eth_getTransactionReceipt", (tx["hash"].clone(),)).await?);
    }
    Ok(receipts.into())
}

fn list(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

fn encode(json: JsonReceipt) -> Result<Bytes, String> {
    let outcome = match (json.status.map(|status| status.to::<u64>()), json.root) {
        (Some(1), _) => Outcome::Success,
        (Some(0), _) => Outcome::Failure,
        (None, Some(root)) => Outcome::PostState(root),
        other => return Err(format!("neither status nor root: {other:?}")),
    };
    let tx_type = u8::try_from(json.r#type.to::<u64>()).map_err(|_| format!("type {}", json.r#type))?;
    let logs = json
        .logs
        .into_iter()
        .map(|log| Log { address: log.address, data: LogData::new_unchecked(log.topics, log.data) });
    let gas = json.cumulative_gas_used.to();
    // Both or neither: the nonce alone was not committed to (before Canyon).
    let deposit = match (json.deposit_nonce, json.deposit_receipt_version) {
        (Some(nonce), Some(version)) => vec![nonce.to(), version.to()],
        _ => Vec::new(),
    };
    Ok(Receipt { deposit, ..Receipt::new(tx_type, outcome, gas, logs.collect()) }.encode())
}

/// A block as people name it.
fn name(block: BlockNumberOrTag) -> String {
    block.as_number().map_or_else(|| block.to_string(), |number| number.to_string())
}

/// Proves an account and some of its slots after a block.
///
/// # Errors
/// If the node does not have the block or its state, or its proof does not hold.
pub async fn prove_storage(
    rpc: &Rpc,
    address: Address,
    slots: &[B256],
    block: BlockId,
) -> Result<Proof, FetchError> {
    let hash = match block {
        BlockId::Hash(hash) => hash.block_hash,
        BlockId::Number(number) => {
            let found: Value = rpc.request("eth_getBlockByNumber", (json!(number), false)).await?;
            serde_json::from_value(found["hash"].clone()).map_err(|_| FetchError::NoBlock(name(number)))?
        }
    };
    let L1Header { header, .. } =
        rpc.header_by_hash(hash).await?.ok_or_else(|| FetchError::NoBlock(hash.to_string()))?;
    // By number: many nodes know no other way. A reorganisation in between shows in the check.
    let answer = rpc.proof(address, slots, header.number).await?;
    if answer.storage_proof.len() != slots.len() {
        let what = format!("{} proofs for {} slots", answer.storage_proof.len(), slots.len());
        return Err(FetchError::Unreadable { block: hash, what });
    }
    let slots = slots.iter().zip(answer.storage_proof);
    let storage = StorageProof {
        header: alloy_rlp::encode(&header).into(),
        address,
        account: Some(TrieAccount {
            nonce: answer.nonce.to(),
            balance: answer.balance,
            storage_root: answer.storage_hash,
            code_hash: answer.code_hash,
        }),
        account_proof: answer.account_proof,
        slots: slots
            .map(|(slot, said)| SlotProof { slot: *slot, value: said.value, proof: said.proof })
            .collect(),
    };
    // An account that is not there and one without anything in it are written alike: the nodes tell.
    if answer.nonce.is_zero() && answer.balance.is_zero() {
        let absent = Proof::Storage(StorageProof { account: None, ..storage.clone() });
        if absent.check().is_ok() {
            return Ok(absent);
        }
    }
    let proof = Proof::Storage(storage);
    proof.check()?;
    Ok(proof)
}
