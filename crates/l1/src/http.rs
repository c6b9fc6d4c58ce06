//! HTTP for [`crate::Rpc`]. Not everybody who is asked is trusted, so an answer has a limit in bytes: it is held before it is parsed.

use std::task::{Context, Poll};

use alloy_json_rpc::{RequestPacket, ResponsePacket};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use reqwest::{Client, ClientBuilder, Response, Url, header::CONTENT_TYPE};
use thiserror::Error;
use tower_service::Service;

/// How much of an answer is shown that makes no sense.
const SHOWN: usize = 512;

/// The one way in which clients are made. TLS takes its cryptography from ring: what reqwest would take is C that takes longer to
/// build than anything else here.
pub fn client() -> ClientBuilder {
    // Whoever links this crate may have chosen another one, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// Why an answer cannot be had.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The connection broke.
    #[error("{0}")]
    Broken(reqwest::Error),
    /// It is too long.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
}

/// What an answer says, in at most so many bytes.
///
/// # Errors
/// If there are more, or the connection breaks.
pub async fn read_body(mut answer: Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| BodyError::Broken(error.without_url()))? {
        if body.len() + chunk.len() > most {
            return Err(BodyError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A node to ask.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    url: Url,
    /// Most bytes of an answer.
    most: usize,
}

impl Http {
    pub(crate) fn new(url: Url, most: usize) -> reqwest::Result<Self> {
        Ok(Self { client: client().build()?, url, most })
    }

    async fn ask(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = serde_json::to_vec(&request).map_err(TransportError::ser_err)?;
        let asked = self.client.post(self.url).headers(request.headers());
        let asked = asked.header(CONTENT_TYPE, "application/json").body(body);
        let answer = asked.send().await.map_err(TransportErrorKind::custom)?;
        let status = answer.status();
        let body = read_body(answer, self.most).await.map_err(|error| match error {
            BodyError::Broken(error) => TransportErrorKind::custom(error),
            long => TransportError::local_usage_str(&long.to_string()),
        })?;
        match serde_json::from_slice(&body) {
            Ok(said) => Ok(said),
            // Errors of JSON-RPC may come with any status, other errors do not come as JSON-RPC.
            Err(_) if !status.is_success() => {
                Err(TransportErrorKind::http_error(status.as_u16(), beginning(&body)))
            }
            Err(error) => Err(TransportError::deser_err(error, beginning(&body))),
        }
    }
}

/// What is said of an answer that makes no sense: as much as a person reads.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).into_owned()
}

impl Service<RequestPacket> for Http {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use crate::{Rpc, RpcError};

    /// A node that answers everything with this, and an `Rpc` that takes so many bytes of it.
    async fn node(answer: Vec<u8>, most: usize) -> Rpc {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rpc = Rpc::with_limit(&format!("http://{}", listener.local_addr().unwrap()), most).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 4096];
                    while stream.read(&mut asked).await.is_ok_and(|length| length > 0) {
                        if stream.write_all(&answer).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        rpc
    }

    fn http(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    const SEVEN: &str = r#"{"jsonrpc":"2.0","id":0,"result":"0x7"}"#;

    #[tokio::test]
    async fn an_answer_as_long_as_it_may_be_is_taken() {
        let said = node(http("200 OK", SEVEN), SEVEN.len()).await.request::<_, String>("x", ()).await;
        assert_eq!(said.unwrap(), "0x7");
    }

    #[tokio::test]
    async fn a_longer_one_is_not() {
        let endless =
            [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], &b"4\r\n    \r\n".repeat(100)];
        for answer in [http("200 OK", SEVEN), http("500 Oh no", SEVEN), endless.concat()] {
            let said = node(answer, SEVEN.len() - 1).await.request::<_, String>("x", ()).await;
            // Not one that is asked for again.
            assert!(
                matches!(&said, Err(RpcError::Malformed { why, .. }) if why.contains("more than 38 bytes")),
                "{said:?}"
            );
        }
    }

    #[tokio::test]
    async fn errors_are_what_the_node_says_or_its_status() {
        let refused = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"no such block"}}"#;
        for status in ["200 OK", "400 Bad Request"] {
            let said = node(http(status, refused), 1000).await.request::<_, String>("x", ()).await;
            assert_eq!(said.unwrap_err().rejection(), Some("no such block"));
        }
        let said = node(http("503 Busy", "later"), 1000).await.request::<_, String>("x", ()).await;
        assert!(said.as_ref().unwrap_err().is_temporary() && format!("{said:?}").contains("503"), "{said:?}");
        for long in ["", &"x".repeat(100_000)] {
            for status in ["200 OK", "404 Not Found"] {
                let answer = http(status, &format!("<html>{long}"));
                let error = node(answer, 1 << 20).await.request::<_, String>("x", ()).await.unwrap_err();
                assert_eq!(matches!(error, RpcError::Malformed { .. }), status == "200 OK", "{error}");
                let said = error.to_string();
                assert!(said.contains("<html>") && said.len() < 2000, "{} bytes", said.len());
            }
        }
    }
}
