//! Blocks, transactions and receipts of L1.

use crate::served::{CHAIN_ID, LOGGER, SOMEBODY, Served, number, quantity};
use alloy_consensus::{SignableTransaction, TxLegacy};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{Block, Transaction as AlloyTransaction, TransactionReceipt};
use alloy_signer::SignerSync;
use duplex_primitives::Transaction;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn test_chain_facts() {
    let served = Served::l1().await;
    assert_eq!(served.call("eth_chainId", json!([])).await, "0x385");
    assert_eq!(served.call("eth_blockNumber", json!([])).await, "0x0");
    assert_eq!(served.call("eth_syncing", json!([])).await, false);
    assert_eq!(served.call("eth_accounts", json!([])).await, json!([]));
    assert_eq!(served.call("eth_protocolVersion", json!([])).await, "0x44");
    assert_eq!(served.call("eth_mining", json!([])).await, false);
    assert_eq!(served.call("eth_hashrate", json!([])).await, "0x0");
    assert!(served.call("eth_coinbase", json!([])).await.is_string());
    // Absent parameters are as good as none.
    let (_, body) = served.http().await.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["result"], "0x0");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_blocks_by_every_name() {
    let served = Served::l1().await;
    for _ in 0..10 {
        served.mine();
    }
    let by = async |tag: &str| served.call("eth_getBlockByNumber", json!([tag, false])).await;
    assert_eq!(number(&by("latest").await["number"]), 10);
    assert_eq!(number(&by("earliest").await["number"]), 0);
    assert_eq!(number(&by("safe").await["number"]), 6);
    assert_eq!(number(&by("finalized").await["number"]), 2);
    assert_eq!(number(&by("0x7").await["number"]), 7);
    assert_eq!(by("0x99").await, Value::Null);
    let pending = by("pending").await;
    assert_eq!(number(&pending["number"]), 11);
    assert_eq!(pending["parentHash"], by("latest").await["hash"]);
    let hash = &by("0x7").await["hash"];
    let block = served.call("eth_getBlockByHash", json!([hash, false])).await;
    assert_eq!(block, by("0x7").await);
    assert_eq!(served.call("eth_getBlockByHash", json!([B256::ZERO, true])).await, Value::Null);
    for field in [
        "baseFeePerGas",
        "blobGasUsed",
        "difficulty",
        "excessBlobGas",
        "extraData",
        "gasLimit",
        "gasUsed",
        "logsBloom",
        "miner",
        "mixHash",
        "nonce",
        "parentBeaconBlockRoot",
        "receiptsRoot",
        "requestsHash",
        "sha3Uncles",
        "size",
        "stateRoot",
        "timestamp",
        "transactionsRoot",
        "uncles",
        "withdrawals",
        "withdrawalsRoot",
    ] {
        assert!(!block[field].is_null(), "{field}: {block}");
    }
    let _: Block = serde_json::from_value(block).unwrap();
    let header = served.call("eth_getHeaderByNumber", json!(["0x7"])).await;
    assert_eq!(&header["hash"], hash);
    assert_eq!(served.call("eth_getHeaderByHash", json!([hash])).await, header);
    for method in ["eth_getUncleCountByBlockNumber", "eth_getBlockTransactionCountByNumber"] {
        assert_eq!(served.call(method, json!(["0x7"])).await, "0x0");
        assert_eq!(served.call(method, json!(["0x77"])).await, Value::Null);
    }
    assert_eq!(served.call("eth_getUncleCountByBlockHash", json!([hash])).await, "0x0");
    assert_eq!(served.call("eth_getUncleByBlockNumberAndIndex", json!(["0x7", "0x0"])).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_transactions_before_and_after_their_block() {
    let served = Served::l1().await;
    let raw = Bytes::from(served.sign(0, LOGGER, 0, Some(5)).raw());
    let hash = served.call("eth_sendRawTransaction", json!([raw])).await;
    let pending = served.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(pending["blockHash"], Value::Null);
    assert_eq!(pending["gasPrice"], quantity(10_000_000_000u64));
    assert_eq!(served.call("eth_getTransactionReceipt", json!([hash])).await, Value::Null);
    assert_eq!(served.call("eth_getRawTransactionByHash", json!([hash])).await, json!(raw));
    let from = served.signer.address();
    assert_eq!(served.call("eth_getTransactionBySenderAndNonce", json!([from, "0x0"])).await, pending);
    assert_eq!(served.call("eth_getTransactionCount", json!([from, "pending"])).await, "0x1");
    assert_eq!(served.call("eth_getTransactionCount", json!([from, "latest"])).await, "0x0");

    let block = served.mine();
    let mined = served.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(mined["blockHash"], json!(block.hash()));
    assert_eq!(mined["transactionIndex"], "0x0");
    assert_eq!(mined["type"], "0x2");
    assert_eq!(mined["from"], json!(from));
    assert_eq!(mined["yParity"], mined["v"]);
    let price = block.header().base_fee_per_gas.unwrap() + 1_000_000_000;
    assert_eq!(mined["gasPrice"], quantity(price));
    let decoded: AlloyTransaction = serde_json::from_value(mined.clone()).unwrap();
    assert_eq!(json!(decoded.inner.tx_hash()), hash);
    assert_eq!(
        served.call("eth_getTransactionByBlockHashAndIndex", json!([block.hash(), "0x0"])).await,
        mined
    );
    assert_eq!(served.call("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x0"])).await, mined);
    assert_eq!(
        served.call("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x1"])).await,
        Value::Null
    );
    assert_eq!(
        served.call("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])).await,
        json!(raw)
    );
    assert_eq!(served.call("eth_getTransactionCount", json!([from])).await, "0x1");
    let full = served.call("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(full["transactions"][0], mined);
    let hashes = served.call("eth_getBlockByNumber", json!(["latest"])).await;
    assert_eq!(hashes["transactions"], json!([hash]));

    let receipt = served.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["effectiveGasPrice"], quantity(price));
    assert_eq!(receipt["contractAddress"], Value::Null);
    assert_eq!(receipt["logs"][0]["address"], json!(LOGGER));
    assert_eq!(receipt["logs"][0]["removed"], false);
    assert!(receipt.get("l1Fee").is_none());
    let _: TransactionReceipt = serde_json::from_value(receipt.clone()).unwrap();
    for id in [json!("latest"), json!("0x1"), json!(block.hash()), json!({"blockHash": block.hash()})] {
        assert_eq!(served.call("eth_getBlockReceipts", json!([id])).await, json!([receipt]));
    }
    assert_eq!(served.call("eth_getBlockReceipts", json!(["0x55"])).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_legacy_creations() {
    let served = Served::l1().await;
    let legacy = |nonce: u64, chain_id: Option<u64>| -> Transaction {
        let tx = TxLegacy {
            chain_id,
            nonce,
            gas_price: 5_000_000_000,
            gas_limit: 100_000,
            to: TxKind::Create,
            value: U256::ZERO,
            // Returns the empty code.
            input: Bytes::from_static(&[0x5f, 0x5f, 0xf3]),
        };
        let signature = served.signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        tx.into_signed(signature).into()
    };
    let from = served.signer.address();
    let hash =
        served.call("eth_sendRawTransaction", json!([Bytes::from(legacy(0, Some(CHAIN_ID)).raw())])).await;
    served.mine();
    let tx = served.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(tx["to"], Value::Null);
    assert!(tx.get("yParity").is_none());
    assert!([CHAIN_ID * 2 + 35, CHAIN_ID * 2 + 36].contains(&number(&tx["v"])), "{tx}");
    let receipt = served.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["contractAddress"], json!(from.create(0)));
    assert_eq!(receipt["type"], "0x0");
    let decoded: AlloyTransaction = serde_json::from_value(tx).unwrap();
    assert_eq!(json!(decoded.inner.tx_hash()), hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_refused_transactions_get_the_pools_words() {
    let served = Served::l1().await;
    let send =
        async |tx: &Transaction| served.fail("eth_sendRawTransaction", json!([Bytes::from(tx.raw())])).await;
    let known = served.sign(0, SOMEBODY, 1, None);
    served.chain.submit(known.clone()).unwrap();
    assert_eq!(send(&known).await, (-32000, "already known".into()));
    served.mine();
    let (code, message) = send(&known).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("nonce too low"), "{message}");
    let (_, message) = send(&served.sign(0, LOGGER, 1, None)).await;
    assert!(message.starts_with("nonce too low"), "{message}");
    let blob = served.fail("eth_sendRawTransaction", json!(["0x03c0"])).await;
    assert_eq!(blob.0, -32602, "{}", blob.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_send_and_wait() {
    let served = Served::l1().await;
    let raw = |nonce| Bytes::from(served.sign(nonce, SOMEBODY, 1, None).raw());
    let params = json!([raw(0), 5000]);
    let (receipt, ()) = tokio::join!(served.call("eth_sendRawTransactionSync", params), async {
        while served.chain.pool().status().pending == 0 {
            tokio::time::sleep(core::time::Duration::from_millis(5)).await;
        }
        served.mine();
    });
    assert_eq!(receipt["blockNumber"], "0x1");
    let reply = served.reply("eth_sendRawTransactionSync", json!([raw(1), "0x32"])).await;
    assert_eq!(reply["error"]["code"], 4, "{reply}");
    assert_eq!(reply["error"]["data"], json!(served.sign(1, SOMEBODY, 1, None).hash()));
}

#[tokio::test(flavor = "multi_thread")]
async fn test_state_at_old_blocks() {
    let served = Served::l1().await;
    for nonce in 0..3 {
        served.send(nonce, LOGGER, Some(nonce + 100));
        served.mine();
    }
    let from = served.signer.address();
    for block in 1..=3u64 {
        let id = quantity(block);
        assert_eq!(served.call("eth_getTransactionCount", json!([from, id])).await, quantity(block));
        let slot = served.call("eth_getStorageAt", json!([LOGGER, "0x0", id])).await;
        assert_eq!(slot, json!(B256::from(U256::from(block + 99))));
        let hash = served.chain.hash_of(block).unwrap().unwrap();
        let id = json!({"blockHash": hash, "requireCanonical": true});
        let full_key = B256::ZERO;
        assert_eq!(served.call("eth_getStorageAt", json!([LOGGER, full_key, id])).await, slot);
    }
    let rich = served.call("eth_getBalance", json!([from, "earliest"])).await;
    assert_eq!(rich, quantity(10u128.pow(24)));
    assert_eq!(served.call("eth_getBalance", json!([SOMEBODY])).await, "0x0");
    assert_eq!(served.call("eth_getCode", json!([SOMEBODY])).await, "0x");
    assert_eq!(
        served.call("eth_getCode", json!([LOGGER, "latest"])).await,
        "0x5f355f5233604260205fa25f355f5500"
    );
    let (code, message) = served.fail("eth_getBalance", json!([from, "0x44"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("0x44") || message.contains("68"), "{message}");
    let unknown = json!({"blockHash": B256::repeat_byte(1), "requireCanonical": true});
    let (_, message) = served.fail("eth_getBalance", json!([from, unknown])).await;
    assert!(message.contains("not currently canonical"), "{message}");
}
