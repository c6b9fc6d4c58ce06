//! Fees on L1.

use crate::served::{self, CHAIN_ID, SOMEBODY, Served, number, quantity};
use alloy_consensus::TxEip1559;
use alloy_rpc_types_eth::FeeHistory;
use serde_json::json;

fn tipping(served: &Served, nonce: u64, tip: u128) {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: tip,
        to: SOMEBODY.into(),
        ..Default::default()
    };
    served.chain.submit(served::sign(&served.signer, tx)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn test_history_has_rewards_and_the_next_fee() {
    let served = Served::l1().await;
    for (nonce, tip) in [1u128, 2, 3, 4].into_iter().enumerate() {
        tipping(&served, nonce as u64, tip * 1_000_000_000);
    }
    let first = served.mine();
    let second = served.mine();
    let reply = served.call("eth_feeHistory", json!(["0x2", "latest", [0, 25, 50, 75, 100]])).await;
    let history: FeeHistory = serde_json::from_value(reply).unwrap();
    assert_eq!(history.oldest_block, 1);
    let rewards = history.reward.unwrap();
    assert_eq!(rewards[0], [1, 1, 2, 3, 4].map(|tip| tip * 1_000_000_000));
    assert_eq!(rewards[1], [0; 5]);
    let fees: Vec<u128> =
        [&first, &second].map(|block| block.header().base_fee_per_gas.unwrap().into()).into();
    assert_eq!(history.base_fee_per_gas[..2], fees);
    assert_eq!(history.base_fee_per_gas.len(), 3);
    assert_eq!(history.base_fee_per_blob_gas.len(), 3);
    assert!((history.gas_used_ratio[0] - 84_000.0 / first.header().gas_limit as f64).abs() < 1e-9);
    let next = served.mine();
    assert_eq!(history.base_fee_per_gas[2], u128::from(next.header().base_fee_per_gas.unwrap()));
    // Asked for the past, the next fee is the one that came to be.
    let past = served.call("eth_feeHistory", json!([2, "0x2"])).await;
    assert_eq!(past["baseFeePerGas"][2], quantity(next.header().base_fee_per_gas.unwrap()));
    assert!(past.get("reward").is_none_or(serde_json::Value::is_null));
    let all = served.call("eth_feeHistory", json!(["0xffff", "latest", []])).await;
    assert_eq!(number(&all["oldestBlock"]), 0);
    let (code, message) = served.fail("eth_feeHistory", json!(["0x1", "0x99"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("request beyond head block"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_suggested_fees() {
    let served = Served::l1().await;
    assert_eq!(served.call("eth_maxPriorityFeePerGas", json!([])).await, quantity(1_000_000));
    for nonce in 0..10 {
        tipping(&served, nonce, u128::from(nonce + 1) * 1000);
        served.mine();
    }
    let tip = number(&served.call("eth_maxPriorityFeePerGas", json!([])).await);
    assert_eq!(tip, 6000);
    let pending = served.call("eth_getBlockByNumber", json!(["pending", false])).await;
    let price = number(&served.call("eth_gasPrice", json!([])).await);
    assert_eq!(price, number(&pending["baseFeePerGas"]) + tip);
    assert_eq!(served.call("eth_blobBaseFee", json!([])).await, "0x1");
}
