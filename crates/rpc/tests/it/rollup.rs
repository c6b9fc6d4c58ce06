//! What is different on L2.

use crate::served::{self, LOGGER, SOMEBODY, Served, number, quantity};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use duplex_primitives::{Transaction, anchor_deposit, predeploys};
use op_alloy_consensus::TxDeposit;
use serde_json::{Value, json};

fn deposit(source: u8, to: TxKind, mint: u128) -> Transaction {
    TxDeposit {
        source_hash: B256::repeat_byte(source),
        from: SOMEBODY,
        to,
        mint,
        value: U256::from(mint / 2),
        gas_limit: 200_000,
        is_system_transaction: false,
        input: Bytes::from_static(&[0x5f, 0x5f, 0xf3]),
    }
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn test_deposits_have_the_forms_of_other_rollups() {
    let served = Served::l2().await;
    let call = deposit(1, TxKind::Call(served::BURNER), 1000);
    let create = deposit(2, TxKind::Create, 0);
    let block = served.build(vec![call.clone(), create.clone()]);
    let tx = served.call("eth_getTransactionByHash", json!([call.hash()])).await;
    assert_eq!(tx["type"], "0x7e");
    assert_eq!(tx["sourceHash"], json!(B256::repeat_byte(1)));
    assert_eq!(tx["mint"], "0x3e8");
    assert_eq!(tx["value"], "0x1f4");
    assert_eq!(tx["from"], json!(SOMEBODY));
    assert_eq!(tx["gasPrice"], "0x0");
    assert_eq!(tx["nonce"], "0x0");
    assert_eq!(tx["depositReceiptVersion"], "0x1");
    assert_eq!((&tx["v"], &tx["r"], &tx["s"]), (&json!("0x0"), &json!("0x0"), &json!("0x0")));
    assert!(tx.get("isSystemTx").is_none());
    assert_eq!(tx["blockHash"], json!(block.hash()));
    let tx = served.call("eth_getTransactionByHash", json!([create.hash()])).await;
    assert!(tx.get("mint").is_none());
    assert_eq!(tx["nonce"], "0x1");
    assert_eq!(tx["to"], Value::Null);
    let receipt = served.call("eth_getTransactionReceipt", json!([create.hash()])).await;
    assert_eq!(receipt["depositNonce"], "0x1");
    assert_eq!(receipt["depositReceiptVersion"], "0x1");
    assert_eq!(receipt["type"], "0x7e");
    assert_eq!(receipt["effectiveGasPrice"], "0x0");
    assert_eq!(receipt["contractAddress"], json!(SOMEBODY.create(1)));
    assert!(receipt.get("l1Fee").is_none());
    let full = served.call("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(full["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(full["transactions"][1], tx);
    let raw = served.call("eth_getRawTransactionByHash", json!([create.hash()])).await;
    assert_eq!(raw, json!(Bytes::from(create.raw())));
    // Nor are there blobs.
    let (code, message) = served.fail("eth_sendRawTransaction", json!(["0x03c0"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("type not supported"), "{message}");
    // Nobody but the chain itself makes them.
    let (code, message) = served.fail("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("type not supported"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_receipts_tell_the_l1_fee_that_was_paid() {
    let served = Served::l2().await;
    let from = served.signer.address();
    let anchor = duplex_primitives::Header {
        number: 5,
        timestamp: 77,
        base_fee_per_gas: Some(3_000_000_000),
        ..Default::default()
    };
    let anchor = anchor_deposit(&anchor, B256::repeat_byte(5), 1, 9);
    let hash = served.send(0, LOGGER, Some(1));
    served.build(vec![anchor.clone()]);
    let receipt = served.call("eth_getTransactionReceipt", json!([hash])).await;
    let l1_fee = number(&receipt["l1Fee"]);
    assert_eq!(number(&receipt["l1GasPrice"]), 1_000_000_000);
    assert_eq!(number(&receipt["l1BaseFeeScalar"]), 2_500_000);
    assert_eq!(number(&receipt["l1BlobBaseFee"]), 1);
    assert_eq!(number(&receipt["l1BlobBaseFeeScalar"]), 0);
    assert!(number(&receipt["l1GasUsed"]) >= 1600, "{receipt}");
    assert!(l1_fee > 0);
    // Exactly that is what the balance says.
    let gas = number(&receipt["gasUsed"]) * number(&receipt["effectiveGasPrice"]);
    let balance: U256 = serde_json::from_value(served.call("eth_getBalance", json!([from])).await).unwrap();
    assert_eq!(U256::from(10).pow(U256::from(24)) - balance, U256::from(gas + l1_fee));
    let vault: U256 =
        serde_json::from_value(served.call("eth_getBalance", json!([predeploys::L1_FEE_VAULT])).await)
            .unwrap();
    assert_eq!(vault, U256::from(l1_fee));
    let receipts = served.call("eth_getBlockReceipts", json!(["latest"])).await;
    assert_eq!(receipts[1], receipt);
    assert!(receipts[0].get("l1Fee").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn test_fees_follow_the_rollups_rule() {
    let served = Served::l2().await;
    served.mine();
    assert_eq!(served.call("eth_blobBaseFee", json!([])).await, "0x1");
    assert_eq!(served.call("eth_maxPriorityFeePerGas", json!([])).await, quantity(1_000_000));
    assert_eq!(served.call("eth_gasPrice", json!([])).await, quantity(2_000_000));
    let history = served.call("eth_feeHistory", json!(["0x2", "latest", [50.0]])).await;
    assert_eq!(history["baseFeePerGas"], json!(vec![quantity(1_000_000); 3]));
    assert_eq!(history["blobGasUsedRatio"], json!([0.0, 0.0]));
    let block = served.call("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["miner"], json!(predeploys::SEQUENCER_FEE_VAULT));
    assert_eq!(block["extraData"].as_str().unwrap().len(), 2 + 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_blocks_whose_state_is_gone() {
    let served = Served::l2_with(duplex_storage::History::Window(4)).await;
    let from = served.signer.address();
    let anchor =
        duplex_primitives::Header { number: 5, base_fee_per_gas: Some(3_000_000_000), ..Default::default() };
    let anchor = anchor_deposit(&anchor, B256::repeat_byte(5), 1, 9);
    served.build(vec![anchor]);
    let hash = served.send(0, LOGGER, Some(1));
    served.mine();
    for _ in 0..500 {
        served.mine();
        if served.chain.history_floor().unwrap() > 2 {
            break;
        }
    }
    let floor = served.chain.history_floor().unwrap();
    assert!(floor > 2, "old state is removed");
    for (method, params) in [
        ("eth_getBalance", json!([from, "0x2"])),
        ("eth_call", json!([{"to": LOGGER}, "0x2"])),
        ("eth_getProof", json!([from, [], "0x2"])),
        ("eth_estimateGas", json!([{"to": LOGGER}, "0x2"])),
    ] {
        let (code, message) = served.fail(method, params).await;
        assert_eq!(code, -32000, "{message}");
        let floor = served.chain.history_floor().unwrap();
        assert!(message.ends_with(&format!("the oldest kept is that after block {floor}")), "{message}");
    }
    // Blocks, receipts and logs are there for ever; the fee is found where the anchor was set.
    let receipt = served.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(number(&receipt["l1GasPrice"]), 3_000_000_000);
    assert_eq!(number(&receipt["l1BlobBaseFee"]), 9);
    assert!(number(&receipt["l1Fee"]) > 0);
    let logs = served.call("eth_getLogs", json!([{"fromBlock": "0x2", "toBlock": "0x2"}])).await;
    assert_eq!(logs[0]["transactionHash"], json!(hash));
}
