//! Long-running parts that stop together.

use std::{fmt::Display, future::Future};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::NodeError;

/// Runs parts of a node; when one fails, all stop.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<(&'static str, Result<(), String>)>,
    cancel: CancellationToken,
}

impl Tasks {
    /// What stops all parts.
    pub fn cancel_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a part.
    pub fn spawn<E: Display + Send + 'static>(
        &mut self,
        part: &'static str,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.set.spawn(async move { (part, run.await.map_err(|error| error.to_string())) });
    }

    /// Waits until a part fails or the token is cancelled, then stops all.
    ///
    /// # Errors
    /// The first failure.
    pub async fn wait(mut self) -> Result<(), NodeError> {
        let mut first = None;
        while let Some(done) = self.set.join_next().await {
            let failure = match done {
                Ok((_, Ok(()))) if self.cancel.is_cancelled() => None,
                Ok((part, Ok(()))) => Some(NodeError::Part { part, why: "it stopped by itself".into() }),
                Ok((part, Err(why))) => Some(NodeError::Part { part, why }),
                Err(panic) => Some(NodeError::Part { part: "a task", why: panic.to_string() }),
            };
            self.cancel.cancel();
            if let Some(failure) = failure {
                tracing::error!("{failure}");
                first.get_or_insert(failure);
            }
        }
        first.map_or(Ok(()), Err)
    }
}
