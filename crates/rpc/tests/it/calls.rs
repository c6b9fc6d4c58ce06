//! Calls, estimates, access lists and proofs.

use crate::served::{
    self, BLOCK, BURNER, GETTER, LOGGER, LOOP, OUTER, REVERTER, SOMEBODY, Served, number, quantity,
};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rpc_types_eth::EIP1186AccountProofResponse;
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use serde_json::{Value, json};

fn word(number: u64) -> Value {
    json!(B256::from(U256::from(number)))
}

#[tokio::test(flavor = "multi_thread")]
async fn test_call_returns() {
    let served = Served::l1().await;
    assert_eq!(served.call("eth_call", json!([{"to": GETTER}])).await, word(7));
    assert_eq!(served.call("eth_call", json!([{"to": GETTER, "data": "0x"}, "pending"])).await, word(7));
    assert_eq!(served.call("eth_call", json!([{"to": SOMEBODY}, "latest"])).await, "0x");
    // Creation returns the code.
    let code = served.call("eth_call", json!([{"input": "0x60015f5360015ff3"}])).await;
    assert_eq!(code, "0x01");
    let (code, message) =
        served.fail("eth_call", json!([{"to": GETTER, "data": "0x", "input": "0x01"}])).await;
    assert_eq!(code, -32602, "{message}");
    let (_, message) = served.fail("eth_call", json!([{"to": GETTER, "chainId": "0x1"}])).await;
    assert!(message.contains("have=1, want=901"), "{message}");
    let (_, message) =
        served.fail("eth_call", json!([{"to": GETTER, "gasPrice": "0x1", "maxFeePerGas": "0x1"}])).await;
    assert!(message.contains("both gasPrice and"), "{message}");
    let (code, message) = served.fail("eth_call", json!([{"to": GETTER, "gas": "0x5208"}])).await;
    assert_eq!((code, message.as_str()), (-32000, "out of gas"));
    let (code, message) =
        served.fail("eth_call", json!([{"from": SOMEBODY, "to": GETTER, "value": "0x1"}])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("insufficient funds for gas * price + value"), "{message}");
    let (code, message) = served.fail("eth_call", json!([{"to": GETTER, "gas": "0x100"}])).await;
    assert_eq!(code, -32000, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_reverts_carry_reason_and_data() {
    let served = Served::l1().await;
    for method in ["eth_call", "eth_estimateGas"] {
        let reply = served.reply(method, json!([{"to": REVERTER}])).await;
        assert_eq!(reply["error"]["code"], 3);
        assert_eq!(reply["error"]["message"], "execution reverted: nope");
        assert!(reply["error"]["data"].as_str().unwrap().starts_with("0x08c379a0"), "{reply}");
    }
    let list = served.call("eth_createAccessList", json!([{"to": REVERTER}])).await;
    assert_eq!(list["error"], "execution reverted: nope");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_overrides() {
    let served = Served::l1().await;
    let call = async |request: Value, state: Value, block: Value| {
        served.call("eth_call", json!([request, "latest", state, block])).await
    };
    let get = || json!({"to": GETTER});
    let seven = B256::ZERO;
    assert_eq!(
        call(get(), json!({GETTER.to_string(): {"stateDiff": {seven.to_string(): word(9)}}}), Value::Null)
            .await,
        word(9)
    );
    assert_eq!(call(get(), json!({GETTER.to_string(): {"state": {}}}), Value::Null).await, word(0));
    // Code that returns the balance of its own address.
    let balance = json!({SOMEBODY.to_string(): {"code": "0x475f5260205ff3", "balance": "0x1234"}});
    assert_eq!(call(json!({"to": SOMEBODY}), balance, Value::Null).await, word(0x1234));
    let rich = json!({SOMEBODY.to_string(): {"balance": "0x10"}});
    assert_eq!(
        call(json!({"from": SOMEBODY, "to": GETTER, "value": "0x10"}), rich, Value::Null).await,
        word(7)
    );
    let hash = B256::repeat_byte(0x55);
    let block = json!({"number": "0x7", "time": "0x99", "blockHash": {"5": hash}});
    let out: Bytes = serde_json::from_value(call(json!({"to": BLOCK}), Value::Null, block).await).unwrap();
    assert_eq!(out[..32], hash[..]);
    assert_eq!(U256::from_be_slice(&out[32..64]), U256::from(0x99));
    assert_eq!(U256::from_be_slice(&out[64..]), U256::from(7));
    let both = json!({GETTER.to_string(): {"state": {}, "stateDiff": {}}});
    let (code, message) = served.fail("eth_call", json!([get(), "latest", both])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("stateDiff"), "{message}");
    assert_eq!(
        served.fail("eth_call", json!([get(), "latest", {GETTER.to_string(): {"x": 1}}])).await.0,
        -32602
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn test_pending_is_the_next_block() {
    let served = Served::l1().await;
    served.mine();
    let number_at = async |id: &str| -> u64 {
        let out: Bytes =
            serde_json::from_value(served.call("eth_call", json!([{"to": BLOCK}, id])).await).unwrap();
        U256::from_be_slice(&out[64..]).to()
    };
    assert_eq!(number_at("latest").await, 1);
    assert_eq!(number_at("pending").await, 2);
    assert_eq!(number_at("earliest").await, 0);
}

/// The estimate must succeed, and one gas less must not.
async fn assert_exact(served: &Served, mut request: Value) -> u64 {
    let gas = number(&served.call("eth_estimateGas", json!([request])).await);
    request["gas"] = json!(quantity(gas));
    served.call("eth_call", json!([request])).await;
    request["gas"] = json!(quantity(gas - 1));
    served.fail("eth_call", json!([request])).await;
    gas
}

#[tokio::test(flavor = "multi_thread")]
async fn test_estimates_are_exact() {
    for served in [Served::l1().await, Served::l2().await] {
        let from = served.signer.address();
        let transfer = json!({"from": from, "to": SOMEBODY, "value": "0x1"});
        assert_eq!(assert_exact(&served, transfer).await, 21_000);
        // The floor price of data that runs nothing (EIP-7623): 21000 + 40 a byte that is not zero.
        let data = json!({"from": from, "to": SOMEBODY, "data": Bytes::from(vec![1; 100])});
        assert_eq!(assert_exact(&served, data).await, 25_000);
        let logger = json!({"from": from, "to": LOGGER, "data": word(5)});
        assert_exact(&served, logger).await;
        let creation = json!({"from": from, "data": "0x60015f5360015ff3"});
        assert_exact(&served, creation).await;
        let burned = assert_exact(&served, json!({"from": from, "to": BURNER})).await;
        // The call must be given a 64th more than it uses.
        let outer = assert_exact(&served, json!({"from": from, "to": OUTER})).await;
        assert!(outer > burned + (burned - 21_000) / 63, "{outer} {burned}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_estimated_transactions_succeed() {
    let served = Served::l1().await;
    let from = served.signer.address();
    let gas = number(&served.call("eth_estimateGas", json!([{"from": from, "to": OUTER}])).await);
    for (nonce, (gas, status)) in [(gas, "0x1"), (gas - 1, "0x0")].into_iter().enumerate() {
        let tx = alloy_consensus::TxEip1559 {
            chain_id: served::CHAIN_ID,
            nonce: nonce as u64,
            gas_limit: gas,
            max_fee_per_gas: 10_000_000_000,
            to: OUTER.into(),
            ..Default::default()
        };
        let tx = served::sign(&served.signer, tx);
        let hash = tx.hash();
        served.chain.submit(tx).unwrap();
        served.mine();
        let receipt = served.call("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_estimate_errors() {
    let served = Served::l1().await;
    let from = served.signer.address();
    let (code, message) = served.fail("eth_estimateGas", json!([{"from": from, "to": LOOP}])).await;
    assert_eq!((code, message.as_str()), (-32000, "gas required exceeds allowance (16777216)"));
    let (_, message) =
        served.fail("eth_estimateGas", json!([{"from": SOMEBODY, "to": from, "value": "0x1"}])).await;
    assert!(message.contains("insufficient funds"), "{message}");
    let priced = json!([{"from": SOMEBODY, "to": from, "gasPrice": "0x1"}]);
    let (_, message) = served.fail("eth_estimateGas", priced).await;
    assert_eq!(message, "gas required exceeds allowance (0)");
    let rich = json!({SOMEBODY.to_string(): {"balance": quantity(21_000u64 * 5)}});
    let priced = json!([{"from": SOMEBODY, "to": from, "gasPrice": "0x5"}, "latest", rich]);
    assert_eq!(served.call("eth_estimateGas", priced).await, quantity(21_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn test_access_lists() {
    let served = Served::l1().await;
    let from = served.signer.address();
    let list =
        served.call("eth_createAccessList", json!([{"from": from, "to": LOGGER, "data": word(1)}])).await;
    assert_eq!(list["accessList"], json!([{"address": LOGGER, "storageKeys": [B256::ZERO]}]));
    assert!(list.get("error").is_none_or(Value::is_null));
    assert!(number(&list["gasUsed"]) > 21_000);
    let list = served.call("eth_createAccessList", json!([{"from": from, "to": OUTER}])).await;
    assert_eq!(list["accessList"], json!([{"address": BURNER, "storageKeys": []}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn test_proofs_verify() {
    let served = Served::l1().await;
    served.send(0, LOGGER, Some(77));
    let block = served.mine();
    let root = block.header().state_root;
    let nobody = Address::repeat_byte(0x99);
    for address in [LOGGER, GETTER, served.signer.address(), nobody] {
        let keys = json!(["0x0", B256::with_last_byte(1), "0xff"]);
        let reply = served.call("eth_getProof", json!([address, keys, "latest"])).await;
        assert_eq!(reply["storageProof"][0]["key"], "0x0");
        assert_eq!(reply["storageProof"][1]["key"], json!(B256::with_last_byte(1)));
        let proof: EIP1186AccountProofResponse = serde_json::from_value(reply).unwrap();
        let account = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
        let expected = (address != nobody).then(|| alloy_rlp::encode(account));
        let key = Nibbles::unpack(keccak256(address));
        verify_proof(root, key, expected, &proof.account_proof).unwrap();
        for slot in &proof.storage_proof {
            let key = Nibbles::unpack(keccak256(slot.key.as_b256()));
            let expected = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            if !slot.proof.is_empty() {
                verify_proof(proof.storage_hash, key, expected, &slot.proof).unwrap();
            }
        }
        if address == LOGGER {
            assert_eq!(proof.storage_proof[0].value, U256::from(77));
        }
        if address == nobody {
            assert_eq!((proof.code_hash, proof.balance), (KECCAK_EMPTY, U256::ZERO));
        }
    }
    let old = served.call("eth_getProof", json!([LOGGER, ["0x0"], "0x0"])).await;
    assert_eq!(old["storageProof"][0]["value"], "0x0");
    let many = vec!["0x0"; 1025];
    let (code, message) = served.fail("eth_getProof", json!([LOGGER, many])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("1024"), "{message}");
}
