//! `eth_subscribe` over WebSocket.

use crate::served::{self, LOGGER, Served, client::Socket, number};
use alloy_primitives::B256;
use alloy_rpc_types_eth::Header;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn test_heads_logs_and_transactions() {
    let served = Served::l1().await;
    let mut socket = Socket::connect(served.server.addr).await;
    let heads = socket.subscribe(json!(["newHeads"])).await;
    let logs = socket.subscribe(json!(["logs", {"address": LOGGER}])).await;
    let all_logs = socket.subscribe(json!(["logs"])).await;
    let none = socket.subscribe(json!(["logs", {"topics": [B256::ZERO]}])).await;
    let hashes = socket.subscribe(json!(["newPendingTransactions"])).await;
    let full = socket.subscribe(json!(["newPendingTransactions", true])).await;
    assert!(heads.starts_with("0x") && heads != logs);

    let hash = served.send(0, LOGGER, Some(9));
    assert_eq!(socket.notification(&hashes).await, json!(hash));
    let mut other = Socket::connect(served.server.addr).await;
    let late = other.subscribe(json!(["newHeads"])).await;
    assert_eq!(socket.notification(&full).await["hash"], json!(hash));
    let block = served.mine();
    let head = socket.notification(&heads).await;
    assert_eq!(head["hash"], json!(block.hash()));
    assert_eq!(head["baseFeePerGas"], format!("{:#x}", block.header().base_fee_per_gas.unwrap()));
    let _: Header = serde_json::from_value(head.clone()).unwrap();
    assert_eq!(other.notification(&late).await, head);
    let log = socket.notification(&logs).await;
    assert_eq!(log["transactionHash"], json!(hash));
    assert_eq!(socket.notification(&all_logs).await, log);

    assert_eq!(socket.call("eth_unsubscribe", json!([heads])).await["result"], true);
    assert_eq!(socket.call("eth_unsubscribe", json!([heads])).await["result"], false);
    assert_eq!(socket.call("eth_unsubscribe", json!([none])).await["result"], true);
    served.send(1, LOGGER, Some(10));
    served.mine();
    assert_eq!(number(&socket.notification(&logs).await["data"]), 10);
    // Calls and batches share the connection.
    assert_eq!(socket.call("eth_blockNumber", json!([])).await["result"], "0x2");
    socket
        .send(r#"[{"jsonrpc":"2.0","id":7,"method":"eth_chainId"},{"jsonrpc":"2.0","id":8,"method":"x"}]"#)
        .await;
    let batch = loop {
        let message = socket.receive().await;
        if message.is_array() {
            break message;
        }
    };
    assert_eq!(batch[0]["result"], "0x385");
    assert_eq!(batch[1]["error"]["code"], -32601);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_reorganisations_are_told() {
    let served = Served::l1().await;
    for nonce in 0..3 {
        served.send(nonce, LOGGER, Some(nonce));
        served.mine();
    }
    let mut socket = Socket::connect(served.server.addr).await;
    let heads = socket.subscribe(json!(["newHeads"])).await;
    let logs = socket.subscribe(json!(["logs"])).await;
    served.dev.clone().unwrap().reorg(2, true).unwrap();
    let mut told = Vec::new();
    for _ in 0..4 {
        let log = socket.notification(&logs).await;
        told.push((number(&log["data"]), log["removed"].as_bool().unwrap()));
    }
    assert_eq!(told[..2], [(2, true), (1, true)]);
    assert!(told[2..].iter().all(|(_, removed)| !removed));
    let new: Vec<Value> = [socket.notification(&heads).await, socket.notification(&heads).await].into();
    assert_eq!(new.iter().map(|head| number(&head["number"])).collect::<Vec<_>>(), [2, 3]);
}

/// A client that does not read is let go; the others and the chain do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn test_slow_clients_are_let_go() {
    let served = Served::l1().await;
    let mut slow = Socket::connect(served.server.addr).await;
    let id = slow.subscribe(json!(["newPendingTransactions", true])).await;
    let mut quick = Socket::connect(served.server.addr).await;
    let heads = quick.subscribe(json!(["newHeads"])).await;
    // More than its buffers and the chain's memory of arrivals hold.
    let mut nonce = 0;
    for _ in 0..12 {
        for _ in 0..3000 {
            served.send(nonce, served::SOMEBODY, None);
            nonce += 1;
        }
        while served.chain.pool().status().pending > 0 {
            served.mine();
        }
        quick.notification(&heads).await;
    }
    let mut seen = 0u64;
    let farewell = loop {
        let message = slow.receive().await;
        assert_eq!(message["params"]["subscription"], id.as_str());
        match message["params"].get("error") {
            Some(error) => break error.clone(),
            None => seen += 1,
        }
    };
    assert!(farewell.to_string().contains("events behind"), "{farewell}");
    assert!(seen < nonce, "{seen} of {nonce}");
    assert_eq!(slow.call("eth_chainId", json!([])).await["result"], "0x385");
}
