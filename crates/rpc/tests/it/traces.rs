//! Traces of transactions and calls, on both chains.

use std::sync::Arc;

use crate::devkit::{CALLER, CHAIN_ID, Kit, LOOP, REVERTER, genesis, options, reply, sign};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use duplex_chain::{BuildRequest, Chain};
use duplex_primitives::{
    Block, BlockAttributes, ChainConfig, Header, L1Message, Transaction, anchor_deposit,
};
use duplex_rpc::{ChainApi, RpcConfig, debug_module};
use jsonrpsee::Methods;
use serde_json::{Value, json};

const SOMEBODY: Address = Address::repeat_byte(0x11);

/// A chain whose block 1 holds a transfer, a call with a reverting call inside, and a call that
/// reverts.
async fn three_transactions() -> (Kit, [B256; 3]) {
    let kit = Kit::new();
    let hashes = [kit.send(0, SOMEBODY, 7), kit.send(1, CALLER, 0), kit.send(2, REVERTER, 0)];
    kit.dev.mine().unwrap();
    assert_eq!(kit.dev.chain().block(1).unwrap().unwrap().tx_hashes, hashes);
    (kit, hashes)
}

fn gas_used(kit: &Kit, index: usize) -> u64 {
    kit.dev.chain().block(1).unwrap().unwrap().gas_used(index)
}

#[tokio::test]
async fn test_struct_logs_follow_a_nested_revert() {
    let (kit, [transfer, call, _]) = three_transactions().await;
    let trace = kit.call("debug_traceTransaction", json!([call])).await;
    assert_eq!(trace["failed"], false);
    assert_eq!(trace["gas"], gas_used(&kit, 1));
    let logs = trace["structLogs"].as_array().unwrap();
    let ops = |depth: u64| -> Vec<&str> {
        logs.iter().filter(|log| log["depth"] == depth).map(|log| log["op"].as_str().unwrap()).collect()
    };
    assert_eq!(ops(2), ["PUSH1", "PUSH1", "MSTORE", "PUSH1", "PUSH1", "REVERT"]);
    assert_eq!(ops(1).last(), Some(&"STOP"));
    let store = logs.iter().find(|log| log["op"] == "SSTORE").unwrap();
    assert_eq!(store["storage"], json!({B256::ZERO.to_string(): B256::with_last_byte(1)}));
    assert_eq!(store["stack"], json!(["0x1", "0x0"]));
    assert!(store.get("memory").is_none());

    let bare =
        json!({"disableStack": true, "disableStorage": true, "enableMemory": true, "enableReturnData": true});
    let trace = kit.call("debug_traceTransaction", json!([call, bare])).await;
    let logs = trace["structLogs"].as_array().unwrap();
    assert!(logs.iter().all(|log| log.get("stack").is_none() && log.get("storage").is_none()));
    let revert = logs.iter().position(|log| log["op"] == "REVERT").unwrap();
    assert_eq!(logs[revert]["memory"], json!([format!("0x{:064x}", 42)]));
    assert_eq!(logs[revert + 1]["returnData"], format!("0x{:064x}", 42));

    let trace = kit.call("debug_traceTransaction", json!([transfer])).await;
    assert_eq!((&trace["structLogs"], &trace["gas"]), (&json!([]), &json!(21_000)));
}

#[tokio::test]
async fn test_call_tracer_shows_frames_logs_and_reverts() {
    let (kit, [_, call, reverting]) = three_transactions().await;
    let tracer = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let frame = kit.call("debug_traceTransaction", json!([call, tracer])).await;
    assert_eq!(frame["type"], "CALL");
    assert_eq!(frame["from"], json!(kit.signer.address()));
    assert_eq!(frame["to"], json!(CALLER));
    assert_eq!(frame["gasUsed"], format!("{:#x}", gas_used(&kit, 1)));
    assert!(frame.get("error").is_none());
    assert_eq!(frame["logs"].as_array().unwrap().len(), 1);
    let inner = &frame["calls"][0];
    assert_eq!(inner["to"], json!(REVERTER));
    assert_eq!(inner["input"], "0xdeadbeef");
    assert_eq!(inner["error"], "execution reverted");
    assert_eq!(inner["output"], format!("0x{:064x}", 42));

    let top = json!({"tracer": "callTracer", "tracerConfig": {"onlyTopCall": true}});
    let frame = kit.call("debug_traceTransaction", json!([call, top])).await;
    assert!(frame.get("calls").is_none());
    let frame = kit.call("debug_traceTransaction", json!([reverting, {"tracer": "callTracer"}])).await;
    assert_eq!(frame["error"], "execution reverted");

    let flat = kit.call("debug_traceTransaction", json!([call, {"tracer": "flatCallTracer"}])).await;
    assert_eq!(flat.as_array().unwrap().len(), 2);
    assert_eq!(flat[1]["error"], "Reverted");
    assert_eq!(flat[1]["transactionHash"], json!(call));
}

#[tokio::test]
async fn test_prestate_tracer_shows_before_and_difference() {
    let (kit, [transfer, call, _]) = three_transactions().await;
    let sender = json!(kit.signer.address()).as_str().unwrap().to_owned();
    let before = kit.call("debug_traceTransaction", json!([call, {"tracer": "prestateTracer"}])).await;
    assert_eq!(before[&sender]["nonce"], 1);
    let caller = json!(CALLER).as_str().unwrap().to_owned();
    assert_eq!(before[&caller]["storage"][B256::ZERO.to_string()], B256::ZERO.to_string());
    assert!(before[&caller]["code"].as_str().unwrap().starts_with("0x63deadbeef"));

    let diff = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let diff_of = |tx: B256| kit.call("debug_traceTransaction", json!([tx, diff]));
    let call_diff = diff_of(call).await;
    assert_eq!(
        call_diff["post"][&caller]["storage"][B256::ZERO.to_string()],
        B256::with_last_byte(1).to_string()
    );
    assert_eq!(call_diff["pre"][&sender]["nonce"], 1);
    assert_eq!(call_diff["post"][&sender]["nonce"], 2);
    assert!(call_diff["post"].get(json!(REVERTER).as_str().unwrap()).is_none());
    let transfer_diff = diff_of(transfer).await;
    let somebody = json!(SOMEBODY).as_str().unwrap().to_owned();
    assert_eq!(transfer_diff["post"][&somebody]["balance"], "0x7");
    assert_eq!(transfer_diff["pre"][&somebody]["balance"], "0x0");
}

#[tokio::test]
async fn test_other_tracers_and_unknown_ones() {
    let (kit, [_, call, _]) = three_transactions().await;
    let four = kit.call("debug_traceTransaction", json!([call, {"tracer": "4byteTracer"}])).await;
    assert_eq!(four, json!({"0xdeadbeef-0": 1}));
    assert_eq!(kit.call("debug_traceTransaction", json!([call, {"tracer": "noopTracer"}])).await, json!({}));
    let mux = json!({"tracer": "muxTracer", "tracerConfig": {"4byteTracer": null, "callTracer": {"withLog": false}}});
    let both = kit.call("debug_traceTransaction", json!([call, mux])).await;
    assert_eq!(both["4byteTracer"], four);
    assert_eq!(both["callTracer"]["to"], json!(CALLER));

    let (code, message) = kit.fail("debug_traceTransaction", json!([call, {"tracer": "{fault: 1}"}])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("callTracer, flatCallTracer, prestateTracer, 4byteTracer"), "{message}");
    let wrong = json!([call, {"tracer": "callTracer", "tracerConfig": {"withLog": "yes"}}]);
    assert_eq!(kit.fail("debug_traceTransaction", wrong).await.0, -32602);
    let wrong = json!([call, {"timeout": "soon"}]);
    assert!(kit.fail("debug_traceTransaction", wrong).await.1.contains("duration"));
    let unknown = kit.fail("debug_traceTransaction", json!([B256::repeat_byte(1)])).await;
    assert_eq!(unknown, (-32000, "transaction not found".into()));
}

#[tokio::test]
async fn test_blocks_are_traced_by_number_and_hash() {
    let (kit, hashes) = three_transactions().await;
    let tracer = json!({"tracer": "callTracer"});
    let block = kit.call("debug_traceBlockByNumber", json!(["0x1", tracer])).await;
    for (i, hash) in hashes.iter().enumerate() {
        assert_eq!(block[i]["txHash"], json!(hash));
        let alone = kit.call("debug_traceTransaction", json!([hash, tracer])).await;
        assert_eq!(block[i]["result"], alone);
    }
    let latest = kit.call("debug_traceBlockByNumber", json!(["latest", tracer])).await;
    assert_eq!(latest, block);
    assert_eq!(kit.call("debug_traceBlockByHash", json!([kit.head().1, tracer])).await, block);
    assert_eq!(kit.fail("debug_traceBlockByNumber", json!(["0x0"])).await.1, "genesis is not traceable");
    assert_eq!(kit.fail("debug_traceBlockByNumber", json!(["0x9"])).await.0, -32000);
    assert_eq!(kit.fail("debug_traceBlockByNumber", json!(["pending"])).await.0, -32004);
    assert_eq!(kit.fail("debug_traceBlockByHash", json!([B256::repeat_byte(9)])).await.0, -32000);
}

#[tokio::test]
async fn test_block_that_changed_state_by_decree_says_so() {
    let kit = Kit::new();
    kit.send(0, SOMEBODY, 7);
    let poor = PrivateKeySigner::from_bytes(&B256::repeat_byte(9)).unwrap();
    kit.call("anvil_setBalance", json!([poor.address(), "0xde0b6b3a7640000"])).await;
    // The decree's own block has the transfer, which does not depend on it.
    kit.call("debug_traceBlockByNumber", json!(["0x1"])).await;
    kit.dev.chain().submit(sign(&poor, 0, SOMEBODY, 1)).unwrap();
    kit.call("anvil_setBalance", json!([poor.address(), "0x1bc16d674ec80000"])).await;
    kit.call("debug_traceBlockByNumber", json!(["0x2"])).await;
    let third = PrivateKeySigner::from_bytes(&B256::repeat_byte(10)).unwrap();
    let tx = kit.send(1, third.address(), 5);
    kit.call("anvil_setCode", json!([third.address(), "0x5b60005600"])).await;
    let (code, message) = kit.fail("debug_traceTransaction", json!([tx])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("anvil_setBalance"), "{message}");
}

#[tokio::test]
async fn test_calls_are_traced_with_overrides() {
    let (kit, _) = three_transactions().await;
    let tracer = json!({"tracer": "callTracer"});
    let frame = kit.call("debug_traceCall", json!([{"to": CALLER}, "latest", tracer])).await;
    assert_eq!(frame["calls"][0]["error"], "execution reverted");
    let frame = kit.call("debug_traceCall", json!([{"to": REVERTER, "from": SOMEBODY}, "0x0", tracer])).await;
    assert_eq!(frame["output"], format!("0x{:064x}", 42));
    // mstore(0, timestamp); return(0, 32)
    let options = json!({"stateOverrides": {SOMEBODY.to_string(): {"code": "0x4260005260206000f3"}},
                         "blockOverrides": {"time": "0x1234"}});
    let trace = kit.call("debug_traceCall", json!([{"to": SOMEBODY}, "latest", options])).await;
    assert_eq!(trace["returnValue"], format!("0x{:064x}", 0x1234));
    assert_eq!(trace["structLogs"][0]["op"], "TIMESTAMP");
    assert_eq!(kit.call("debug_traceCall", json!([{"to": SOMEBODY}])).await["failed"], false);
    assert_eq!(
        kit.fail("debug_traceCall", json!([{"to": CALLER}, "latest", {"txIndex": "0x0"}])).await.0,
        -32004
    );
    assert_eq!(kit.fail("debug_traceCall", json!([{"to": CALLER}, "0x99"])).await.0, -32000);
}

#[tokio::test]
async fn test_traces_are_bounded_in_size_and_time() {
    let kit = Kit::with(RpcConfig { max_response_bytes: 1 << 20, ..Default::default() });
    let (code, message) = kit.fail("debug_traceCall", json!([{"to": LOOP}, "latest", {}])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("callTracer"), "{message}");
    let hasty = json!({"tracer": "callTracer", "timeout": "1ms"});
    let (code, message) = kit.fail("debug_traceCall", json!([{"to": LOOP}, "latest", hasty])).await;
    assert_eq!(code, -32005);
    assert!(message.contains("1ms"), "{message}");
    // jumpdest; call(gas, 0x11…, 0, 0, 65536, 0, 0); pop; jump(0): passes memory on for nothing.
    let code = format!("0x5b600060006201000060006000732{}5af150600056", &SOMEBODY.to_string()[3..]);
    let options = json!({"tracer": "callTracer", "stateOverrides": {CALLER.to_string(): {"code": code}}});
    assert_eq!(kit.fail("debug_traceCall", json!([{"to": CALLER}, "latest", options])).await.0, -32005);
}

#[tokio::test]
async fn test_raw_encodings_give_hashes_and_roots() {
    let (kit, hashes) = three_transactions().await;
    let bytes = |value: Value| serde_json::from_value::<Bytes>(value).unwrap();
    let block = kit.dev.chain().block(1).unwrap().unwrap();
    let header = bytes(kit.call("debug_getRawHeader", json!(["0x1"])).await);
    assert_eq!(keccak256(&header), block.hash());
    let raw = bytes(kit.call("debug_getRawBlock", json!(["latest"])).await);
    let decoded: Block = alloy_rlp::decode_exact(&raw).unwrap();
    assert_eq!(decoded, block.recovered.block);
    let by_hash = bytes(kit.call("debug_getRawBlock", json!([block.hash()])).await);
    assert_eq!(by_hash, raw);
    let tx = bytes(kit.call("debug_getRawTransaction", json!([hashes[1]])).await);
    assert_eq!(Transaction::decode_2718_exact(&tx).unwrap().hash(), hashes[1]);
    let pooled = kit.send(3, SOMEBODY, 1);
    let tx = bytes(kit.call("debug_getRawTransaction", json!([pooled])).await);
    assert_eq!(keccak256(tx), pooled);
    assert_eq!(kit.call("debug_getRawTransaction", json!([B256::ZERO])).await, Value::Null);
    let receipts: Vec<Bytes> =
        serde_json::from_value(kit.call("debug_getRawReceipts", json!(["0x1"])).await).unwrap();
    let expected: Vec<Bytes> = block.receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect();
    assert_eq!(receipts, expected);
    assert_eq!(kit.fail("debug_getRawBlock", json!(["0x77"])).await.0, -32000);
    assert_eq!(kit.fail("debug_getRawHeader", json!([])).await.0, -32602);
}

#[tokio::test]
async fn test_deposits_are_traced_on_l2() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    let config = ChainConfig::l2_dev(CHAIN_ID);
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis(config, signer.address());
    let chain = Chain::open(dir.path(), &genesis, options(config)).unwrap();
    let message = |target, mint: u64| {
        L1Message {
            index: 0,
            from: SOMEBODY,
            target,
            mint: U256::from(mint),
            value: U256::ZERO,
            gas_limit: 100_000,
            data: Bytes::new(),
            l1_block: 1,
            accumulator: B256::repeat_byte(target[0]),
        }
        .to_deposit()
    };
    let l1 = Header { number: 1, timestamp: genesis.timestamp, ..Default::default() };
    let anchor = anchor_deposit(&l1, l1.hash_slow(), 1, 1);
    chain.submit(sign(&signer, 0, CALLER, 0)).unwrap();
    let attributes = BlockAttributes { timestamp: genesis.timestamp + 1, ..Default::default() };
    let forced = vec![anchor, message(CALLER, 5), message(REVERTER, 6)];
    let request = BuildRequest { attributes, forced, from_pool: true, allow_empty: true };
    let block = chain.build(&request).unwrap().unwrap().block;
    assert_eq!(block.transactions().len(), 4);

    let api = Arc::new(ChainApi::new(chain, RpcConfig::default()));
    let methods: Methods = debug_module(api).unwrap().into();
    let tracer = json!({"tracer": "callTracer"});
    let traces = reply(&methods, "debug_traceBlockByNumber", json!(["0x1", tracer])).await;
    let traces = traces["result"].as_array().unwrap_or_else(|| panic!("{traces}"));
    assert_eq!(traces[1]["result"]["from"], json!(SOMEBODY));
    assert_eq!(traces[1]["result"]["calls"][0]["error"], "execution reverted");
    assert_eq!(traces[2]["result"]["error"], "execution reverted");
    assert_eq!(traces[3]["result"]["from"], json!(signer.address()));
    for (i, trace) in traces.iter().enumerate() {
        assert_eq!(trace["result"]["gasUsed"], format!("{:#x}", block.gas_used(i)), "{i}");
    }
    let diff = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let diff = reply(&methods, "debug_traceTransaction", json!([block.tx_hashes[2], diff])).await;
    // What a deposit mints stays, even if its call reverts.
    let somebody = json!(SOMEBODY).as_str().unwrap().to_owned();
    assert_eq!(diff["result"]["post"][&somebody]["balance"], "0xb", "{diff}");
    let call = json!([{"to": CALLER, "from": SOMEBODY}, "latest", tracer]);
    let call = reply(&methods, "debug_traceCall", call).await;
    assert_eq!(call["result"]["calls"][0]["error"], "execution reverted", "{call}");
}
