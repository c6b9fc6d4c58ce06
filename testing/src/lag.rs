//! An L1 behind whose URL are two nodes, one of which lags.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::U64;
use duplex_l1::{Rpc, RpcError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::devnet::Dice;

/// What a node says of the logs of a block that it does not have, asked by the block's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// That it does not know the block, as EIP-234 has it.
    Refuses,
    /// That there are none, as some did or do.
    Nothing,
}

/// Every request goes to one of the two, by chance: questions about what is in a block to each as often, others to the one that lags
/// every fourth time, or hardly any block would be asked for while it is new. The one that lags does not have the newest blocks,
/// and says of ranges with them that there is nothing in these.
#[derive(Debug)]
pub struct Lagging {
    /// Where it answers.
    pub url: String,
    hidden: Arc<AtomicU64>,
}

/// What it is that answers.
#[derive(Debug, Clone)]
struct Node {
    l1: Rpc,
    /// Blocks that it does not have.
    lag: u64,
    unknown: Unknown,
    hidden: Arc<AtomicU64>,
}

impl Lagging {
    /// Starts it; it runs until the runtime ends. `blocks` is how many the second node does not have, and `unknown` what it says
    /// of these.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(l1: &str, blocks: u64, unknown: Unknown, mut dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let hidden = Arc::new(AtomicU64::new(0));
        let node = Node { l1: Rpc::new(l1).expect("a URL"), lag: blocks, unknown, hidden: hidden.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, node.clone(), dice.fork()));
            }
        });
        Self { url, hidden }
    }

    /// How many answers lacked logs, or were refused for it.
    pub fn hidden(&self) -> u64 {
        self.hidden.load(Ordering::Relaxed)
    }
}

/// One request on one connection.
async fn serve(mut stream: TcpStream, mut node: Node, mut dice: Dice) {
    let Some(request) = read(&mut stream).await else { return };
    let contents = ["eth_getLogs", "eth_call"].iter().any(|method| request["method"] == *method);
    if dice.below(if contents { 2 } else { 4 }) != 0 {
        node.lag = 0;
    }
    let id = request["id"].clone();
    let answer = match answer(&request, &node).await {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(why) => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": why } }),
    };
    let body = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
    let _ = stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0u8; 16_384];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&part[..length]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        // Whole when it is JSON.
        if let Ok(request) = serde_json::from_slice(&bytes[end + 4..]) {
            return Some(request);
        }
    }
}

async fn answer(request: &Value, Node { l1, lag, unknown, hidden }: &Node) -> Result<Value, String> {
    let say = |error: RpcError| error.to_string();
    let method = request["method"].as_str().unwrap_or_default();
    let ask = async |params: Value| l1.request::<_, Value>(method, params).await.map_err(say);
    let params = request["params"].clone();
    let newest = l1.block_number().await.map_err(say)?.saturating_sub(*lag);
    let number = |value: &Value| serde_json::from_value::<U64>(value.clone()).ok().map(|n| n.to::<u64>());
    let hide = || hidden.fetch_add(1, Ordering::Relaxed);
    // Whether the block of this hash is one that it lacks.
    let lacks = async |hash: &Value| {
        let block: Value = l1.request("eth_getBlockByHash", (hash, false)).await.map_err(say)?;
        Ok::<_, String>(number(&block["number"]).is_none_or(|n| n > newest))
    };
    if *lag == 0 {
        return ask(params).await;
    }
    match method {
        "eth_blockNumber" => Ok(json!(U64::from(newest))),
        "eth_getBlockByNumber" if params[0] == "latest" => ask(json!([U64::from(newest), params[1]])).await,
        "eth_getBlockByNumber" if number(&params[0]).is_some_and(|n| n > newest) => Ok(Value::Null),
        "eth_call" if params[1]["blockHash"].is_string() && lacks(&params[1]["blockHash"]).await? => {
            Err("header not found".into())
        }
        "eth_getLogs" if params[0]["blockHash"].is_string() => {
            let hash = params[0]["blockHash"].clone();
            if !lacks(&hash).await? {
                return ask(params).await;
            }
            match unknown {
                Unknown::Refuses => {
                    hide();
                    Err(format!("unknown block {hash}"))
                }
                Unknown::Nothing => {
                    if ask(params).await?.as_array().is_some_and(|logs| !logs.is_empty()) {
                        hide();
                    }
                    Ok(json!([]))
                }
            }
        }
        "eth_getLogs" => {
            let mut logs = ask(params).await?;
            if let Some(list) = logs.as_array_mut() {
                let all = list.len();
                list.retain(|log| number(&log["blockNumber"]).is_some_and(|n| n <= newest));
                if list.len() < all {
                    hide();
                }
            }
            Ok(logs)
        }
        _ => ask(params).await,
    }
}
