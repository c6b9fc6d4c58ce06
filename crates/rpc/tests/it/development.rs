//! The methods of the development L1, as tools call them.

use crate::devkit::{self, GENESIS_TIME, Kit};
use alloy_primitives::{Address, B256, U256, keccak256};
use revm::DatabaseRef;
use serde_json::{Value, json};

const SOMEBODY: Address = Address::repeat_byte(0x11);

#[tokio::test]
async fn test_mine_gives_anvils_answers() {
    let kit = Kit::new();
    assert_eq!(kit.call("evm_mine", json!([])).await, "0x0");
    assert_eq!(kit.head().0, 1);
    assert_eq!(kit.call("anvil_mine", json!([])).await, Value::Null);
    assert_eq!(kit.call("hardhat_mine", json!(["0x3"])).await, Value::Null);
    assert_eq!(kit.call("anvil_mine", json!([2])).await, Value::Null);
    assert_eq!(kit.head().0, 7);
    assert_eq!(kit.call("evm_mine", json!([{"blocks": 2}])).await, "0x0");
    assert_eq!(kit.head().0, 9);
    let (code, message) = kit.fail("anvil_mine", json!(["0xffffffffffff"])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("100000"), "{message}");
    assert_eq!(kit.fail("anvil_mine", json!(["many"])).await.0, -32602);
}

#[tokio::test]
async fn test_mine_with_interval_spaces_blocks() {
    let kit = Kit::new();
    kit.call("evm_mine", json!([])).await;
    let (first, _, start) = kit.head();
    kit.call("anvil_mine", json!(["0x3", "0xa"])).await;
    for i in 1..=3 {
        let header = kit.dev.chain().header(first + i).unwrap().unwrap();
        let expected = start + 10 * i;
        // The wall clock may have moved on by a second before the first.
        assert!((expected..=expected + 1).contains(&header.timestamp), "{} {expected}", header.timestamp);
    }
}

#[tokio::test]
async fn test_time_is_controlled() {
    let kit = Kit::new();
    kit.call("evm_mine", json!([])).await;
    let (.., before) = kit.head();
    assert!(before > GENESIS_TIME);
    assert_eq!(kit.call("evm_increaseTime", json!([1000])).await, 1000);
    assert_eq!(kit.call("evm_increaseTime", json!(["0x10"])).await, 1016);
    kit.call("evm_mine", json!([])).await;
    assert!(kit.head().2 >= before + 1016);

    let target = before + 100_000;
    let next = "evm_setNextBlockTimestamp";
    assert_eq!(kit.call(next, json!([target])).await, Value::Null);
    kit.call("evm_mine", json!([])).await;
    assert_eq!(kit.head().2, target);
    kit.call(next, json!([format!("{:#x}", target + 50)])).await;
    kit.call("evm_mine", json!([])).await;
    assert_eq!(kit.head().2, target + 50);
    let (code, message) = kit.fail(next, json!([target])).await;
    assert_eq!(code, -32602);
    assert!(message.contains(&target.to_string()), "{message}");

    assert_eq!(kit.call("evm_mine", json!([{"blocks": 2, "timestamp": target + 200}])).await, "0x0");
    assert!(kit.head().2 > target + 200);
    assert_eq!(kit.call("evm_mine", json!([target + 300])).await, "0x0");
    assert_eq!(kit.head().2, target + 300);
    let seconds = kit.call("evm_setTime", json!([target + 5000])).await.as_u64().unwrap();
    assert!((4690..=4700).contains(&seconds), "{seconds}");
    kit.call("evm_mine", json!([])).await;
    assert!(kit.head().2 >= target + 5000);
    assert_eq!(kit.fail("evm_setTime", json!([1])).await.0, -32602);
    assert_eq!(kit.fail("evm_increaseTime", json!([-5])).await.0, -32602);
    assert_eq!(kit.fail("evm_increaseTime", json!([])).await.0, -32602);
}

#[tokio::test]
async fn test_mining_modes_exclude_each_other() {
    let kit = Kit::new();
    assert_eq!(kit.call("anvil_getAutomine", json!([])).await, false);
    kit.call("evm_setAutomine", json!([true])).await;
    assert_eq!(kit.call("anvil_getAutomine", json!([])).await, true);
    kit.call("evm_setIntervalMining", json!([3])).await;
    assert_eq!(kit.call("anvil_getAutomine", json!([])).await, false);
    assert_eq!(kit.call("anvil_getIntervalMining", json!([])).await, 3);
    kit.call("anvil_setIntervalMining", json!(["0x0"])).await;
    assert_eq!(kit.call("anvil_getIntervalMining", json!([])).await, Value::Null);
    kit.call("anvil_setIntervalMining", json!([9])).await;
    kit.call("anvil_setAutomine", json!([true])).await;
    assert_eq!(kit.call("anvil_getIntervalMining", json!([])).await, Value::Null);
    assert_eq!(kit.fail("evm_setIntervalMining", json!(["0xffffffffffffffff"])).await.0, -32602);
    assert_eq!(kit.fail("evm_setAutomine", json!(["yes"])).await.0, -32602);
}

#[tokio::test]
async fn test_snapshot_is_reverted_once() {
    let kit = Kit::new();
    kit.call("evm_mine", json!([])).await;
    let before = kit.head();
    let id = kit.call("evm_snapshot", json!([])).await;
    assert!(id.as_str().unwrap().starts_with("0x"));
    kit.call("anvil_setBalance", json!([SOMEBODY, "0x5"])).await;
    let later = kit.call("anvil_snapshot", json!([])).await;
    kit.call("anvil_mine", json!([3])).await;
    let metadata = kit.call("anvil_metadata", json!([])).await;
    assert_eq!(metadata["snapshots"][id.as_str().unwrap()], json!({"blockNumber": 1, "blockHash": before.1}));
    assert_eq!(kit.call("evm_revert", json!([id])).await, true);
    assert_eq!(kit.head(), before);
    assert!(kit.dev.chain().state().basic_ref(SOMEBODY).unwrap().is_none());
    assert_eq!(kit.call("evm_revert", json!([id])).await, false);
    assert_eq!(kit.call("anvil_revert", json!([later])).await, false);
    assert_eq!(kit.call("anvil_metadata", json!([])).await["snapshots"], json!({}));
}

#[tokio::test]
async fn test_state_is_set_by_decree() {
    let kit = Kit::new();
    let slot = U256::from(9);
    assert_eq!(kit.call("anvil_setBalance", json!([SOMEBODY, "0xde0b6b3a7640000"])).await, Value::Null);
    assert_eq!(kit.call("hardhat_setNonce", json!([SOMEBODY, 5])).await, Value::Null);
    assert_eq!(kit.call("anvil_setCode", json!([SOMEBODY, "0x6001"])).await, Value::Null);
    let set = json!([SOMEBODY, "0x9", B256::with_last_byte(3)]);
    assert_eq!(kit.call("anvil_setStorageAt", set).await, true);
    let state = kit.dev.chain().state();
    let info = state.basic_ref(SOMEBODY).unwrap().unwrap();
    assert_eq!((info.balance, info.nonce), (U256::from(10).pow(U256::from(18)), 5));
    assert_eq!(info.code_hash, keccak256([0x60, 0x01]));
    assert_eq!(state.storage_ref(SOMEBODY, slot).unwrap(), U256::from(3));
    kit.call("hardhat_setStorageAt", json!([SOMEBODY, 9, B256::ZERO])).await;
    assert_eq!(kit.dev.chain().state().storage_ref(SOMEBODY, slot).unwrap(), U256::ZERO);

    assert_eq!(kit.call("anvil_setCoinbase", json!([SOMEBODY])).await, Value::Null);
    kit.call("evm_mine", json!([])).await;
    assert_eq!(kit.dev.chain().head().header.beneficiary, SOMEBODY);
    assert_eq!(kit.fail("anvil_setBalance", json!([SOMEBODY])).await.0, -32602);
    assert_eq!(kit.fail("anvil_setBalance", json!(["0x12", "0x1"])).await.0, -32602);
}

#[tokio::test]
async fn test_reorg_changes_hashes_and_keeps_transactions() {
    let kit = Kit::new();
    kit.call("anvil_mine", json!([2])).await;
    let tx = kit.send(0, SOMEBODY, 7);
    kit.call("evm_mine", json!([])).await;
    kit.call("evm_mine", json!([])).await;
    let before: Vec<_> = (0..=4).map(|i| kit.dev.chain().hash_of(i).unwrap().unwrap()).collect();
    assert_eq!(kit.call("anvil_reorg", json!([2, []])).await, Value::Null);
    let after: Vec<_> = (0..=4).map(|i| kit.dev.chain().hash_of(i).unwrap().unwrap()).collect();
    assert_eq!(before[..3], after[..3]);
    assert_ne!(before[3], after[3]);
    assert_ne!(before[4], after[4]);
    assert!(kit.dev.chain().transaction(tx).unwrap().is_some());
    assert_eq!(kit.dev.chain().state().basic_ref(SOMEBODY).unwrap().unwrap().balance, U256::from(7));

    assert_eq!(kit.call("anvil_reorg", json!([{"depth": 1, "tx_block_pairs": []}])).await, Value::Null);
    assert_eq!(kit.head().0, 4);
    assert_ne!(kit.head().1, after[4]);
    let (code, message) = kit.fail("anvil_reorg", json!([5, []])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("current height 4, depth 5"), "{message}");
    let (code, message) = kit.fail("anvil_reorg", json!([1, [["0x00", 0]]])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("tx_block_pairs"), "{message}");
}

#[tokio::test]
async fn test_pool_is_emptied_by_hash_and_whole() {
    let kit = Kit::new();
    let first = kit.send(0, SOMEBODY, 1);
    let second = kit.send(1, SOMEBODY, 1);
    kit.send(5, SOMEBODY, 1);
    assert_eq!(kit.call("anvil_dropTransaction", json!([second])).await, json!(second));
    assert_eq!(kit.call("anvil_dropTransaction", json!([second])).await, Value::Null);
    assert_eq!(kit.call("txpool_status", json!([])).await, json!({"pending": "0x1", "queued": "0x1"}));
    assert!(kit.dev.chain().pool().contains(first));
    assert_eq!(kit.call("anvil_dropAllTransactions", json!([])).await, Value::Null);
    assert_eq!(kit.call("txpool_status", json!([])).await, json!({"pending": "0x0", "queued": "0x0"}));
}

#[tokio::test]
async fn test_node_says_what_it_is() {
    let kit = Kit::new();
    kit.call("evm_mine", json!([])).await;
    let (number, hash, timestamp) = kit.head();
    let info = kit.call("anvil_nodeInfo", json!([])).await;
    assert_eq!(info["currentBlockNumber"], format!("{number:#x}"));
    assert_eq!(info["currentBlockTimestamp"], timestamp);
    assert_eq!(info["currentBlockHash"], json!(hash));
    assert_eq!(info["environment"]["chainId"], devkit::CHAIN_ID);
    assert_eq!(info["environment"]["gasLimit"], "0x3938700");
    assert_eq!(info["forkConfig"]["forkUrl"], Value::Null);
    let metadata = kit.call("hardhat_metadata", json!([])).await;
    assert_eq!(metadata["latestBlockNumber"], 1);
    assert_eq!(metadata["latestBlockHash"], json!(hash));
    assert_eq!(metadata["clientSemver"], "0.1.0");
}

#[tokio::test]
async fn test_txpool_has_geths_shapes() {
    let kit = Kit::new();
    let first = kit.send(0, SOMEBODY, 1);
    let gapped = kit.send(2, SOMEBODY, 3);
    let sender = kit.signer.address();
    let key = sender.to_checksum(None);
    let content = kit.call("txpool_content", json!([])).await;
    assert_eq!(content["pending"][&key]["0"]["hash"], json!(first));
    assert_eq!(content["pending"][&key]["0"]["blockHash"], Value::Null);
    assert_eq!(content["queued"][&key]["2"]["hash"], json!(gapped));
    assert_eq!(content["pending"][&key].as_object().unwrap().len(), 1);
    let from = kit.call("txpool_contentFrom", json!([sender])).await;
    assert_eq!(from["pending"]["0"], content["pending"][&key]["0"]);
    assert_eq!(from["queued"]["2"], content["queued"][&key]["2"]);
    let other = kit.call("txpool_contentFrom", json!([SOMEBODY])).await;
    assert_eq!(other, json!({"pending": {}, "queued": {}}));
    let inspect = kit.call("txpool_inspect", json!([])).await;
    let line = format!("{}: 3 wei + 200000 gas × 10000000000 wei", SOMEBODY.to_checksum(None));
    assert_eq!(inspect["queued"][&key]["2"], line);
    kit.call("evm_mine", json!([])).await;
    let content = kit.call("txpool_content", json!([])).await;
    assert_eq!(content["pending"], json!({}));
}
