//! Keep-alive HTTP/1.1 connections with prepared bodies.

use crate::BenchError;
use core::time::Duration;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;

/// How long an endpoint may think about one request.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where to connect to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    url: String,
    host: String,
    port: u16,
    path: Uri,
    authority: HeaderValue,
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, BenchError> {
        let wrong = |reason: &str| BenchError::Url { url: url.to_owned(), reason: reason.to_owned() };
        let uri: Uri = url.parse().map_err(|_| wrong("it does not parse"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("only http:// is supported"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("user names and passwords are not supported"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self(Arc::new(Parts {
            url: url.to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: path.parse().map_err(|_| wrong("its path does not parse"))?,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| wrong("its host is unusual"))?,
        })))
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }
}

/// One connection, opened when first needed and again after it breaks.
#[derive(Debug)]
pub(crate) struct HttpConnection {
    endpoint: Endpoint,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl HttpConnection {
    pub(crate) const fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, sender: None }
    }

    pub(crate) fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// Opens the connection if it is not open.
    pub(crate) async fn open(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, String> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let parts = &self.endpoint.0;
            let stream =
                TcpStream::connect((parts.host.as_str(), parts.port)).await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
            // Its end shows as an error of the request that it carries.
            drop(tokio::spawn(connection));
            self.sender = Some(sender);
        }
        self.sender.as_mut().ok_or_else(|| "not connected".to_owned())
    }

    /// Posts a JSON body and returns the whole reply. An error means that the endpoint may or may
    /// not have seen the request; the connection is opened anew for the next one.
    pub(crate) async fn post(&mut self, body: Bytes) -> Result<(StatusCode, Bytes), String> {
        let exchange = tokio::time::timeout(TIMEOUT, self.exchange(body)).await;
        let reply = exchange.unwrap_or_else(|_| Err(format!("no reply within {} s", TIMEOUT.as_secs())));
        if reply.is_err() {
            self.sender = None;
        }
        reply
    }

    async fn exchange(&mut self, body: Bytes) -> Result<(StatusCode, Bytes), String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.0.path.clone();
        request.headers_mut().insert(HOST, self.endpoint.0.authority.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sender = self.open().await?;
        sender.ready().await.map_err(|e| e.to_string())?;
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| e.to_string())?;
        Ok((status, body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let endpoint = Endpoint::parse("http://localhost:8545/rpc?key=1").unwrap();
        assert_eq!((endpoint.0.host.as_str(), endpoint.0.port), ("localhost", 8545));
        assert_eq!(endpoint.0.path.to_string(), "/rpc?key=1");
        let six = Endpoint::parse("http://[::1]:9").unwrap();
        assert_eq!((six.0.host.as_str(), six.0.path.to_string().as_str()), ("::1", "/"));
        for bad in ["https://example.org", "localhost:8545", "http://", "http://a:b@c", "not a url"] {
            assert!(matches!(Endpoint::parse(bad), Err(BenchError::Url { .. })), "{bad}");
        }
    }
}
