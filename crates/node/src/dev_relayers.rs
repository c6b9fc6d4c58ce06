//! The five relayers of a devnet: accounts, stakes, and a process each.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::IRelayerRegistry;
use duplex_l1::{Deployment, FeeQuote, Rpc, sign_eip1559};
use duplex_primitives::GenesisAccount;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tokio_util::sync::CancellationToken;

use crate::{NodeError, Tasks, dev_key, embedded_l1::create_dir};

/// How many relayers a devnet has.
const DEV_RELAYERS: u32 = 5;
/// The development account of the first of them; no user's.
const FIRST: u32 = 10;
/// What each has on both layers beyond its stake, in wei: for gas.
const SPENDING: u128 = 20_000_000_000_000_000_000;
/// Gas of joining.
const JOIN_GAS: u64 = 1_500_000;
/// How long L1 may take for a transaction.
const MINED_WITHIN: Duration = Duration::from_secs(180);

/// How long a relayer may take to say where it is asked, and to stop.
const SPEAKS_WITHIN: Duration = Duration::from_secs(30);
/// Pause before one that ended is started again.
const STARTED_AGAIN: Duration = Duration::from_secs(1);
/// One that has run for so long runs.
const SETTLED: Duration = Duration::from_secs(60);
/// How often in a row one may fail.
const MOST_FAILURES: u32 = 5;

/// The relayers' accounts in the genesis of a devnet.
pub(crate) fn dev_relayer_alloc() -> BTreeMap<Address, GenesisAccount> {
    let account = GenesisAccount { balance: U256::from(SPENDING), ..Default::default() };
    (0..DEV_RELAYERS).map(|i| (dev_key(FIRST + i).address(), account.clone())).collect()
}

/// Has the relayers of a devnet join, with ETH of the operator's. Those who have joined are left alone.
pub(crate) async fn enlist(
    rpc: &Rpc,
    operator: &PrivateKeySigner,
    deployment: &Deployment,
) -> Result<(), NodeError> {
    let Some(relayers) = deployment.lane.and_then(|lane| lane.relayers) else { return Ok(()) };
    let needed = relayers.terms.stake + U256::from(SPENDING);
    let mut missing = Vec::new();
    for key in (0..DEV_RELAYERS).map(|i| dev_key(FIRST + i)) {
        let call = IRelayerRegistry::relayerCall { account: key.address() };
        if rpc.call(relayers.registry, &call).await?.joinedAt == 0 {
            missing.push(key);
        }
    }
    // All at once: one L1 block for each of the two steps.
    let mut sent = Vec::new();
    for key in &missing {
        let balance = rpc.balance(key.address()).await?;
        if balance < needed {
            sent.push(send(rpc, operator, key.address(), needed - balance, Bytes::new(), 21_000).await?);
        }
    }
    mined(rpc, &sent).await?;
    sent.clear();
    let join: Bytes = IRelayerRegistry::joinCall {}.abi_encode().into();
    for key in &missing {
        let stake = relayers.terms.stake;
        sent.push(send(rpc, key, relayers.registry, stake, join.clone(), JOIN_GAS).await?);
    }
    mined(rpc, &sent).await
}

async fn send(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    to: Address,
    value: U256,
    data: Bytes,
    gas: u64,
) -> Result<B256, NodeError> {
    let fees = FeeQuote::current(rpc).await?;
    let (chain_id, nonce) = (rpc.chain_id().await?, rpc.nonce(key.address(), true).await?);
    let raw = sign_eip1559(key, chain_id, nonce, Some(to), value, data, gas, fees)?;
    Ok(rpc.send_raw(&raw).await?)
}

async fn mined(rpc: &Rpc, sent: &[B256]) -> Result<(), NodeError> {
    let start = Instant::now();
    for &hash in sent {
        loop {
            match rpc.receipt(hash).await? {
                Some(receipt) if receipt.is_success() => break,
                Some(_) => return Err(NodeError::Enlist { hash, why: "it reverted" }),
                None if start.elapsed() > MINED_WITHIN => {
                    return Err(NodeError::Enlist { hash, why: "it was not mined in time" });
                }
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    Ok(())
}

/// The relayers of a devnet: each a process with its own key, records, connections and address where the others ask.
#[derive(Debug)]
pub(crate) struct DevRelayers {
    /// The `duplex` binary.
    pub(crate) program: PathBuf,
    /// What they relay for.
    pub(crate) deployment: PathBuf,
    /// L1 blocks that must follow before one counts as final.
    pub(crate) confirmations: u64,
    /// Where each keeps its records, in a folder of its own.
    pub(crate) dir: PathBuf,
}

impl DevRelayers {
    /// Starts them. One that ends is started again; one that cannot run stops the devnet.
    pub(crate) async fn start(self, tasks: &mut Tasks) -> Result<(), NodeError> {
        let mut members = Vec::new();
        for i in 0..DEV_RELAYERS {
            let dir = self.dir.join(i.to_string());
            create_dir(&dir)?;
            let member = Member {
                program: self.program.clone(),
                deployment: self.deployment.clone(),
                confirmations: self.confirmations,
                key: dev_key(FIRST + i),
                dir,
            };
            // Where the others were the last time somebody else may be now.
            let path = member.peers();
            std::fs::write(&path, "").map_err(|source| NodeError::Io { path, source })?;
            members.push(member);
        }
        let books: Vec<PathBuf> = members.iter().map(Member::peers).collect();
        let directory = Arc::new(Directory { books, urls: Mutex::default() });
        let mut running = Vec::new();
        for (i, member) in members.iter().enumerate() {
            running.push(member.spawn(i, &directory).await?);
        }
        for (i, (member, child)) in members.into_iter().zip(running).enumerate() {
            let cancel = tasks.cancel_token();
            tasks.spawn("a relayer", member.keep(i, child, Arc::clone(&directory), cancel));
        }
        Ok(())
    }
}

/// Where each relayer is asked; told to the others by their files.
#[derive(Debug)]
struct Directory {
    books: Vec<PathBuf>,
    urls: Mutex<BTreeMap<usize, String>>,
}

impl Directory {
    fn tell(&self, of: usize, url: String) -> Result<(), NodeError> {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.insert(of, url);
        for (i, path) in self.books.iter().enumerate() {
            let others: String =
                urls.iter().filter(|(of, _)| **of != i).map(|(_, url)| format!("{url}\n")).collect();
            let io = |source| NodeError::Io { path: path.clone(), source };
            // At once: a reader never sees half of it.
            let draft = path.with_extension("new");
            std::fs::write(&draft, others).map_err(io)?;
            std::fs::rename(&draft, path).map_err(io)?;
        }
        Ok(())
    }
}

/// How one of them runs.
#[derive(Debug)]
struct Member {
    program: PathBuf,
    deployment: PathBuf,
    confirmations: u64,
    key: PrivateKeySigner,
    dir: PathBuf,
}

impl Member {
    fn peers(&self) -> PathBuf {
        self.dir.join("peers")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    async fn spawn(&self, i: usize, directory: &Directory) -> Result<Child, NodeError> {
        let path = self.log();
        let log = std::fs::File::options().create(true).append(true).open(&path);
        let log = log.map_err(|source| NodeError::Io { path, source })?;
        let mut command = Command::new(&self.program);
        command.args(["relay", "--mode", "attest", "--json", "--stop-with-stdin", "--listen", "127.0.0.1:0"]);
        command.args(["--confirmations", &self.confirmations.to_string()]);
        command.arg("--deployment").arg(&self.deployment);
        command.arg("--data-dir").arg(&self.dir);
        command.arg("--peers-file").arg(self.peers());
        // What the devnet was told by the environment is not for them.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DUPLEX_"))
        {
            command.env_remove(name);
        }
        command.env("DUPLEX_KEY", self.key.to_bytes().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        // A group of its own: Ctrl-C is for the devnet, which stops them in turn.
        command.process_group(0).kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|source| NodeError::Io { path: self.program.clone(), source })?;
        let failed = || NodeError::RelayerProcess { log: self.log() };
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(failed)?);
        let listening = async {
            let mut said = String::new();
            while stdout.read_line(&mut said).await.ok()? > 0 {
                if let Ok(told) = serde_json::from_str::<serde_json::Value>(&said) {
                    return told["url"].as_str().map(str::to_owned);
                }
            }
            None
        };
        let url = tokio::time::timeout(SPEAKS_WITHIN, listening).await.ok().flatten().ok_or_else(failed)?;
        directory.tell(i, url)?;
        Ok(child)
    }

    /// Runs until cancelled. Whatever ends it, it is started again; but not for ever if it ends soon each time.
    async fn keep(
        self,
        i: usize,
        mut child: Child,
        directory: Arc<Directory>,
        cancel: CancellationToken,
    ) -> Result<(), NodeError> {
        let (mut started, mut failures) = (Instant::now(), 0);
        loop {
            // Not left to `wait`, which would close its standard input and so stop it.
            let input = child.stdin.take();
            let status = tokio::select! {
                () = cancel.cancelled() => {
                    drop(input);
                    // Else it is killed.
                    let _ = tokio::time::timeout(SPEAKS_WITHIN, child.wait()).await;
                    return Ok(());
                }
                status = child.wait() => status,
            };
            // To be killed, or told to stop, is no failure of its own.
            let own = status.is_ok_and(|status| status.code().is_some_and(|code| code != 0));
            failures = if own && started.elapsed() < SETTLED { failures + 1 } else { 0 };
            let relayer = self.key.address();
            tracing::warn!(%relayer, "a relayer ended; it is started again");
            child = loop {
                if failures >= MOST_FAILURES {
                    return Err(NodeError::RelayerProcess { log: self.log() });
                }
                // What ended it may be about to end the devnet, too.
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    () = tokio::time::sleep(STARTED_AGAIN) => {}
                }
                started = Instant::now();
                let spawned = tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    spawned = self.spawn(i, &directory) => spawned,
                };
                match spawned {
                    Ok(child) => break child,
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(%relayer, %error, "a relayer could not be started again");
                    }
                }
            };
        }
    }
}
