//! Log queries and filters.

use crate::served::{LOGGER, SOMEBODY, Served, number, quantity};
use alloy_primitives::{B256, U256};
use duplex_rpc::RpcConfig;
use serde_json::{Value, json};

fn topic() -> B256 {
    B256::with_last_byte(0x42)
}

/// Blocks 1 to `count`, with one log each.
async fn logging(config: RpcConfig, count: u64) -> Served {
    let served = Served::l1_with(config).await;
    for nonce in 0..count {
        served.send(nonce, LOGGER, Some(nonce));
        served.mine();
    }
    served
}

fn numbers(logs: &Value) -> Vec<u64> {
    logs.as_array().unwrap().iter().map(|log| number(&log["blockNumber"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn test_queries() {
    let served = logging(RpcConfig::default(), 5).await;
    let query = async |filter: Value| served.call("eth_getLogs", json!([filter])).await;
    assert_eq!(numbers(&query(json!({"fromBlock": "0x0"})).await), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&query(json!({})).await), [5]);
    assert_eq!(numbers(&query(json!({"fromBlock": "0x2", "toBlock": "0x3"})).await), [2, 3]);
    assert_eq!(numbers(&query(json!({"fromBlock": "earliest", "toBlock": "0x999"})).await), [1, 2, 3, 4, 5]);
    assert_eq!(query(json!({"fromBlock": "0x6", "toBlock": "0x9"})).await, json!([]));
    let hash = served.chain.hash_of(3).unwrap().unwrap();
    let logs = query(json!({"blockHash": hash})).await;
    assert_eq!(numbers(&logs), [3]);
    let log = &logs[0];
    assert_eq!(log["address"], json!(LOGGER));
    assert_eq!(log["topics"], json!([topic(), served.signer.address().into_word()]));
    assert_eq!(log["data"], json!(B256::from(U256::from(2))));
    assert_eq!(log["logIndex"], "0x0");
    assert_eq!(log["transactionIndex"], "0x0");
    assert_eq!(log["removed"], false);
    let from = served.signer.address().into_word();
    for (filter, count) in [
        (json!({"address": LOGGER}), 5),
        (json!({"address": [LOGGER, SOMEBODY]}), 5),
        (json!({"address": SOMEBODY}), 0),
        (json!({"topics": [topic()]}), 5),
        (json!({"topics": [[topic(), B256::ZERO]]}), 5),
        (json!({"topics": [null, from]}), 5),
        (json!({"topics": [topic(), from]}), 5),
        (json!({"topics": [topic(), topic()]}), 0),
        (json!({"topics": [topic(), null, topic()]}), 0),
        (json!({"topics": [from]}), 0),
    ] {
        let mut filter = filter;
        filter["fromBlock"] = json!("0x0");
        assert_eq!(query(filter.clone()).await.as_array().unwrap().len(), count, "{filter}");
    }
    let reply = served.reply("eth_getLogs", json!([{"blockHash": B256::ZERO}])).await;
    assert_eq!(reply["error"]["code"], -32000, "{reply}");
    let (code, message) = served.fail("eth_getLogs", json!([{"fromBlock": "0x4", "toBlock": "0x2"}])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("fromBlock 4"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_limits() {
    let config = RpcConfig { max_log_blocks: 6, max_logs: 3, ..Default::default() };
    let served = logging(config, 8).await;
    let (code, message) =
        served.fail("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "latest"}])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("spans 8 blocks, the limit is 6"), "{message}");
    let (code, message) = served.fail("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x6"}])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("more than 3 results in blocks 1 to 4"), "{message}");
    let logs = served.call("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x3"}])).await;
    assert_eq!(numbers(&logs), [1, 2, 3]);
    // The limit is on blocks that exist, however far the range goes.
    let far = json!([{"fromBlock": "0x7", "toBlock": "0xffffffffffffffff"}]);
    assert_eq!(numbers(&served.call("eth_getLogs", far).await), [7, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_filters_give_what_is_new() {
    let served = Served::l1().await;
    let id = served.call("eth_newFilter", json!([{"address": LOGGER}])).await;
    let blocks = served.call("eth_newBlockFilter", json!([])).await;
    let pending = served.call("eth_newPendingTransactionFilter", json!([])).await;
    let full = served.call("eth_newPendingTransactionFilter", json!([true])).await;
    let changes = async |id: &Value| served.call("eth_getFilterChanges", json!([id])).await;
    for id in [&id, &blocks, &pending, &full] {
        assert_eq!(changes(id).await, json!([]));
    }
    let hash = served.send(0, LOGGER, Some(1));
    assert_eq!(changes(&pending).await, json!([hash]));
    assert_eq!(changes(&full).await[0]["hash"], json!(hash));
    let block = served.mine();
    assert_eq!(changes(&blocks).await, json!([block.hash()]));
    let logs = changes(&id).await;
    assert_eq!(logs[0]["transactionHash"], json!(hash));
    assert_eq!(changes(&id).await, json!([]));
    assert_eq!(served.call("eth_getFilterLogs", json!([id])).await, logs);
    let (_, message) = served.fail("eth_getFilterLogs", json!([blocks])).await;
    assert!(message.contains("not one for logs"), "{message}");
    assert_eq!(served.call("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(served.call("eth_uninstallFilter", json!([id])).await, false);
    let (code, message) = served.fail("eth_getFilterChanges", json!([id])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("filter not found"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_filters_keep_to_their_range() {
    let served = Served::l1().await;
    let id = served.call("eth_newFilter", json!([{"fromBlock": "0x2", "toBlock": "0x3"}])).await;
    for nonce in 0..5 {
        served.send(nonce, LOGGER, Some(nonce));
        served.mine();
    }
    assert_eq!(numbers(&served.call("eth_getFilterChanges", json!([id])).await), [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_filters_tell_of_removed_logs() {
    let served = logging(RpcConfig::default(), 3).await;
    let id = served.call("eth_newFilter", json!([{}])).await;
    let blocks = served.call("eth_newBlockFilter", json!([])).await;
    let dev = served.dev.clone().unwrap();
    dev.reorg(2, true).unwrap();
    let mut logs = json!([]);
    for _ in 0..1000 {
        logs = served.call("eth_getFilterChanges", json!([id])).await;
        if logs != json!([]) {
            break;
        }
        tokio::time::sleep(core::time::Duration::from_millis(5)).await;
    }
    let told: Vec<(u64, bool)> = logs
        .as_array()
        .unwrap()
        .iter()
        .map(|log| (number(&log["data"]), log["removed"].as_bool().unwrap()))
        .collect();
    assert_eq!(told[..2], [(2, true), (1, true)]);
    let mut again: Vec<_> = told[2..].to_vec();
    again.sort_unstable();
    assert_eq!(again, [(1, false), (2, false)]);
    assert_eq!(served.call("eth_getFilterChanges", json!([id])).await, json!([]));
    let hashes = served.call("eth_getFilterChanges", json!([blocks])).await;
    let new: Vec<_> = (2..=3).map(|number| served.chain.hash_of(number).unwrap().unwrap()).collect();
    assert_eq!(hashes, json!(new));
}

#[tokio::test(flavor = "multi_thread")]
async fn test_filters_are_limited_and_expire() {
    let config = RpcConfig {
        max_filters: 2,
        filter_idle: core::time::Duration::from_millis(200),
        ..Default::default()
    };
    let served = Served::l1_with(config).await;
    let id = served.call("eth_newBlockFilter", json!([])).await;
    served.call("eth_newBlockFilter", json!([])).await;
    let (code, message) = served.fail("eth_newFilter", json!([{}])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("2 filters"), "{message}");
    tokio::time::sleep(core::time::Duration::from_millis(300)).await;
    served.fail("eth_getFilterChanges", json!([id])).await;
    served.call("eth_newFilter", json!([{}])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_many_logs_in_one_block_are_numbered() {
    let served = Served::l1().await;
    for nonce in 0..5 {
        served.send(nonce, LOGGER, Some(nonce));
    }
    served.mine();
    let logs = served.call("eth_getLogs", json!([{}])).await;
    for (index, log) in logs.as_array().unwrap().iter().enumerate() {
        assert_eq!(log["logIndex"], quantity(index));
        assert_eq!(log["transactionIndex"], quantity(index));
        let receipt = served.call("eth_getTransactionReceipt", json!([log["transactionHash"]])).await;
        assert_eq!(&receipt["logs"][0], log);
    }
    assert_eq!(logs.as_array().unwrap().len(), 5);
}
