//! What happens to requests before they reach a method.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use jsonrpsee::{
    BatchResponseBuilder, MethodResponse, Methods,
    core::{
        BoxError,
        middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    },
    server::{HttpBody, HttpRequest, HttpResponse},
    types::{ErrorObject, Request},
};
use tower::{Layer, Service};

use crate::HttpRoute;

const METHOD_NOT_FOUND: i32 = -32601;
const INTERNAL: i32 = -32603;
/// Longest method name that an error repeats.
const SHOWN: usize = 80;

/// Names the method in the error for a method that does not exist, in batches as well.
#[derive(Debug, Clone)]
pub(crate) struct NameUnknown<S> {
    inner: S,
    methods: Methods,
    max_response_bytes: usize,
}

impl<S> NameUnknown<S> {
    pub(crate) const fn new(inner: S, methods: Methods, max_response_bytes: usize) -> Self {
        Self { inner, methods, max_response_bytes }
    }
}

fn is_subscription(method: &str) -> bool {
    method == "eth_subscribe" || method == "eth_unsubscribe"
}

impl<S> RpcServiceT for NameUnknown<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        enum Step<F> {
            Unknown(MethodResponse),
            Subscription(F, jsonrpsee::types::Id<'static>),
            Call(F),
        }
        let step = if self.methods.method(&request.method).is_none() {
            let name: String = request.method.chars().take(SHOWN).collect();
            let text = format!("the method {name} does not exist/is not available");
            Step::Unknown(MethodResponse::error(
                request.id,
                ErrorObject::owned(METHOD_NOT_FOUND, text, None::<()>),
            ))
        } else if is_subscription(&request.method) {
            let id = request.id.clone().into_owned();
            Step::Subscription(self.inner.call(request), id)
        } else {
            Step::Call(self.inner.call(request))
        };
        async move {
            match step {
                Step::Unknown(response) => response,
                Step::Call(call) => call.await,
                Step::Subscription(call, id) => {
                    let response = call.await;
                    // The one cause of this error here is a transport that cannot push.
                    if response.as_error_code() == Some(INTERNAL) {
                        let text = "subscriptions need a WebSocket connection; this one is HTTP";
                        return MethodResponse::error(
                            id,
                            ErrorObject::owned(METHOD_NOT_FOUND, text, None::<()>),
                        );
                    }
                    response
                }
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.clone();
        async move {
            let mut responses = BatchResponseBuilder::new_with_limit(service.max_response_bytes);
            let mut notified = false;
            for entry in batch {
                let response = match entry {
                    Ok(BatchEntry::Call(request)) => service.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        notified = true;
                        service.notification(notification).await;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = responses.append(response) {
                    return too_large;
                }
            }
            if responses.is_empty() && notified {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(responses.finish())
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

/// Answers plain GET requests by an [`HttpRoute`].
#[derive(Clone)]
pub(crate) struct RouteLayer(pub(crate) Option<HttpRoute>);

impl<S> Layer<S> for RouteLayer {
    type Service = Routed<S>;

    fn layer(&self, inner: S) -> Routed<S> {
        Routed { inner, route: self.0.clone() }
    }
}

/// See [`RouteLayer`].
#[derive(Clone)]
pub(crate) struct Routed<S> {
    inner: S,
    route: Option<HttpRoute>,
}

type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

impl<S, B> Service<HttpRequest<B>> for Routed<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Answer {
        let route = match &self.route {
            Some(route) if request.method() == "GET" && !request.headers().contains_key("upgrade") => {
                route.clone()
            }
            _ => return Box::pin(self.inner.call(request)),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let answer = tokio::task::spawn_blocking(move || route(&path)).await?;
            let Some(answer) = answer else { return inner.call(request).await };
            let mut response = HttpResponse::new(HttpBody::from(answer.body));
            *response.status_mut() = answer.status.try_into()?;
            response.headers_mut().insert("content-type", answer.content_type.parse()?);
            Ok(response)
        })
    }
}
