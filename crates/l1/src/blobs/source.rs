//! Other places that have blobs: beacon APIs, and archives that answer like them.

use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

use super::{BlobsError, versioned_hash};
use crate::http::{self, read_body};

/// How long a source may take: a blob is a quarter of a megabyte.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer: some blobs as hexadecimal digits.
const LONGEST: usize = 32 << 20;

/// Why a source gave no blob.
#[derive(Debug)]
pub(super) enum SourceError {
    /// It gave something else.
    Lie,
    /// It does not have it, or does not answer.
    Failed(String),
}

/// When slots are.
#[derive(Debug, Clone, Copy)]
struct Clock {
    genesis: u64,
    seconds_per_slot: u64,
}

/// A beacon API.
#[derive(Debug)]
pub(super) struct Source {
    url: String,
    http: Client,
    /// `None` if slots are block numbers: on development L1s, and archives do not care.
    clock: OnceCell<Option<Clock>>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Genesis {
    genesis_time: String,
    /// Only a real beacon chain has it.
    genesis_validators_root: Option<B256>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(rename = "SECONDS_PER_SLOT")]
    seconds_per_slot: String,
}

#[derive(Deserialize)]
struct Sidecar {
    blob: Bytes,
}

impl Source {
    pub(super) fn new(url: &str) -> Result<Self, BlobsError> {
        let malformed = |why: String| BlobsError::Url { url: url.into(), why };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(malformed("it must begin with http:// or https://".into()));
        }
        reqwest::Url::parse(url).map_err(|why| malformed(why.to_string()))?;
        let http = http::client().timeout(PATIENCE).build().map_err(|why| malformed(why.to_string()))?;
        Ok(Self { url: url.trim_end_matches('/').into(), http, clock: OnceCell::new() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A blob, checked against its hash.
    pub(super) async fn get(&self, hash: B256, number: u64, timestamp: u64) -> Result<Bytes, SourceError> {
        let slot = self.slot(number, timestamp).await?;
        // The newer path gives what is asked for; the older one all blobs of a block.
        let path = format!("/eth/v1/beacon/blobs/{slot}?versioned_hashes={hash}");
        let newer = self.ask::<Data<Vec<Bytes>>>(&path).await;
        let blobs = match newer {
            Ok(answer) if !answer.data.is_empty() => answer.data,
            newer => {
                let path = format!("/eth/v1/beacon/blob_sidecars/{slot}");
                match (self.ask::<Data<Vec<Sidecar>>>(&path).await, newer) {
                    (Ok(answer), _) => answer.data.into_iter().map(|sidecar| sidecar.blob).collect(),
                    (Err(_), Err(why)) => return Err(why),
                    (Err(why), Ok(_)) => return Err(why),
                }
            }
        };
        let asked_for_one = blobs.len() == 1;
        let found = tokio::task::spawn_blocking(move || {
            blobs.into_iter().find(|blob| versioned_hash(blob).is_ok_and(|found| found == hash))
        });
        match found.await {
            Ok(Some(blob)) => Ok(blob),
            // One that was asked for by its hash and is another is a lie; a block's other blobs are not.
            Ok(None) if asked_for_one => Err(SourceError::Lie),
            Ok(None) => Err(SourceError::Failed("has other blobs only".into())),
            Err(_) => Err(SourceError::Failed("checking was cut off".into())),
        }
    }

    async fn slot(&self, number: u64, timestamp: u64) -> Result<u64, SourceError> {
        let clock = self.clock.get_or_try_init(|| self.read_clock()).await?;
        Ok(clock
            .map_or(number, |clock| timestamp.saturating_sub(clock.genesis) / clock.seconds_per_slot.max(1)))
    }

    async fn read_clock(&self) -> Result<Option<Clock>, SourceError> {
        let Ok(genesis) = self.ask::<Data<Genesis>>("/eth/v1/beacon/genesis").await else { return Ok(None) };
        // Development L1s have one slot for each block and say no root of validators, or zero.
        if genesis.data.genesis_validators_root.is_none_or(|root| root.is_zero()) {
            return Ok(None);
        }
        let spec = self.ask::<Data<Spec>>("/eth/v1/config/spec").await?;
        let bad = |what: &str| SourceError::Failed(format!("says {what}, which is no number"));
        let genesis = genesis.data.genesis_time;
        let seconds = spec.data.seconds_per_slot;
        Ok(Some(Clock {
            genesis: genesis.parse().map_err(|_| bad(&genesis))?,
            seconds_per_slot: seconds.parse().map_err(|_| bad(&seconds))?,
        }))
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, SourceError> {
        let failed = |why: reqwest::Error| SourceError::Failed(why.without_url().to_string());
        let response = self.http.get(format!("{}{path}", self.url)).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(SourceError::Failed(format!("answers {}", response.status())));
        }
        let bytes = read_body(response, LONGEST).await;
        let bytes = bytes.map_err(|why| SourceError::Failed(why.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|why| SourceError::Failed(format!("answers with {why}")))
    }
}
