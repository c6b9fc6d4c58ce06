//! The prover of a devnet: a process, from its keys to its service.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::{NodeError, Tasks, embedded_l1::create_dir};

/// The command that builds `duplex-prover`, from the project's root.
pub const BUILD: &str = "(cd prover && cargo build --release)";
/// How long it may take to stop before it is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// Pause before it is started again, the time after which it has settled, and how often in a row it may fail.
const STARTED_AGAIN: Duration = Duration::from_secs(2);
const SETTLED: Duration = Duration::from_secs(60);
const MOST_FAILURES: u32 = 5;

/// Who proves a devnet's batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevProver {
    /// A process of the devnet's own, if `duplex-prover` is found.
    Own {
        /// Where it is, unless it is beside this program or where cargo puts it.
        program: Option<PathBuf>,
        /// Its keys; made if they are missing, which takes a quarter of an hour and 14 GB of memory.
        keys: PathBuf,
    },
    /// `duplex-prover serve` at this URL.
    At(String),
}

impl Default for DevProver {
    fn default() -> Self {
        Self::Own { program: None, keys: "prover-keys".into() }
    }
}

/// `duplex-prover`: where it was said to be, beside this program, or where cargo puts it beside where it puts this one.
pub fn find_prover(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        return given.is_file().then(|| given.to_owned());
    }
    let own = std::env::current_exe().ok()?;
    let beside = own.with_file_name("duplex-prover");
    // target/PROFILE/duplex, and prover/target/release/duplex-prover
    let built = own.ancestors().skip(2).map(|root| root.join("prover/target/release/duplex-prover"));
    std::iter::once(beside).chain(built.take(3)).find(|path| path.is_file())
}

/// What is waited for, or where the prover answers.
type At = watch::Sender<Result<String, String>>;

impl DevProver {
    /// Starts it. It tells where it answers, or why it does not yet.
    pub(crate) fn start(
        self,
        dir: &Path,
        tasks: &mut Tasks,
    ) -> Result<watch::Receiver<Result<String, String>>, NodeError> {
        let (program, keys) = match self {
            Self::At(url) => return Ok(watch::Sender::new(Ok(url)).subscribe()),
            Self::Own { program, keys } => (program, keys),
        };
        let Some(found) = find_prover(program.as_deref()) else {
            let why = match program {
                Some(path) => format!("there is no duplex-prover at {}", path.display()),
                None => format!("duplex-prover is not built; build it with: {BUILD}"),
            };
            return Ok(watch::Sender::new(Err(why)).subscribe());
        };
        create_dir(dir)?;
        let (at, told) = watch::channel(Err("the prover is starting".into()));
        let process = Process { program: found, keys, dir: dir.to_owned(), at };
        let cancel = tasks.cancel_token();
        tasks.spawn("the prover's process", process.run(cancel));
        Ok(told)
    }
}

#[derive(Debug)]
struct Process {
    program: PathBuf,
    keys: PathBuf,
    dir: PathBuf,
    at: At,
}

impl Process {
    fn tell(&self, now: Result<String, String>) {
        drop(self.at.send_replace(now));
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, NodeError> {
        let path = self.log();
        let log = std::fs::File::options().create(true).append(true).open(&path);
        let log = log.map_err(|source| NodeError::Io { path, source })?;
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--keys").arg(&self.keys);
        // Proving takes all there is; a user at the same machine, and the devnet, come first.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        // A group of its own: Ctrl-C is for the devnet, which stops it in turn.
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }

    fn spawn(&self, arguments: &[&str]) -> Result<Child, NodeError> {
        let mut command = self.command(arguments)?;
        command.spawn().map_err(|source| NodeError::Io { path: self.program.clone(), source })
    }

    /// Whatever becomes of it, the devnet goes on: nothing is final without it, and that is all.
    async fn run(self, cancel: CancellationToken) -> Result<(), NodeError> {
        let mut failures = 0;
        loop {
            let started = Instant::now();
            let log = self.log();
            let why = match self.once(&cancel).await {
                Ok(true) => return Ok(()),
                Ok(false) => format!("the prover ended: {} says why", log.display()),
                Err(error) => format!("the prover does not run: {error}"),
            };
            failures = if started.elapsed() < SETTLED || !self.served() { failures + 1 } else { 0 };
            if failures >= MOST_FAILURES {
                self.tell(Err(format!(
                    "{why}; it was tried {failures} times, start again once that is mended"
                )));
                cancel.cancelled().await;
                return Ok(());
            }
            self.tell(Err(format!("{why}; it is started again")));
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(STARTED_AGAIN) => {}
            }
        }
    }

    /// Whether it has come as far as to answer.
    fn served(&self) -> bool {
        self.at.borrow().is_ok()
    }

    /// Keys, if they are missing or of another program, and then the service until it ends. True if it was told to stop.
    async fn once(&self, cancel: &CancellationToken) -> Result<bool, NodeError> {
        let log = self.log();
        let making = format!(
            "the prover's keys are being made in {}, once: a quarter of an hour, 14 GB of memory ({} says how far it is)",
            self.keys.display(),
            log.display()
        );
        self.tell(Err(making));
        let mut setup = self.spawn(&["setup", "--stop-with-stdin"])?;
        unheard(&mut setup);
        let Some(done) = stopped(&mut setup, cancel).await else { return Ok(true) };
        if !done {
            return Ok(false);
        }
        let jobs = self.dir.join("jobs");
        let jobs = jobs.to_string_lossy();
        let mut serve =
            self.spawn(&["serve", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--jobs", &jobs])?;
        if let Some(stdout) = serve.stdout.take() {
            let mut lines = BufReader::new(stdout).lines();
            let said = tokio::select! {
                () = cancel.cancelled() => None,
                said = lines.next_line() => said.ok().flatten(),
            };
            let said = said.and_then(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
            if let Some(address) = said.as_ref().and_then(|said| said["listening"].as_str()) {
                self.tell(Ok(format!("http://{address}")));
            }
            // What it says later is for nobody, but it must be able to.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        }
        Ok(stopped(&mut serve, cancel).await.is_none())
    }
}

/// Reads what a process says, for nobody, so that it can go on.
fn unheard(child: &mut Child) {
    if let Some(mut stdout) = child.stdout.take() {
        tokio::spawn(async move { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await });
    }
}

/// Whether a process ended well; none if all is to stop, and it has.
async fn stopped(child: &mut Child, cancel: &CancellationToken) -> Option<bool> {
    // Not left to `wait`, which would close its standard input and so stop it.
    let input = child.stdin.take();
    tokio::select! {
        () = cancel.cancelled() => {
            drop(input);
            // Else it is killed.
            let _ = tokio::time::timeout(STOPS_WITHIN, child.wait()).await;
            None
        }
        status = child.wait() => Some(status.is_ok_and(|status| status.success())),
    }
}
