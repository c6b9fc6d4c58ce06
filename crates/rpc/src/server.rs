//! The server: HTTP and WebSocket on one port.

use core::{net::SocketAddr, time::Duration};
use std::sync::Arc;

use jsonrpsee::{
    Methods,
    server::{
        BatchRequestConfig, PingConfig, ServerBuilder, ServerConfig, ServerHandle,
        middleware::rpc::RpcServiceBuilder,
    },
};
use thiserror::Error;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::{
    RpcConfig,
    ids::HexIds,
    middleware::{NameUnknown, RouteLayer},
};

/// A WebSocket client that answers no ping for this long is gone.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_LIMIT: Duration = Duration::from_secs(90);
/// Messages that wait for a slow WebSocket client before its subscriptions do.
const MESSAGES: u32 = 1024;

/// The answer to a plain GET request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Value of `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Answers GET requests by path and query, `None` where it has nothing to say. May block.
pub type HttpRoute = Arc<dyn Fn(&str) -> Option<HttpResponse> + Send + Sync>;

/// The server could not be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is in use or not allowed.
    #[error("cannot listen on {addr}: {source}; choose another address")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// An allowed origin is not an HTTP header value.
    #[error("{0:?} is not an origin that browsers send")]
    Origin(String),
}

/// A server that runs. Dropping it stops it.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it listens.
    pub addr: SocketAddr,
    handle: ServerHandle,
}

impl RunningServer {
    /// Stops accepting requests and waits until those in flight are done.
    pub async fn stop(self) {
        // The one error is that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }

    /// Waits until the server has stopped.
    pub async fn stopped(&self) {
        self.handle.clone().stopped().await;
    }

    /// Another way to stop the server.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

/// Serves methods on an address. `route` answers GET requests that are not JSON-RPC.
///
/// # Errors
/// If the address cannot be had.
pub async fn serve(
    addr: SocketAddr,
    methods: impl Into<Methods>,
    config: &RpcConfig,
    route: Option<HttpRoute>,
) -> Result<RunningServer, ServeError> {
    let methods = methods.into();
    let settings = ServerConfig::builder()
        .max_request_body_size(config.max_body_bytes)
        .max_response_body_size(config.max_response_bytes)
        .max_connections(config.max_connections)
        .max_subscriptions_per_connection(config.max_subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
        .set_message_buffer_capacity(MESSAGES)
        .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).inactive_limit(PING_LIMIT))
        .set_id_provider(HexIds)
        .build();
    let named = {
        let (methods, limit) = (methods.clone(), config.max_response_bytes as usize);
        RpcServiceBuilder::new().layer_fn(move |service| NameUnknown::new(service, methods.clone(), limit))
    };
    let http = tower::ServiceBuilder::new().option_layer(cors(&config.cors)?).layer(RouteLayer(route));
    let bind = |source| ServeError::Bind { addr, source };
    let server = ServerBuilder::with_config(settings)
        .set_rpc_middleware(named)
        .set_http_middleware(http)
        .build(addr)
        .await
        .map_err(bind)?;
    let addr = server.local_addr().map_err(bind)?;
    Ok(RunningServer { addr, handle: server.start(methods) })
}

fn cors(origins: &[String]) -> Result<Option<CorsLayer>, ServeError> {
    if origins.is_empty() {
        return Ok(None);
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::from(Any)
    } else {
        let parsed =
            origins.iter().map(|origin| origin.parse().map_err(|_| ServeError::Origin(origin.clone())));
        AllowOrigin::list(parsed.collect::<Result<Vec<_>, _>>()?)
    };
    Ok(Some(CorsLayer::new().allow_origin(allowed).allow_methods(Any).allow_headers(Any)))
}
