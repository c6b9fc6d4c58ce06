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
    children::end_with_parent,
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
    /// Stop when standard input ends: for who starts this and may be killed.
    #[arg(long)]
    stop_with_stdin: bool,
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
    if args.stop_with_stdin {
        end_with_parent();
    }
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
                match work(args, &coordinator, &lent) {
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
fn work(args: &WorkArgs, coordinator: &Arc<Coordinator>, lent: &Lent) -> eyre::Result<()> {
    let nodes = lent.nodes.iter().map(|node| node.parse()).collect::<eyre::Result<Vec<Node>>>()?;
    let layer = nodes.first().ok_or_else(|| eyre!("nothing was lent"))?.layer;
    let path = |rest: &str| format!("jobs/{}/{rest}", lent.job);
    // Nothing of other jobs is needed any more.
    for entry in fs::read_dir(&args.jobs).into_iter().flatten().flatten() {
        if entry.file_name().to_str() != Some(&lent.job.to_string()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = args.jobs.join(lent.job.to_string());
    let job = match Job::open(&folder) {
        Ok(job) => job,
        Err(_) => Job::create(&folder, &coordinator.get(&path("bundle"))?)?,
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
    let working = Arc::new(AtomicBool::new(true));
    let (still, renewing, lease) = (working.clone(), coordinator.clone(), lent.lease);
    let renewer = std::thread::spawn(move || {
        while still.load(Ordering::Relaxed) {
            // If it does not hold any more, what is sent in the end is refused.
            let _ = renewing.post(&format!("leases/{lease}"), &[]);
            std::thread::park_timeout(TERM / 4);
        }
    });
    let step = if layer == 0 { ProveStep::Segments } else { ProveStep::Aggregate };
    let done = run_step(step, &job, &args.keys, &args.memory, Some(&nodes));
    working.store(false, Ordering::Relaxed);
    renewer.thread().unpark();
    let _ = renewer.join();
    done?;
    for node in nodes {
        if tree.segments().last() == Some(node) {
            coordinator.put(&format!("leases/{lease}/public"), &files::read(&job.public_path())?)?;
        }
        coordinator.put(&format!("leases/{lease}/nodes/{node}"), &files::read(&job.node_path(node))?)?;
    }
    Ok(())
}
