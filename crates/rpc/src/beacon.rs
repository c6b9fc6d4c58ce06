//! What readers of blobs ask of a consensus layer, on the development L1.
//!
//! The development L1 has no beacon chain: the slot of a block is its number, and every slot has
//! a block. Answers have the form of the [beacon API], without what only a beacon chain knows:
//! sidecars have neither `signed_block_header` nor `kzg_commitment_inclusion_proof`, and genesis
//! has neither `genesis_validators_root` nor `genesis_fork_version`.
//!
//! [beacon API]: https://ethereum.github.io/beacon-APIs/

use std::{fmt::Display, str::FromStr, sync::Arc};

use alloy_primitives::{B256, Bytes};
use duplex_chain::dev::{DevChain, StoredBlob};
use serde_json::{Value, json};

use crate::{HttpResponse, HttpRoute};

/// What all paths start with.
const PREFIX: &str = "/eth/v1/";
const PATHS: &str = "beacon/blobs/{block}, beacon/blob_sidecars/{block}, beacon/genesis and config/spec";
/// Seconds from block to block that are reported while blocks come on demand only.
const DEFAULT_SECONDS_PER_SLOT: u64 = 12;

/// The beacon API of a development L1, for GET requests:
///
/// - `/eth/v1/beacon/blobs/{block}`: blobs, only those in `versioned_hashes` if given;
/// - `/eth/v1/beacon/blob_sidecars/{block}`: blobs with commitment and proof, only those in
///   `indices` if given;
/// - `/eth/v1/beacon/genesis`: `genesis_time`;
/// - `/eth/v1/config/spec`: `SECONDS_PER_SLOT`.
///
/// A block is `head`, `justified`, `finalized`, `genesis` or a slot, which is an L1 block number.
/// What is refused is answered with `{"code", "message"}`.
pub fn beacon_route(dev: Arc<DevChain>) -> HttpRoute {
    let beacon = Beacon { dev };
    Arc::new(move |target| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (status, body) = match beacon.answer(path.strip_prefix(PREFIX)?, query) {
            Ok(body) => (200, body),
            Err(Refusal(code, message)) => (code, json!({"code": code, "message": message})),
        };
        Some(HttpResponse { status, content_type: "application/json", body: body.to_string().into_bytes() })
    })
}

/// Looks up a blob by its versioned hash; the error says why the archive cannot be read.
pub type FindBlob = Arc<dyn Fn(B256) -> Result<Option<Bytes>, String> + Send + Sync>;

/// The part of the beacon API that an archive of blobs can answer:
/// `/eth/v1/beacon/blobs/{slot}?versioned_hashes=…`. An archive knows blobs by their hashes only, so
/// the slot does not matter and the hashes must be named. What it does not have is left out.
pub fn archive_route(find: FindBlob) -> HttpRoute {
    Arc::new(move |target| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix(PREFIX)?;
        let (status, body) = match archived(&find, path, query) {
            Ok(body) => (200, body),
            Err(Refusal(code, message)) => (code, json!({"code": code, "message": message})),
        };
        Some(HttpResponse { status, content_type: "application/json", body: body.to_string().into_bytes() })
    })
}

/// Most blobs in an answer: those of one transaction.
const MOST_BLOBS: usize = 6;

fn archived(find: &FindBlob, path: &str, query: &str) -> Result<Value, Refusal> {
    if path.trim_end_matches('/').strip_prefix("beacon/blobs/").is_none() {
        return Err(Refusal(
            404,
            format!("no such path; under {PREFIX} this archive has beacon/blobs/{{slot}}"),
        ));
    }
    let wanted: Vec<B256> = filter(query, "versioned_hashes")?
        .ok_or_else(|| bad_request("an archive finds blobs by ?versioned_hashes=0x…, which is missing"))?;
    if wanted.len() > MOST_BLOBS {
        return Err(bad_request(format!("at most {MOST_BLOBS} versioned_hashes at a time")));
    }
    let mut blobs = Vec::new();
    for hash in wanted {
        blobs.extend(find(hash).map_err(|why| Refusal(500, why))?);
    }
    Ok(json!({"execution_optimistic": false, "finalized": false, "data": blobs}))
}

struct Beacon {
    dev: Arc<DevChain>,
}

/// Why a request has no answer; becomes the beacon API's `{code, message}`.
struct Refusal(u16, String);

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal(400, message.into())
}

fn no_block(slot: u64) -> Refusal {
    Refusal(404, format!("there is no block in slot {slot}"))
}

impl Beacon {
    fn answer(&self, path: &str, query: &str) -> Result<Value, Refusal> {
        let path = path.trim_end_matches('/');
        if let Some(block) = path.strip_prefix("beacon/blobs/") {
            let wanted: Option<Vec<B256>> = filter(query, "versioned_hashes")?;
            return self.blobs(block, |blob| {
                let keep = wanted.as_ref().is_none_or(|wanted| wanted.contains(&blob.versioned_hash));
                keep.then(|| json!(blob.blob))
            });
        }
        if let Some(block) = path.strip_prefix("beacon/blob_sidecars/") {
            let wanted: Option<Vec<u64>> = filter(query, "indices")?;
            return self.blobs(block, |blob| {
                let keep = wanted.as_ref().is_none_or(|wanted| wanted.contains(&blob.index));
                keep.then(|| {
                    json!({
                        "index": blob.index.to_string(),
                        "blob": blob.blob,
                        "kzg_commitment": blob.commitment,
                        "kzg_proof": blob.proof,
                    })
                })
            });
        }
        match path {
            "beacon/genesis" => self.genesis(),
            "config/spec" => Ok(json!({"data": {"SECONDS_PER_SLOT": self.seconds_per_slot().to_string()}})),
            _ => Err(Refusal(404, format!("no such path; under {PREFIX} there are {PATHS}"))),
        }
    }

    fn slot(&self, block: &str) -> Result<u64, Refusal> {
        let chain = self.dev.chain();
        let head = chain.head().header.number;
        let slot = match block {
            "head" => head,
            "justified" => chain.safe(),
            "finalized" => chain.finalized(),
            "genesis" => 0,
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().map_err(|_| {
                bad_request(format!("block id {number:?} is not a slot: it must be below 2^64"))
            })?,
            other => {
                return Err(bad_request(format!(
                    "block id {other:?} is none of head, justified, finalized, genesis or a slot in decimal"
                )));
            }
        };
        if slot > head {
            return Err(no_block(slot));
        }
        Ok(slot)
    }

    fn blobs(&self, block: &str, show: impl Fn(&StoredBlob) -> Option<Value>) -> Result<Value, Refusal> {
        let slot = self.slot(block)?;
        let failed = |error: &dyn Display| Refusal(500, error.to_string());
        let block = self.dev.chain().block(slot).map_err(|error| failed(&error))?;
        let Some(block) = block else { return Err(no_block(slot)) };
        let blobs = self.dev.blobs().of(&block).map_err(|error| failed(&error))?;
        Ok(json!({
            "execution_optimistic": false,
            "finalized": slot <= self.dev.chain().finalized(),
            "data": blobs.iter().filter_map(show).collect::<Vec<_>>(),
        }))
    }

    fn genesis(&self) -> Result<Value, Refusal> {
        match self.dev.chain().header(0) {
            Ok(Some(header)) => Ok(json!({"data": {"genesis_time": header.timestamp.to_string()}})),
            Ok(None) => Err(Refusal(404, "there is no genesis block".into())),
            Err(error) => Err(Refusal(500, error.to_string())),
        }
    }

    fn seconds_per_slot(&self) -> u64 {
        self.dev.mining().interval.map_or(DEFAULT_SECONDS_PER_SLOT, |interval| interval.as_secs().max(1))
    }
}

/// The values of a query parameter that may be repeated and may hold a list; `None` without it.
fn filter<T: FromStr>(query: &str, name: &str) -> Result<Option<Vec<T>>, Refusal> {
    let mut values = None;
    for (key, list) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if key != name {
            continue;
        }
        let values = values.get_or_insert_with(Vec::new);
        for value in list.replace("%2C", ",").replace("%2c", ",").split(',').filter(|value| !value.is_empty())
        {
            values.push(value.parse().map_err(|_| bad_request(format!("{name}: {value:?} is malformed")))?);
        }
    }
    Ok(values)
}
