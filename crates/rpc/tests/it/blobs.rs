//! Blobs of the development L1, from a signed transaction to the beacon API over HTTP.

use crate::devkit::{CHAIN_ID, GENESIS_TIME, Kit};
use alloy_consensus::{
    EthereumTxEnvelope, SidecarBuilder, SignableTransaction, SimpleCoder, TxEip4844, TxEip4844WithSidecar,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip4844::{c_kzg, env_settings::EnvKzgSettings, kzg_to_versioned_hash},
    eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_signer::SignerSync;
use duplex_rpc::{DevSubmit, RpcConfig, RunningServer, SubmitRaw, beacon_route, serve};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A signed transaction with its blobs, in the form that `eth_sendRawTransaction` takes.
fn blob_transaction(kit: &Kit, nonce: u64, data: &[u8]) -> (Vec<u8>, Vec<B256>) {
    let sidecar = SidecarBuilder::<SimpleCoder>::from_slice(data).build_7594().unwrap();
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: Address::repeat_byte(0x11),
        blob_versioned_hashes: hashes.clone(),
        max_fee_per_blob_gas: 1_000_000_000,
        ..Default::default()
    };
    let signature = kit.signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    let sidecar = BlobTransactionSidecarVariant::Eip7594(sidecar);
    let signed = TxEip4844WithSidecar { tx, sidecar }.into_signed(signature);
    (EthereumTxEnvelope::Eip4844(signed).encoded_2718(), hashes)
}

async fn submit(kit: &Kit, raw: &[u8]) -> B256 {
    DevSubmit::new(kit.dev.clone()).submit(raw).await.unwrap()
}

async fn start(kit: &Kit) -> RunningServer {
    let route = beacon_route(kit.dev.clone());
    let addr = "127.0.0.1:0".parse().unwrap();
    serve(addr, kit.methods.clone(), &RpcConfig::default(), Some(route)).await.unwrap()
}

async fn get(server: &RunningServer, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn versioned_hash(blob: &Value) -> B256 {
    let bytes: Bytes = serde_json::from_value(blob.clone()).unwrap();
    let blob = c_kzg::Blob::from_bytes(&bytes).unwrap();
    let commitment = EnvKzgSettings::Default.get().blob_to_kzg_commitment(&blob).unwrap();
    kzg_to_versioned_hash(commitment.to_bytes().as_slice())
}

#[tokio::test(flavor = "multi_thread")]
async fn test_blobs_come_back_over_http() {
    let kit = Kit::new();
    let (first, mut hashes) = blob_transaction(&kit, 0, &vec![3; 150_000]);
    let (second, more) = blob_transaction(&kit, 1, b"a single small blob");
    hashes.extend(more);
    assert_eq!(hashes.len(), 3);
    let sent = [submit(&kit, &first).await, submit(&kit, &second).await];
    let block = kit.dev.mine().unwrap();
    assert_eq!(block.tx_hashes, sent);
    let server = start(&kit).await;

    let (status, body) = get(&server, "/eth/v1/beacon/blobs/1").await;
    assert_eq!(
        (status, &body["execution_optimistic"], &body["finalized"]),
        (200, &json!(false), &json!(false))
    );
    let found: Vec<B256> = body["data"].as_array().unwrap().iter().map(versioned_hash).collect();
    assert_eq!(found, hashes);
    let one = format!("/eth/v1/beacon/blobs/1?versioned_hashes={}", hashes[2]);
    let (_, filtered) = get(&server, &one).await;
    assert_eq!(filtered["data"], json!([body["data"][2]]));
    let two = format!("/eth/v1/beacon/blobs/head?versioned_hashes={},{}&x=1", hashes[2], hashes[0]);
    let (_, filtered) = get(&server, &two).await;
    assert_eq!(filtered["data"], json!([body["data"][0], body["data"][2]]));

    let (status, sidecars) = get(&server, "/eth/v1/beacon/blob_sidecars/1").await;
    assert_eq!(status, 200);
    let settings = EnvKzgSettings::Default.get();
    for (i, sidecar) in sidecars["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!(sidecar["index"], i.to_string());
        assert_eq!(sidecar["blob"], body["data"][i]);
        let bytes = |field: &str| serde_json::from_value::<Bytes>(sidecar[field].clone()).unwrap();
        let commitment = c_kzg::Bytes48::from_bytes(&bytes("kzg_commitment")).unwrap();
        let proof = c_kzg::Bytes48::from_bytes(&bytes("kzg_proof")).unwrap();
        let blob = c_kzg::Blob::from_bytes(&bytes("blob")).unwrap();
        assert!(settings.verify_blob_kzg_proof(&blob, &commitment, &proof).unwrap());
        assert_eq!(kzg_to_versioned_hash(commitment.as_slice()), hashes[i]);
    }
    let (_, filtered) = get(&server, "/eth/v1/beacon/blob_sidecars/1?indices=2&indices=0").await;
    assert_eq!(filtered["data"], json!([sidecars["data"][0], sidecars["data"][2]]));

    kit.call("anvil_mine", json!([10])).await;
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/1").await.1["finalized"], true);
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/finalized").await.1["data"], json!([]));
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/head").await.1["data"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_beacon_api_says_what_is_wrong() {
    let kit = Kit::new();
    kit.dev.mine().unwrap();
    let server = start(&kit).await;
    for (path, status) in [
        ("beacon/blobs/2", 404),
        ("beacon/blob_sidecars/99999999", 404),
        ("beacon/blobs/first", 400),
        ("beacon/blobs/-1", 400),
        ("beacon/blobs/99999999999999999999999", 400),
        ("beacon/blobs/1?versioned_hashes=0x01", 400),
        ("beacon/blob_sidecars/1?indices=one", 400),
        ("beacon/blobs/", 404),
        ("beacon/headers", 404),
    ] {
        let (found, body) = get(&server, &format!("/eth/v1/{path}")).await;
        assert_eq!((found, &body["code"]), (status, &json!(status)), "{path}");
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
    let (_, genesis) = get(&server, "/eth/v1/beacon/genesis").await;
    assert_eq!(genesis, json!({"data": {"genesis_time": GENESIS_TIME.to_string()}}));
    let (_, spec) = get(&server, "/eth/v1/config/spec").await;
    assert_eq!(spec["data"]["SECONDS_PER_SLOT"], "12");
    kit.call("evm_setIntervalMining", json!([2])).await;
    let (_, spec) = get(&server, "/eth/v1/config/spec").await;
    assert_eq!(spec["data"]["SECONDS_PER_SLOT"], "2");
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/genesis").await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_blobs_move_with_their_transaction() {
    let kit = Kit::new();
    kit.dev.mine().unwrap();
    let snapshot = kit.call("evm_snapshot", json!([])).await;
    kit.dev.mine().unwrap();
    let (raw, hashes) = blob_transaction(&kit, 0, b"a blob");
    let sent = submit(&kit, &raw).await;
    kit.dev.mine().unwrap();
    let number = |hash| kit.dev.chain().transaction(hash).unwrap().unwrap().0.number();
    assert_eq!(number(sent), 3);
    kit.call("anvil_reorg", json!([2, []])).await;
    // The first of the new blocks takes it.
    assert_eq!(number(sent), 2);
    let server = start(&kit).await;
    let (_, body) = get(&server, "/eth/v1/beacon/blobs/2").await;
    let found: Vec<B256> = body["data"].as_array().unwrap().iter().map(versioned_hash).collect();
    assert_eq!(found, hashes);
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/3").await.1["data"], json!([]));

    kit.call("evm_revert", json!([snapshot])).await;
    kit.dev.mine().unwrap();
    assert_eq!(get(&server, "/eth/v1/beacon/blobs/2").await.1["data"], json!([]));
    server.stop().await;
}
