//! `duplex-prover work`: segments and nodes for another prover.
//!
//! What is lent is fetched, proved here, and sent back. Who lends checks what it hands on, so nothing has to be believed of a
//! helper; and a helper believes nothing but that the work is wanted.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use clap::Args;
use eyre::{WrapErr, bail, eyre};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    children::{ParentArgs, Stop},
    files,
    job::{Job, Node},
    keys::Pins,
    prove::{MemoryArgs, run_step},
    serve::TERM,
    setup::KeyArgs,
    steps::ProveStep,
};

/// Pause when there is nothing to do, and after what went wrong.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);
/// Folders of what is lent are called that, and then by the digest of it.
const FOLDER: &str = "lent-";
/// A bundle or a proof of a segment may be that long.
const LONGEST: u64 = 1 << 30;

/// Help a prover that serves: take segments and nodes of its jobs, prove them here, and send them back.
///
/// Needs keys of the same program (`setup`), though none of the large ones. Stop it as you like: what it has is proved by others after
/// a minute.
#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    /// The prover that serves.
    #[arg(value_name = "URL")]
    coordinator: String,
    /// What this one is called there.
    #[arg(long, value_name = "NAME", default_value_t = default_name())]
    name: String,
    /// Folder of what is being proved. Another one for each helper on a machine.
    #[arg(long, value_name = "DIR", default_value = "prover-work")]
    jobs: PathBuf,
    #[command(flatten)]
    parent: ParentArgs,
}

fn default_name() -> String {
    format!("helper {}", std::process::id())
}

/// Who asks for work.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asking {
    pub(crate) prover: String,
    pub(crate) pins: Pins,
}

/// What is lent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lent {
    pub(crate) lease: u64,
    pub(crate) job: B256,
    /// SHA-256 of its bundle and of where that is cut.
    pub(crate) cut: B256,
    /// As `layer.index`, all of one layer.
    pub(crate) nodes: Vec<String>,
}

struct Coordinator {
    agent: ureq::Agent,
    url: String,
}

impl Coordinator {
    fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(600)))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned() }
    }

    fn answer(
        &self,
        what: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> eyre::Result<Vec<u8>> {
        let mut response = response.wrap_err_with(|| format!("{} does not answer", self.url))?;
        let body = response.body_mut().with_config().limit(LONGEST).read_to_vec()?;
        if !response.status().is_success() {
            bail!("{what}: {} ({})", String::from_utf8_lossy(&body), response.status());
        }
        Ok(body)
    }

    fn get(&self, path: &str) -> eyre::Result<Vec<u8>> {
        self.answer(path, self.agent.get(format!("{}/{path}", self.url)).call())
    }

    fn post(&self, path: &str, body: &[u8]) -> eyre::Result<Vec<u8>> {
        self.answer(path, self.agent.post(format!("{}/{path}", self.url)).send(body))
    }

    fn put(&self, path: &str, body: &[u8]) -> eyre::Result<Vec<u8>> {
        self.answer(path, self.agent.put(format!("{}/{path}", self.url)).send(body))
    }

    /// Says that a lease is being worked on. False if it does not hold any more; who is silent may be so for other reasons.
    fn renew(&self, lease: u64) -> bool {
        let request = self.agent.post(format!("{}/leases/{lease}", self.url));
        let request = request.config().timeout_global(Some(TERM / 6)).build();
        let gone = [ureq::http::StatusCode::GONE, ureq::http::StatusCode::NOT_FOUND];
        request.send(&[] as &[u8]).map_or(true, |answer| !gone.contains(&answer.status()))
    }

    /// Tells that a lease is given up. If that does not get there, its term ends.
    fn give_up(&self, lease: u64) {
        let _ = self.agent.delete(format!("{}/leases/{lease}", self.url)).call();
    }
}

pub(crate) fn run(args: &WorkArgs) -> eyre::Result<()> {
    let pins = args.keys.keys().pins()?;
    if !pins.are_of(&args.keys.program.read()?) {
        bail!(
            "the keys in {} are of another program: run `duplex-prover setup` again",
            args.keys.keys.display()
        );
    }
    files::make_folder(&args.jobs)?;
    // Two that share a folder would remove each other's work.
    let lock = fs::File::create(args.jobs.join("LOCK"))?;
    if lock.try_lock().is_err() {
        bail!("{} is another helper's: choose another --jobs", args.jobs.display());
    }
    args.parent.heed();
    let asking = serde_json::to_vec(&Asking { prover: args.name.clone(), pins })?;
    let coordinator = Arc::new(Coordinator::new(&args.coordinator));
    // What is wrong from the beginning is said, and ends it.
    coordinator.get("")?;
    println!("{}", json!({ "helping": args.coordinator, "name": args.name }));
    loop {
        let lent = coordinator
            .post("leases", &asking)
            .and_then(|answer| Ok(serde_json::from_slice::<Option<Lent>>(&answer)?));
        match lent {
            Ok(None) => std::thread::sleep(PAUSE),
            Ok(Some(lent)) => {
                let start = Instant::now();
                let nodes = lent.nodes.join(", ");
                // From the beginning to the end: what takes long is not only the proving.
                let stop = Stop::default();
                let renewing = Renewing::start(&coordinator, lent.lease, &stop);
                let done = work(args, &coordinator, &lent, &stop);
                drop(renewing);
                match done {
                    Ok(()) => eprintln!("{nodes} of {}: {:.0} s", lent.job, start.elapsed().as_secs_f64()),
                    Err(error) => {
                        eprintln!("{nodes} of {}: {error:#}", lent.job);
                        coordinator.give_up(lent.lease);
                        std::thread::sleep(PAUSE_AFTER_ERROR);
                    }
                }
            }
            Err(error) => {
                eprintln!("{error:#}");
                std::thread::sleep(PAUSE_AFTER_ERROR);
            }
        }
    }
}

/// Proves what was lent.
fn work(args: &WorkArgs, coordinator: &Arc<Coordinator>, lent: &Lent, stop: &Stop) -> eyre::Result<()> {
    let nodes = lent.nodes.iter().map(|node| node.parse()).collect::<eyre::Result<Vec<Node>>>()?;
    let layer = nodes.first().ok_or_else(|| eyre!("nothing was lent"))?.layer;
    let path = |rest: &str| format!("jobs/{}/{rest}", lent.job);
    // Nothing of what was lent before is needed any more.
    let own = format!("{FOLDER}{}", lent.cut);
    for entry in fs::read_dir(&args.jobs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(FOLDER).is_some_and(|cut| cut.parse::<B256>().is_ok()) && name != own {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = args.jobs.join(own);
    let job = match Job::open(&folder) {
        Ok(job) => job,
        Err(_) => Job::create(&folder, &coordinator.get(&path("bundle"))?.into())?,
    };
    if !job.segments_path().exists() {
        files::write(&job.segments_path(), &coordinator.get(&path("segments"))?)?;
    }
    let tree = job.segments()?.tree();
    if layer > 0 {
        for child in nodes.iter().flat_map(|node| tree.below(*node)).filter(|child| !job.has(*child)) {
            files::write(&job.node_path(child), &coordinator.get(&path(&format!("nodes/{child}")))?)?;
        }
    }
    let step = if layer == 0 { ProveStep::Segments } else { ProveStep::Aggregate };
    run_step(step, &job, &args.keys, &args.memory, Some(&nodes), stop)?;
    let lease = lent.lease;
    for node in nodes {
        if tree.segments().last() == Some(node) {
            coordinator.put(&format!("leases/{lease}/public"), &files::read(&job.public_path())?)?;
        }
        let sent =
            coordinator.put(&format!("leases/{lease}/nodes/{node}"), &files::read(&job.node_path(node))?);
        if sent.is_err() {
            // Whatever is wrong with it, it is not sent a second time.
            job.remove(node)?;
        }
        sent?;
    }
    Ok(())
}

/// Says again and again that a lease is being worked on, and ends the work when it does not hold any more: others have it then, or
/// nobody wants it.
struct Renewing {
    still: Arc<AtomicBool>,
    thread: std::thread::Thread,
}

impl Renewing {
    fn start(coordinator: &Arc<Coordinator>, lease: u64, stop: &Stop) -> Self {
        let still = Arc::new(AtomicBool::new(true));
        let (going, coordinator, stop) = (still.clone(), coordinator.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while going.load(Ordering::Relaxed) {
                let holds = coordinator.renew(lease);
                // It ends, too, with the last part of it that was sent.
                if !holds && going.load(Ordering::Relaxed) {
                    eprintln!("lease {lease} does not hold any more");
                    stop.stop();
                    return;
                }
                std::thread::park_timeout(TERM / 4);
            }
        });
        Self { still, thread: thread.thread().clone() }
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.still.store(false, Ordering::Relaxed);
        self.thread.unpark();
    }
}
