//! What a server must survive.

use crate::served::{self, Served, client::Socket};
use duplex_rpc::RpcConfig;
use serde_json::{Value, json};

fn error(body: &str) -> (i64, String) {
    let reply: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {body}"));
    assert_eq!(reply["jsonrpc"], "2.0");
    (reply["error"]["code"].as_i64().unwrap(), reply["error"].to_string())
}

async fn alive(served: &Served) {
    assert_eq!(served.call("eth_chainId", json!([])).await, "0x385");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_malformed_requests_get_json_rpc_errors() {
    let served = Served::l1().await;
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested_params = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{nested}}}"#);
    let nested_object = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{}1{}]}}"#,
        r#"{"a":"#.repeat(100_000),
        "}".repeat(100_000)
    );
    let cases = [
        ("{", -32700),
        ("{]", -32700),
        ("", -32700),
        ("null", -32700),
        ("\u{0}\u{1}\u{2}", -32700),
        ("{}", -32600),
        (r#"{"jsonrpc":"2.0"}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_nonsense"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"address":"0x"}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":"0x"}"#, -32602),
        ("[]", -32600),
        (nested.as_str(), -32600),
        (nested_params.as_str(), -32602),
        (nested_object.as_str(), -32602),
    ];
    for (body, code) in cases {
        let (_, reply) = served.http().await.post(body).await;
        let shown: String = body.chars().take(80).collect();
        let reply: Value = serde_json::from_str(&reply).unwrap_or_else(|_| panic!("{shown}: {reply}"));
        let reply = if reply.is_array() { reply[0].clone() } else { reply };
        // Without an id that can be read, the library calls any request a parse error.
        let given = reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{shown}: {reply}"));
        assert!(given == code || (code, given) == (-32600, -32700), "{shown}: {reply}");
        alive(&served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_bad_values_are_named() {
    let served = Served::l1().await;
    let long = "f".repeat(10_000);
    let cases = [
        ("eth_getBalance", json!([]), "address"),
        ("eth_getBalance", json!(["0x12"]), "address"),
        ("eth_getBalance", json!([served::LOGGER, "lates"]), "block"),
        ("eth_getBalance", json!([served::LOGGER, 5]), "block"),
        ("eth_getBalance", json!([served::LOGGER, "0xzz"]), "block"),
        ("eth_getBalance", json!([served::LOGGER, format!("0x{long}")]), "block"),
        ("eth_getBalance", json!([served::LOGGER, "0x10000000000000000"]), "block"),
        ("eth_getBlockByNumber", json!(["latest", "yes"]), "full transactions"),
        ("eth_getBlockByHash", json!(["0x1234"]), "block hash"),
        ("eth_getStorageAt", json!([served::LOGGER, format!("0x{long}")]), "slot"),
        ("eth_getTransactionByHash", json!([17]), "transaction hash"),
        ("eth_call", json!([[]]), "transaction"),
        ("eth_call", json!([{"to": "nobody"}]), "transaction"),
        ("eth_call", json!([{"value": -1}]), "transaction"),
        ("eth_call", json!([{"gas": format!("0x{long}")}]), "transaction"),
        ("eth_getLogs", json!([{"topics": [[], [], [], [], []]}]), "filter"),
        ("eth_getLogs", json!([{"address": 5}]), "filter"),
        ("eth_getLogs", json!([{"blockHash": served::signer().address(), "fromBlock": "0x1"}]), "filter"),
        ("eth_feeHistory", json!(["0x5", "latest", [50, 10]]), "percentiles"),
        ("eth_feeHistory", json!(["0x5", "latest", [101]]), "percentiles"),
        ("eth_sendRawTransaction", json!(["0x"]), "transaction"),
        ("eth_sendRawTransaction", json!(["0xzz"]), "transaction"),
        ("eth_sendRawTransaction", json!(["0x02f8"]), "transaction"),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0xffffffffffffffffff"]), "index"),
        ("eth_getFilterChanges", json!([7]), "filter id"),
    ];
    for (method, params, name) in cases {
        let (code, message) = served.fail(method, params.clone()).await;
        let shown: String = params.to_string().chars().take(80).collect();
        assert_eq!(code, -32602, "{method} {shown}: {message}");
        assert!(message.contains(name), "{method} {shown}: {message}");
        assert!(message.len() < 600, "{method}: {} bytes", message.len());
    }
    alive(&served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_unknown_methods_are_named_in_batches_too() {
    let served = Served::l1().await;
    let (code, message) = served.fail("eth_frobnicate", json!([])).await;
    assert_eq!(
        (code, message.as_str()),
        (-32601, "the method eth_frobnicate does not exist/is not available")
    );
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": "two", "method": "eth_frobnicate"},
        {"jsonrpc": "2.0", "method": "eth_chainId"},
        {"id": 4},
        5,
    ]);
    let (_, body) = served.http().await.post(&batch.to_string()).await;
    let replies: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(replies.as_array().unwrap().len(), 4);
    assert_eq!(replies[0]["result"], "0x385");
    assert_eq!(replies[1]["id"], "two");
    assert!(replies[1]["error"]["message"].as_str().unwrap().contains("eth_frobnicate"));
    assert_eq!(replies[2]["error"]["code"], -32600);
    assert_eq!(replies[3]["error"]["code"], -32600);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_limits_are_named() {
    let config =
        RpcConfig { max_body_bytes: 100_000, max_response_bytes: 5_000, max_batch: 50, ..Default::default() };
    let served = Served::l1_with(config).await;
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let batch = |count: usize| format!("[{}]", vec![one; count].join(","));
    let (status, body) = served.http().await.post(&batch(10_000)).await;
    assert_eq!(status, 413);
    assert!(error(&body).1.contains("100000"), "{body}");
    let (_, body) = served.http().await.post(&batch(51)).await;
    assert!(error(&body).1.contains("50"), "{body}");
    let (_, body) = served.http().await.post(&batch(50)).await;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&body).unwrap().len(), 50);
    for nonce in 0..40 {
        served.send(nonce, served::SOMEBODY, None);
    }
    served.mine();
    let (code, message) = served.fail("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(code, -32008, "{message}");
    alive(&served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_default_batch_limit_holds_against_ten_thousand() {
    let served = Served::l1().await;
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let (_, body) = served.http().await.post(&format!("[{}]", vec![one; 10_000].join(","))).await;
    assert!(error(&body).1.contains("1000"), "{body}");
    alive(&served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn test_websocket_survives_malformed_messages() {
    let served = Served::l1().await;
    let mut socket = Socket::connect(served.server.addr).await;
    for text in ["{", "nonsense", r#"{"jsonrpc":"2.0","id":1}"#] {
        socket.send(text).await;
        assert!(socket.receive().await["error"]["code"].is_i64(), "{text}");
    }
    assert_eq!(socket.call("eth_chainId", json!([])).await["result"], "0x385");
    let reply = socket.call("eth_subscribe", json!(["everything"])).await;
    assert_eq!(reply["error"]["code"], -32602);
    assert!(reply["error"]["message"].as_str().unwrap().contains("newHeads"));
    assert_eq!(socket.call("eth_unsubscribe", json!(["0xdead"])).await["result"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_subscriptions_over_http_are_refused() {
    let served = Served::l1().await;
    let (code, message) = served.fail("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(code, -32601);
    assert!(message.contains("WebSocket"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_http_details() {
    let served = Served::l1().await;
    let mut http = served.http().await;
    let (status, head, body) = http.request("GET", "/health", "", b"").await;
    assert_eq!((status, body.as_str()), (200, "ok"));
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert_eq!(http.request("GET", "/elsewhere", "", b"").await.0, 405);
    let origin = "origin: https://wallet.example\r\naccess-control-request-method: POST\r\n\
                  access-control-request-headers: content-type\r\n";
    let (status, head, _) = http.request("OPTIONS", "/", origin, b"").await;
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    assert!(head.contains("access-control-allow-headers: *"), "{head}");
    let (status, ..) = http.request("POST", "/", "content-type: text/html\r\n", b"{}").await;
    assert_eq!(status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_endless_calls_end() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX / 4,
        call_timeout: core::time::Duration::from_millis(300),
        ..Default::default()
    };
    let served = Served::l1_with(config).await;
    for method in ["eth_call", "eth_createAccessList"] {
        let (code, message) =
            served.fail(method, json!([{"to": served::LOOP, "gas": "0xffffffffffffff"}])).await;
        assert_eq!(code, -32005, "{message}");
        assert!(message.contains("timeout"), "{message}");
    }
    let (code, message) = served.fail("eth_estimateGas", json!([{"to": served::LOOP}])).await;
    assert!(code == -32005 || message.contains("gas required exceeds allowance"), "{code} {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_stopped_server_is_gone() {
    let served = Served::l1().await;
    let address = served.server.addr;
    served.server.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
