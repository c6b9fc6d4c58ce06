//! `duplex-prover serve`: proofs over HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | parameters, and what names program and machine on L1 |
//! | `POST /jobs`, a bundle | the job, whose name is the statement's hash; the same bundle is the same job |
//! | `GET /jobs` | all jobs, oldest first, with what each is of |
//! | `GET /jobs/S` | where it stands |
//! | `GET /jobs/S/proof` | the proof for L1, as `prove` writes it |
//! | `GET /jobs/S/stark` | the STARK |
//! | `DELETE /jobs/S` | stops it, and removes what is there |
//! | `POST /leases`, `GET /jobs/S/bundle`, … | for helpers (`duplex-prover work`): see [`lending`] |
//!
//! Jobs are proved one after the other, oldest first. What was proved of one when this process ends is on disk, and goes on.

mod leases;
mod lending;
mod proving;

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{B256, Bytes};
use clap::Args;
use duplex_program::RangeStatement;
use eyre::{WrapErr, bail, eyre};
use serde_json::{Value, json};
use tiny_http::{Method, Request, Response, Server};

use self::leases::Leases;
pub(crate) use self::leases::TERM;
use crate::{
    children::ParentArgs,
    job::Job,
    keys::Keys,
    progress::{Timings, progress},
    prove::MemoryArgs,
    setup::KeyArgs,
    steps::ProveStep,
};

/// The longest bundle or proof that is taken. A block can have one of 280 MB (`docs/validity.md` §3).
const LONGEST: u64 = 1 << 30;
/// Requests that are answered at once.
const MOST_AT_ONCE: usize = 16;
/// Pause between looks for jobs, and for what others make.
const PAUSE: Duration = Duration::from_millis(500);
/// How many jobs were removed.
static REMOVED: AtomicUsize = AtomicUsize::new(0);
/// Where a job says why it was given up.
const FAILED: &str = "failed.txt";

/// Take bundles over HTTP, and prove them.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    /// Address to listen on. Whoever reaches it can have this machine prove: keep it to those whom you trust.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7545")]
    listen: SocketAddr,
    /// Folder of the jobs.
    #[arg(long, value_name = "DIR", default_value = "prover-jobs")]
    jobs: PathBuf,
    /// Make STARKs only, no proofs for L1.
    #[arg(long)]
    stark_only: bool,
    #[command(flatten)]
    parent: ParentArgs,
}

struct Service {
    args: ServeArgs,
    keys: Keys,
    timings: Mutex<Timings>,
    /// Held while a bundle is taken.
    taking: Mutex<()>,
    /// The job that is being proved.
    current: Mutex<Option<B256>>,
    /// Who is at work on which parts of it.
    leases: Mutex<Leases>,
    /// Jobs of which others made a part that was wrong: they get none of these any more.
    alone: Mutex<BTreeSet<B256>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn run(args: ServeArgs) -> eyre::Result<()> {
    let keys = args.keys.keys();
    let pins = keys.pins()?;
    // Better now than after minutes.
    if !pins.are_of(&args.keys.program.read()?) {
        bail!(
            "the keys in {} are of another program: run `duplex-prover setup` again",
            args.keys.keys.display()
        );
    }
    fs::create_dir_all(&args.jobs).wrap_err_with(|| args.jobs.display().to_string())?;
    let server = Server::http(args.listen).map_err(|error| eyre!("{}: {error}", args.listen))?;
    let address = server.server_addr().to_ip().unwrap_or(args.listen);
    println!("{}", json!({ "listening": address.to_string(), "parameters": keys.parameters().to_string() }));
    let timings = Mutex::new(Timings::load(&keys));
    let parent = args.parent;
    let service = Arc::new(Service {
        args,
        keys,
        timings,
        taking: Mutex::default(),
        current: Mutex::default(),
        leases: Mutex::default(),
        alone: Mutex::default(),
    });
    parent.heed();
    let worker = service.clone();
    std::thread::spawn(move || {
        // Without it nothing is ever proved: whoever watches this process starts it again.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.work()));
        eprintln!("the prover's thread ended: {ended:?}");
        std::process::exit(1);
    });
    // Who is slow, or goes away in between, keeps nobody else waiting.
    let answering = Arc::new(AtomicUsize::new(0));
    for request in server.incoming_requests() {
        let turn = Turn::take(&answering);
        let service = service.clone();
        // A refusal, too, waits until all that was sent is read: never here.
        std::thread::spawn(move || {
            let mut request = request;
            let answer = match turn {
                Some(_) => service.answer(&mut request),
                None => Err(Refusal(503, "too many requests at once".into())),
            };
            respond(request, answer);
            drop(turn);
        });
    }
    bail!("no more connections can be taken at {address}")
}

/// One of the requests that are answered at once.
struct Turn(Arc<AtomicUsize>);

impl Turn {
    fn take(answering: &Arc<AtomicUsize>) -> Option<Self> {
        let turn = Self(answering.clone());
        // Given back by `drop`, whether it was too many or not.
        (answering.fetch_add(1, Ordering::Relaxed) < MOST_AT_ONCE).then_some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn respond(request: Request, answer: Result<Answer, Refusal>) {
    let response = match answer {
        Ok(Answer::Json(value)) => Response::from_string(value.to_string()),
        Ok(Answer::Bytes(bytes)) => Response::from_data(bytes),
        Err(Refusal(code, why)) => {
            Response::from_string(json!({ "error": why }).to_string()).with_status_code(code)
        }
    };
    // Who asked may be gone.
    let _ = request.respond(response);
}

enum Answer {
    Json(Value),
    Bytes(Vec<u8>),
}

struct Refusal(u16, String);

impl From<eyre::Report> for Refusal {
    fn from(error: eyre::Report) -> Self {
        Self(500, format!("{error:#}"))
    }
}

impl Service {
    fn steps(&self) -> &'static [ProveStep] {
        if self.args.stark_only { &ProveStep::ALL[..2] } else { &ProveStep::ALL }
    }

    fn folder(&self, statement: B256) -> PathBuf {
        self.args.jobs.join(statement.to_string())
    }

    fn answer(&self, request: &mut Request) -> Result<Answer, Refusal> {
        // A page in somebody's browser, on this machine, is nobody who should have it prove.
        if request.headers().iter().any(|header| header.field.equiv("origin")) {
            return Err(Refusal(403, "not for browsers".into()));
        }
        let url = request.url().to_owned();
        let parts: Vec<&str> = url.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect();
        match (request.method(), parts.as_slice()) {
            (Method::Get, []) => Ok(Answer::Json(json!({
                "parameters": self.keys.parameters().to_string(),
                "pins": self.keys.pins()?,
                "starkOnly": self.args.stark_only,
            }))),
            (Method::Post, ["jobs"]) => self.take(request),
            (Method::Get, ["jobs"]) => Ok(Answer::Json(self.list())),
            (Method::Get, ["jobs", name]) => self.status(statement(name)?),
            (Method::Get, ["jobs", name, "proof"]) => {
                let job = self.job(statement(name)?)?;
                self.result(&job.l1_path(&self.keys))
            }
            (Method::Get, ["jobs", name, "stark"]) => self.result(&self.job(statement(name)?)?.stark_path()),
            (Method::Delete, ["jobs", name]) => self.remove(statement(name)?),
            (Method::Get, ["jobs", name, "bundle"]) => {
                self.result(&self.job(statement(name)?)?.bundle_path())
            }
            (Method::Get, ["jobs", name, "segments"]) => {
                self.result(&self.job(statement(name)?)?.segments_path())
            }
            (Method::Get, ["jobs", name, "nodes", node]) => {
                self.result(&self.job(statement(name)?)?.node_path(lending::node(node)?))
            }
            (Method::Post, ["leases"]) => self.lend(request),
            (Method::Post, ["leases", id]) => self.renew(lending::lease(id)?),
            (Method::Delete, ["leases", id]) => self.given_up(lending::lease(id)?),
            (Method::Put, ["leases", id, "public"]) => self.public(lending::lease(id)?, request),
            (Method::Put, ["leases", id, "nodes", node]) => {
                self.made(lending::lease(id)?, lending::node(node)?, request)
            }
            (method, _) => Err(Refusal(404, format!("there is no {method} {url}"))),
        }
    }

    fn take(&self, request: &mut Request) -> Result<Answer, Refusal> {
        let bundle = Bytes::from(body(request)?);
        // One at a time: each is executed here once.
        let _taking = lock(&self.taking);
        let malformed = |error: &dyn std::fmt::Display| Refusal(400, error.to_string());
        let decoded = duplex_program::Bundle::decode(&bundle, duplex_program::host::holds)
            .map_err(|error| malformed(&error))?;
        let statement = decoded.statement().hash();
        let folder = self.folder(statement);
        // Whatever went wrong before: whoever asks again wants it tried again.
        let _ = fs::remove_file(folder.join(FAILED));
        // The same statement can have bundles with their parts in another order.
        if Job::open(&folder).is_err() {
            // What is there without a bundle was of one that is gone.
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .map_err(|error| Refusal(500, format!("{}: {error}", folder.display())))?;
            }
            Job::create(&folder, &bundle).map_err(|error| Refusal(400, format!("{error:#}")))?;
        }
        Ok(Answer::Json(json!({ "job": statement })))
    }

    fn job(&self, statement: B256) -> Result<Job, Refusal> {
        Job::open(&self.folder(statement)).map_err(|_| Refusal(404, format!("there is no job {statement}")))
    }

    fn state(&self, statement: B256, is_done: bool) -> &'static str {
        if is_done {
            "done"
        } else if self.folder(statement).join(FAILED).exists() {
            "failed"
        } else if *lock(&self.current) == Some(statement) {
            "proving"
        } else {
            "waiting"
        }
    }

    fn list(&self) -> Value {
        let all = self.jobs().into_iter().filter_map(|(name, job)| {
            let RangeStatement { configHash, parentOutput, firstBatch, lastBatch, output, prover } =
                job.statement().ok()?;
            Some(json!({
                "job": name, "state": self.state(name, self.is_done(&job)), "configHash": configHash,
                "parentOutput": parentOutput, "firstBatch": firstBatch, "lastBatch": lastBatch, "output": output,
                "prover": prover,
            }))
        });
        json!({ "jobs": all.collect::<Vec<_>>() })
    }

    fn status(&self, statement: B256) -> Result<Answer, Refusal> {
        let job = self.job(statement)?;
        let progress = progress(&job, &self.keys, &lock(&self.timings), self.steps());
        let failed = fs::read_to_string(self.folder(statement).join(FAILED)).ok();
        let state = self.state(statement, progress.step.is_none());
        let leases = lock(&self.leases);
        let at_work = leases.of(statement).map(|lease| {
            json!({ "prover": lease.prover, "nodes": lease.nodes.iter().map(ToString::to_string).collect::<Vec<_>>() })
        });
        let at_work: Vec<Value> = at_work.collect();
        Ok(Answer::Json(json!({
            "job": statement, "state": state, "error": failed, "progress": progress, "atWork": at_work,
        })))
    }

    fn result(&self, path: &Path) -> Result<Answer, Refusal> {
        fs::read(path).map(Answer::Bytes).map_err(|_| Refusal(404, "it is not proved yet".into()))
    }

    fn remove(&self, statement: B256) -> Result<Answer, Refusal> {
        self.job(statement)?;
        lock(&self.leases).end_job(statement);
        lock(&self.alone).remove(&statement);
        // Under this name it is gone at once, and the step that runs cannot write there any more.
        let folder = self.folder(statement);
        let away = folder.with_extension(format!("removed-{}", REMOVED.fetch_add(1, Ordering::Relaxed)));
        let moved = fs::rename(&folder, &away);
        moved
            .and_then(|()| fs::remove_dir_all(&away))
            .map_err(|error| Refusal(500, format!("{}: {error}", folder.display())))?;
        Ok(Answer::Json(json!({ "removed": statement })))
    }
}

/// What was sent.
fn body(request: &mut Request) -> Result<Vec<u8>, Refusal> {
    if request.body_length().is_some_and(|length| length as u64 > LONGEST) {
        return Err(Refusal(413, format!("more than {LONGEST} bytes")));
    }
    let mut bytes = Vec::new();
    let mut body = request.as_reader().take(LONGEST + 1);
    body.read_to_end(&mut bytes).map_err(|error| Refusal(400, error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Refusal(413, format!("more than {LONGEST} bytes")));
    }
    Ok(bytes)
}

fn statement(name: &str) -> Result<B256, Refusal> {
    name.parse()
        .map_err(|_| Refusal(400, format!("{name:?} is no hash of a statement: 0x and 64 hex digits")))
}
