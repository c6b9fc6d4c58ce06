//! HTTP and WebSocket, as little of them as the tests need.

use core::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("an answer in time")
}

/// A connection that stays open between requests.
pub struct Http(BufStream<TcpStream>);

/// The status, the headers and the body of a response.
pub type Response = (u16, String, String);

impl Http {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(BufStream::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Status and body of the answer to a JSON body.
    pub async fn post(&mut self, body: &str) -> (u16, String) {
        let (status, _, body) =
            self.request("POST", "/", "content-type: application/json\r\n", body.as_bytes()).await;
        (status, body)
    }

    pub async fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Response {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        within(async {
            self.0.write_all(head.as_bytes()).await.unwrap();
            // A server that refuses a body may close before it has read all of it.
            let _ = self.0.write_all(body).await;
            let _ = self.0.flush().await;
            self.response().await
        })
        .await
    }

    async fn response(&mut self) -> Response {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        (status, head, String::from_utf8(body).unwrap())
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap().to_lowercase()
    }
}

/// A WebSocket connection.
pub struct Socket {
    http: Http,
    next_id: u64,
    /// Notifications that came while something else was awaited.
    early: Vec<Value>,
}

impl Socket {
    pub async fn connect(address: SocketAddr) -> Self {
        let mut http = Http::connect(address).await;
        let upgrade = "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        within(async {
            http.0.write_all(upgrade.as_bytes()).await.unwrap();
            http.0.flush().await.unwrap();
            assert!(http.head().await.contains("101"), "the server speaks WebSocket");
        })
        .await;
        Self { http, next_id: 1, early: Vec::new() }
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: &str) {
        let stream = &mut self.http.0;
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..=125 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
            }
        }
        // The mask is zero: the text stays as it is.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        stream.write_all(&frame).await.unwrap();
        stream.flush().await.unwrap();
    }

    /// The next message.
    pub async fn receive(&mut self) -> Value {
        within(async {
            loop {
                let stream = &mut self.http.0;
                let kind = stream.read_u8().await.unwrap() & 0x0f;
                let length = match stream.read_u8().await.unwrap() & 0x7f {
                    126 => u64::from(stream.read_u16().await.unwrap()),
                    127 => stream.read_u64().await.unwrap(),
                    short => u64::from(short),
                };
                let mut payload = vec![0; usize::try_from(length).unwrap()];
                stream.read_exact(&mut payload).await.unwrap();
                if kind == 1 {
                    return serde_json::from_slice(&payload).unwrap();
                }
            }
        })
        .await
    }

    /// The whole reply to a call.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message;
            }
            self.early.push(message);
        }
    }

    /// Subscribes; gives the subscription's id.
    pub async fn subscribe(&mut self, params: Value) -> String {
        let reply = self.call("eth_subscribe", params).await;
        reply["result"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// The next thing told to a subscription.
    pub async fn notification(&mut self, subscription: &str) -> Value {
        let ours = |message: &Value| message["params"]["subscription"] == subscription;
        let message = match self.early.iter().position(ours) {
            Some(at) => self.early.remove(at),
            None => loop {
                let message = self.receive().await;
                if ours(&message) {
                    break message;
                }
                self.early.push(message);
            },
        };
        assert_eq!(message["method"], "eth_subscription");
        message["params"]["result"].clone()
    }
}
