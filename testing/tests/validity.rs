//! Where only proofs make anything final: what holds while none comes, and what provers that lie can do.
//!
//! Real proofs take minutes: one is verified by the contracts' tests (`contracts/test/ValidityVerifier.t.sol`), and
//! `duplex tour --settlement validity` makes one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{B256, Bytes, U256, hex};
use duplex_bridge::{Asset, Bridge, Quiet};
use duplex_contracts::{
    artifact,
    bindings::{ISettlement, IValidityVerifier},
};
use duplex_l1::{Deployment, ProofParameters, Rpc, SettlementMode};
use duplex_primitives::blob::BLOB;
use duplex_program::{
    Bundle, RangeStatement,
    host::{bind, holds},
    range_output,
};
use duplex_testing::{
    devnet::{Process, bridge, free_port, until, words},
    load::dev_key,
    truth::sync_status,
};
use serde_json::{Value, json};

const COMMITTED: &str = include_str!("../../contracts/test/validity-proof.json");

async fn devnet(dir: &tempfile::TempDir, more: &str) -> (Process, Bridge) {
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --block-time 150 --l1-block-time 330 {more}",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    (devnet, bridge(deployment))
}

async fn proving(l2: &Rpc) -> Value {
    l2.request("duplex_proving", ()).await.unwrap()
}

async fn claims(whole: &Bridge) -> u64 {
    let settlement = whole.deployment.contracts.settlement;
    whole.l1.call(settlement, &ISettlement::claimCountCall {}).await.unwrap()
}

/// Whether the prover's actor says that it is stuck, and why.
async fn is_stuck(l2: &Rpc, why: &str) -> bool {
    let now = proving(l2).await;
    now["state"] == "stuck" && now["error"].as_str().is_some_and(|error| error.contains(why))
}

/// Waits until the prover's actor says why it is stuck.
async fn stuck(l2: &Rpc, why: &str) {
    until(&format!("the prover to say {why:?}"), || async { is_stuck(l2, why).await.then_some(()) }).await;
}

/// Moves L1's clock.
async fn later(l1: &Rpc, seconds: u64) {
    let _: Value = l1.request("evm_increaseTime", (seconds,)).await.unwrap();
    let _: Value = l1.request("evm_mine", ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_proofs_nothing_is_final_and_everybody_can_leave() {
    let dir = tempfile::tempdir().unwrap();
    let (_devnet, whole) =
        devnet(&dir, "--settlement validity --prover-binary /nowhere/duplex-prover --exodus-delay 600").await;
    assert_eq!(whole.deployment.settlement_mode(), SettlementMode::Validity);
    let key = dev_key(&whole.deployment, 6);
    whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000_000), &Quiet).await.unwrap();
    whole.start_withdrawal(&key, &Asset::Eth, key.address(), U256::from(5_000)).await.unwrap();
    until("batches to be on L1", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.safe.number == status.r#unsafe.number && status.safe.number.to::<u64>() > 1).then_some(())
    })
    .await;
    stuck(&whole.l2, "there is no duplex-prover at /nowhere/duplex-prover").await;
    assert_eq!(claims(&whole).await, 1, "no claim but genesis'");
    assert_eq!(sync_status(&whole.l2).await.unwrap().finalized.number.to::<u64>(), 0);

    // All that is left after the delay is the exodus, with the genesis state as the last that is final.
    let command = |text: &str| words(&format!("{text} --l1 {}", whole.deployment.l1_rpc));
    let key_of = |index: usize| hex::encode(dev_key(&whole.deployment, index).to_bytes());
    let early = Process::run(&command(&format!("exodus start --key {}", key_of(5)))).await;
    early.assert_refused(&["can be started in"]);
    later(&whole.l1, 700).await;
    let started = Process::run(&command(&format!("exodus start --json --key {}", key_of(5)))).await.json();
    assert_eq!(started["started"], true, "{started}");
    let before = whole.l1.balance(key.address()).await.unwrap();
    let claim =
        format!("exodus claim --json --key {} --data-dir {}", key_of(6), dir.path().join("out").display());
    let report = Process::run(&command(&claim)).await.json();
    let rows = report["exodus"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["paid"] == true), "{report:#}");
    // A hundred ETH of genesis, and the deposit that no final state has.
    let gained = whole.l1.balance(key.address()).await.unwrap() - before;
    assert!(gained > U256::from(99_900_000_000_000_000_000u128), "{gained}");
}

/// Development account 9.
const OPERATOR: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

/// Where proofs are taken with production parameters, the verifier is made by who deploys. Such a one takes hours and 32 GB to make;
/// here it is development's with a byte behind it, which L1 never sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verifier_of_ones_own_is_deployed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (l1_port, l2_port) = (free_port(), free_port());
    let l1 = format!("l1 --l1-port {l1_port} --l1-block-time 300 --data-dir {}", at("l1").display());
    let mut l1 = Process::duplex(&words(&l1));
    let url = format!("http://127.0.0.1:{l1_port}");
    l1.answers(&url).await;
    let deploy = |more: &str| {
        let file = at("deployment.json");
        let args = format!(
            "deploy --json --development --l1 {url} --l1-key {OPERATOR} --deployment {} {more}",
            file.display()
        );
        async move { Process::run(&words(&args)).await }
    };
    let code = &artifact("DevelopmentProofVerifier").bytecode;
    let own = [&code[..], &[0]].concat();
    for (name, text) in [
        ("own", format!("{}\n", hex::encode_prefixed(&own))),
        ("development", hex::encode(code)),
        ("empty", String::new()),
        ("strange", "contract ProofVerifier {}".into()),
    ] {
        std::fs::write(at(name), text).unwrap();
    }
    let with = |settlement: &str, name: &str| {
        deploy(&format!("--settlement {settlement} --proof-verifier {}", at(name).display()))
    };
    with("validity", "nowhere").await.assert_refused(&["--proof-verifier", "nowhere"]);
    with("validity", "empty").await.assert_refused(&["--proof-verifier", "it is empty"]);
    with("validity", "strange").await.assert_refused(&["strange: not hex"]);
    with("validity", "development")
        .await
        .assert_refused(&["which anybody can forge", "setup --params production"]);
    with("optimistic", "own").await.assert_refused(&["with optimistic no proofs are taken"]);

    let deployed = with("validity", "own").await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    let mut deployment = Deployment::load(&at("deployment.json")).unwrap();
    let validity = deployment.validity.unwrap();
    assert_eq!(validity.parameters, ProofParameters::Production);
    let rpc = Rpc::new(&url).unwrap();
    let on_l1 = rpc.code(validity.proof_verifier).await.unwrap();
    assert_eq!(on_l1, artifact("DevelopmentProofVerifier").deployed);
    // Which takes proofs on any chain: so it is not development's.
    assert_eq!(rpc.code(validity.verifier).await.unwrap().len(), artifact("ValidityVerifier").deployed.len());
    let verifier = rpc.call(validity.verifier, &IValidityVerifier::proofVerifierCall {}).await.unwrap();
    assert_eq!(verifier, validity.proof_verifier);

    // A node has nothing proved with the wrong parameters.
    deployment.l2_rpc = format!("http://127.0.0.1:{l2_port}");
    let (liar, prover) = Liar::start(true, "done", committed_proof());
    let mut node = Process::duplex(&words(&format!(
        "node --deployment {} --data-dir {} --l2-port {l2_port} --sequence --batch --l1-key {OPERATOR} --batch-age 0 \
         --block-time 150 --prover {prover}",
        at("deployment.json").display(),
        at("l2").display(),
    )));
    node.answers(&deployment.l2_rpc).await;
    let whole = bridge(deployment);
    let key = dev_key(&whole.deployment, 6);
    whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000), &Quiet).await.unwrap();
    stuck(&whole.l2, "makes no proofs with production parameters").await;
    assert_eq!(liar.asked.load(Ordering::Relaxed), 0);
}

/// A prover that takes every job, is done at once, or never, and hands out what it likes.
#[derive(Debug)]
struct Liar {
    pins: Value,
    /// What it says of every job.
    state: &'static str,
    /// What it was asked to prove.
    jobs: Mutex<Vec<RangeStatement>>,
    /// Whether it has no time to say where a job stands.
    busy: AtomicBool,
    proof: Mutex<Bytes>,
    asked: AtomicUsize,
    /// How many of the bundles that it was sent hold, with a batch that is in blobs.
    held: AtomicUsize,
}

impl Liar {
    /// One that proves the same program as this one, or another.
    fn start(same_program: bool, state: &'static str, proof: Bytes) -> (Arc<Self>, String) {
        let committed: Value = serde_json::from_str(COMMITTED).unwrap();
        let pin = |name: &str| committed[name].clone();
        let mut pins = json!({
            "programCommitment": pin("programCommitment"), "machineCommitment": pin("machineCommitment"),
        });
        if !same_program {
            pins["programCommitment"] = json!(B256::repeat_byte(1));
        }
        let liar = Arc::new(Self {
            pins,
            state,
            jobs: Mutex::default(),
            busy: AtomicBool::default(),
            proof: Mutex::new(proof),
            asked: AtomicUsize::default(),
            held: AtomicUsize::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = liar.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let liar = served.clone();
                std::thread::spawn(move || liar.serve(stream));
            }
        });
        (liar, url)
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            let mut parts = line.split_whitespace();
            let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok()?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = header.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().ok()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let answer = match (method.as_str(), path.as_str()) {
                ("GET", "/") => json!({ "pins": self.pins, "parameters": "development", "starkOnly": false }),
                ("POST", "/jobs") => {
                    let with_blob = body.len() > BLOB;
                    let bundle = Bundle::decode(&body.into(), holds).ok()?;
                    let output = range_output(&bundle, bundle.statement()).ok()?;
                    let held = with_blob && output == bundle.statement().output;
                    self.held.fetch_add(held.into(), Ordering::Relaxed);
                    self.jobs.lock().unwrap().push(*bundle.statement());
                    json!({})
                }
                ("GET", "/jobs") => {
                    let jobs = self.jobs.lock().unwrap();
                    let list = jobs.iter().map(|job| {
                        json!({
                            "job": job.hash(), "state": self.state, "configHash": job.configHash,
                            "parentOutput": job.parentOutput, "firstBatch": job.firstBatch,
                            "lastBatch": job.lastBatch, "output": job.output, "prover": job.prover,
                        })
                    });
                    json!({ "jobs": list.collect::<Vec<_>>() })
                }
                ("DELETE", path) => {
                    self.jobs.lock().unwrap().retain(|job| !path.ends_with(&job.hash().to_string()));
                    json!({})
                }
                (_, path) if path.ends_with("/proof") => {
                    self.asked.fetch_add(1, Ordering::Relaxed);
                    json!({ "proof": *self.proof.lock().unwrap() })
                }
                _ => json!({
                    "state": self.state, "error": null,
                    "progress": { "step": null, "percent": 100.0, "secondsLeft": 0.0 },
                }),
            }
            .to_string();
            let busy = path.starts_with("/jobs/") && self.busy.load(Ordering::Relaxed);
            let status = if busy { "503 Service Unavailable" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all(format!("{head}{answer}").as_bytes()).ok()?;
        }
    }
}

fn committed_proof() -> Bytes {
    let committed: Value = serde_json::from_str(COMMITTED).unwrap();
    serde_json::from_value(committed["proof"].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provers_that_lie_get_nothing_past_l1() {
    let dir = tempfile::tempdir().unwrap();
    // What KZG needs takes seconds to be read.
    bind(&[0; BLOB]).unwrap();
    // The first proves another program, and is given nothing; whoever starts it again elsewhere has learnt.
    let (stranger, url) = Liar::start(false, "done", Bytes::new());
    let (mut devnet, whole) =
        devnet(&dir, &format!("--settlement hybrid --da blob --challenge-window 6 --prover {url}")).await;
    assert_eq!(whole.deployment.settlement_mode(), SettlementMode::Hybrid);
    let key = dev_key(&whole.deployment, 6);
    whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000), &Quiet).await.unwrap();
    stuck(&whole.l2, "proves another program than this rollup's").await;
    assert_eq!(stranger.asked.load(Ordering::Relaxed), 0);
    devnet.kill();

    for proof in [Bytes::from(vec![0; 1760]), committed_proof(), Bytes::from_static(b"proof")] {
        let (liar, url) = Liar::start(true, "done", proof);
        let mut again = Process::duplex(&words(&format!(
            "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --block-time 150 --l1-block-time 330 \
             --settlement hybrid --da blob --prover {url}",
            dir.path().join("devnet").display(),
        )));
        let whole = bridge(again.deployment().await);
        let key = dev_key(&whole.deployment, 6);
        // A claim that is final by its window before the liar is through with it is proved no more: then there is another.
        let mut tries = 0;
        'refused: loop {
            whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000), &Quiet).await.unwrap();
            for _ in 0..40 {
                if is_stuck(&whole.l2, "L1 refuses the proof").await {
                    break 'refused;
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            tries += 1;
            assert!(tries < 8, "L1 refuses no proof: {}", proving(&whole.l2).await);
        }
        assert!(liar.asked.load(Ordering::Relaxed) > 0);
        assert!(liar.held.load(Ordering::Relaxed) > 0, "what it was asked to prove is true");
        // No claim was proved; the window makes them final as before.
        let settlement = whole.deployment.contracts.settlement;
        for id in 1..claims(&whole).await {
            let prover = whole.l1.call(settlement, &ISettlement::proverOfCall { id }).await.unwrap();
            assert!(prover.is_zero(), "claim {id} was proved by {prover}");
        }
        let final_before = sync_status(&whole.l2).await.unwrap().finalized.number;
        until("a claim to become final by its window", || async {
            let status = sync_status(&whole.l2).await.ok()?;
            (status.finalized.number > final_before).then_some(())
        })
        .await;
        again.kill();
    }
}

/// A proof takes hours: what was asked for is not asked for again, with some batches more, when the node is started again, or when the
/// prover has no time to answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_that_was_asked_for_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (prover, url) = Liar::start(true, "proving", Bytes::new());
    let more = format!("--settlement validity --prover {url}");
    let (mut before, whole) = devnet(&dir, &more).await;
    let key = dev_key(&whole.deployment, 6);
    let proving_what = async |l2: &Rpc| {
        let now = proving(l2).await;
        (now["state"] == "proving").then(|| now["statement"].clone())
    };
    whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000), &Quiet).await.unwrap();
    let first = until("the first batches to be proved", || proving_what(&whole.l2)).await;
    // Then there is more to prove.
    let report = whole.deposit(&key, &Asset::Eth, key.address(), U256::from(1_000), &Quiet).await.unwrap();
    until("them to be on L1", || async {
        let batch: Value = whole.l2.request("duplex_batchByBlock", (report.l2_block,)).await.ok()?;
        (!batch.is_null()).then_some(())
    })
    .await;
    before.kill();

    let (mut after, whole) = devnet(&dir, &more).await;
    assert_eq!(until("it to be proved on", || proving_what(&whole.l2)).await, first);
    prover.busy.store(true, Ordering::Relaxed);
    stuck(&whole.l2, "503").await;
    prover.busy.store(false, Ordering::Relaxed);
    assert_eq!(until("it to be proved on again", || proving_what(&whole.l2)).await, first);
    let jobs: Vec<Value> = prover.jobs.lock().unwrap().iter().map(|job| json!(job.hash())).collect();
    assert_eq!(jobs, [first]);
    after.kill();
}
