//! A prover somewhere: `duplex-prover serve`.

use std::{fmt, time::Duration};

use alloy_primitives::{B256, Bytes};
use duplex_l1::{http_client, read_body};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use thiserror::Error;

use crate::proven::StatementParts;

/// How long a prover may take to answer; it proves beside.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// The longest answer that is read: a proof and what it is of take some four kilobytes.
const LONGEST: usize = 64 << 10;

/// The longest list of jobs that is read: one takes half a kilobyte.
const LONGEST_LIST: usize = 4 << 20;

/// The longest STARK that is read: one takes 267 kB.
const LONGEST_STARK: usize = 1 << 20;

/// What a prover said that is no proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Its address is none.
    #[error("{0:?} is no URL of a prover: http://HOST:PORT")]
    Url(String),
    /// It does not answer, or not as a prover does.
    #[error("the prover at {url}: {why}")]
    Away {
        /// Where it should be.
        url: String,
        /// What happened.
        why: String,
    },
    /// It does not prove that.
    #[error("the prover at {url} refuses: {why}")]
    Refused {
        /// Where it is.
        url: String,
        /// What it says.
        why: String,
    },
    /// It does not have what it is asked for.
    #[error("the prover at {url} has no {path}")]
    Unknown {
        /// Where it is.
        url: String,
        /// What it was asked for.
        path: String,
    },
}

/// A prover, by HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    /// As it was given.
    named: String,
    url: Url,
    client: Client,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the prover at {}", self.url)
    }
}

/// What names a program and its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pins {
    pub(crate) program_commitment: B256,
    pub(crate) machine_commitment: B256,
}

/// What a prover proves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    pub(crate) pins: Pins,
    pub(crate) parameters: String,
    pub(crate) stark_only: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Job {
    pub(crate) state: JobState,
    pub(crate) error: Option<String>,
    pub(crate) progress: Progress,
}

/// A job among others.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listed {
    pub(crate) job: B256,
    pub(crate) state: JobState,
    #[serde(flatten)]
    pub(crate) parts: StatementParts,
}

#[derive(Debug, Deserialize)]
struct List {
    jobs: Vec<Listed>,
}

/// From what is furthest from its end to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    Failed,
    Waiting,
    Proving,
    Done,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) step: Option<String>,
    pub(crate) percent: f64,
    pub(crate) seconds_left: f64,
}

#[derive(Debug, Deserialize)]
struct Proof {
    proof: Bytes,
}

impl Service {
    pub(crate) fn new(named: &str) -> Result<Self, ServiceError> {
        let parsed = Url::parse(named).ok().filter(|url| url.scheme().starts_with("http"));
        let url = parsed.ok_or_else(|| ServiceError::Url(named.to_owned()))?;
        let client = http_client()
            .build()
            .map_err(|why| ServiceError::Away { url: named.to_owned(), why: why.to_string() })?;
        Ok(Self { named: named.to_owned(), url, client })
    }

    pub(crate) fn is_at(&self, named: &str) -> bool {
        self.named == named
    }

    fn away(&self, why: impl ToString) -> ServiceError {
        ServiceError::Away { url: self.url.to_string(), why: why.to_string() }
    }

    fn at(&self, path: &str) -> Result<Url, ServiceError> {
        self.url.join(path).map_err(|error| self.away(error))
    }

    async fn read<T: for<'de> Deserialize<'de>>(
        &self,
        response: Response,
        most: usize,
    ) -> Result<T, ServiceError> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        let (status, path) = (response.status(), response.url().path().to_owned());
        let body = read_body(response, most).await.map_err(|error| self.away(error))?;
        if status == StatusCode::NOT_FOUND {
            return Err(ServiceError::Unknown { url: self.url.to_string(), path });
        }
        if status.is_client_error() {
            let why =
                serde_json::from_slice::<Refusal>(&body).map_or_else(|_| status.to_string(), |r| r.error);
            return Err(ServiceError::Refused { url: self.url.to_string(), why });
        }
        if !status.is_success() {
            return Err(self.away(status));
        }
        serde_json::from_slice(&body).map_err(|error| self.away(error))
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, ServiceError> {
        let request = self.client.get(self.at(path)?).timeout(ANSWERS_WITHIN);
        self.read(request.send().await.map_err(|error| self.away(error))?, LONGEST).await
    }

    /// What it proves.
    pub(crate) async fn about(&self) -> Result<About, ServiceError> {
        self.get("").await
    }

    /// Has it forget a job.
    pub(crate) async fn remove(&self, statement: B256) -> Result<(), ServiceError> {
        let request = self.client.delete(self.at(&format!("jobs/{statement}"))?).timeout(ANSWERS_WITHIN);
        let response = request.send().await.map_err(|error| self.away(error))?;
        self.read::<serde_json::Value>(response, LONGEST).await.map(drop)
    }

    /// Hands a bundle over. The same one is the same job.
    pub(crate) async fn submit(&self, bundle: Vec<u8>) -> Result<(), ServiceError> {
        let request = self.client.post(self.at("jobs")?).timeout(ANSWERS_WITHIN).body(bundle);
        let response = request.send().await.map_err(|error| self.away(error))?;
        self.read::<serde_json::Value>(response, LONGEST).await.map(drop)
    }

    /// All its jobs, oldest first, whoever they are from.
    pub(crate) async fn jobs(&self) -> Result<Vec<Listed>, ServiceError> {
        let request = self.client.get(self.at("jobs")?).timeout(ANSWERS_WITHIN);
        let response = request.send().await.map_err(|error| self.away(error))?;
        Ok(self.read::<List>(response, LONGEST_LIST).await?.jobs)
    }

    /// Where a job stands.
    pub(crate) async fn job(&self, statement: B256) -> Result<Job, ServiceError> {
        self.get(&format!("jobs/{statement}")).await
    }

    /// The STARK behind the proof.
    pub(crate) async fn stark(&self, statement: B256) -> Result<Vec<u8>, ServiceError> {
        let request = self.client.get(self.at(&format!("jobs/{statement}/stark"))?).timeout(ANSWERS_WITHIN);
        let response = request.send().await.map_err(|error| self.away(error))?;
        if !response.status().is_success() {
            return Err(self.away(response.status()));
        }
        read_body(response, LONGEST_STARK).await.map_err(|error| self.away(error))
    }

    /// The proof for L1.
    pub(crate) async fn proof(&self, statement: B256) -> Result<Bytes, ServiceError> {
        Ok(self.get::<Proof>(&format!("jobs/{statement}/proof")).await?.proof)
    }
}
