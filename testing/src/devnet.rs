//! Runs the `duplex` program as its users do: as processes that can be killed.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use duplex_bridge::Bridge;
use duplex_l1::{Deployment, Rpc};

/// How long anything is waited for that must happen. Generous: other work may keep the machine busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between looks.
const GLANCE: Duration = Duration::from_millis(10);

/// The `duplex` program: `DUPLEX_BIN`, or the one beside the running test.
///
/// # Panics
/// If it is not built.
pub fn duplex_bin() -> PathBuf {
    if let Some(path) = std::env::var_os("DUPLEX_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the running test is a file");
    let path = test.ancestors().nth(2).expect("tests are in target/<profile>/deps").join("duplex");
    assert!(path.exists(), "{} is missing: run `cargo build -p duplex` first", path.display());
    path
}

/// The `anvil` program: `DUPLEX_ANVIL`, on `PATH`, or where the JavaScript clients installed it.
pub fn anvil_bin() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DUPLEX_ANVIL") {
        return Some(path.into());
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|dir| dir.join("anvil")).chain([installed]).find(|path| path.is_file())
}

/// A port that is free now and stays so: outside the range that the system gives to outgoing
/// connections, so that a server can come back to it after it was killed.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(131);
    for _ in 0..20_000 {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (first.wrapping_add(turn) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// Numbers that look random and are the same in every run.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// `DUPLEX_SEED`, or `default`; says which.
    pub fn seeded(default: u64) -> Self {
        let seed = std::env::var("DUPLEX_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
        say(&format!("seed {seed}"));
        Self(seed)
    }

    /// Another sequence.
    pub fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }

    /// A number below `limit`.
    pub const fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    /// A time up to `millis` milliseconds.
    pub const fn millis(&mut self, millis: u64) -> Duration {
        Duration::from_millis(self.below(millis))
    }
}

/// Tells whoever runs the tests with `--nocapture`.
#[allow(clippy::print_stderr)]
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// How often the kill tests kill: `DUPLEX_KILL_ROUNDS`, or `default`.
pub fn kill_rounds(default: u64) -> u64 {
    std::env::var("DUPLEX_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(default)
}

/// What a finished process left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Finished {
    /// The lines of stderr that say why it failed.
    pub fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("error")).collect()
    }

    /// Checks that it failed as a command should: code 1, no panic, one line that begins with
    /// `error` and contains everything in `words`.
    ///
    /// # Panics
    /// If not.
    pub fn assert_refused(&self, words: &[&str]) {
        let text = &self.stderr;
        assert_eq!(self.code, Some(1), "{text}\n{}", self.stdout);
        assert!(!text.contains("panicked"), "{text}");
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "one line says why: {text}");
        assert!(errors[0].len() < 500, "too long: {}", errors[0]);
        for word in words {
            assert!(errors[0].contains(word), "{word:?} is not in {:?}", errors[0]);
        }
    }

    /// Its stdout as JSON, if it succeeded.
    ///
    /// # Panics
    /// If not.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {}", self.stdout))
    }
}

#[derive(Debug, Default, Clone)]
struct Captured(Arc<Mutex<String>>);

impl Captured {
    fn read(stream: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let this = Self::default();
        let copy = this.clone();
        let thread = std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                copy.with(|text| text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
        });
        (this, thread)
    }

    fn with<T>(&self, look: impl FnOnce(&mut String) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The arguments of `up` with this L1 for the embedded one.
fn on_another_l1<'a>(args: &[&'a str], url: &'a str) -> Vec<&'a str> {
    let mut rest = args.iter();
    let mut changed = Vec::new();
    while let Some(arg) = rest.next() {
        match *arg {
            "--l1-port" | "--l1-block-time" | "--l1" => drop(rest.next()),
            other => changed.push(other),
        }
    }
    changed.extend(["--l1", url]);
    changed
}

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Captured,
    stderr: Captured,
    readers: Vec<JoinHandle<()>>,
    name: String,
}

impl Process {
    /// Starts `duplex` with arguments, and nothing from the environment that would change them; but devnets use the L1 at
    /// `DUPLEX_TEST_L1`, if that is set.
    ///
    /// # Panics
    /// If it does not start.
    pub fn duplex<S: AsRef<str>>(args: &[S]) -> Self {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        match std::env::var("DUPLEX_TEST_L1") {
            Ok(url) if args.first() == Some(&"up") => Self::start(&duplex_bin(), &on_another_l1(&args, &url)),
            _ => Self::start(&duplex_bin(), &args),
        }
    }

    /// Starts any program.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start<S: AsRef<str>>(bin: &Path, args: &[S]) -> Self {
        let mut command = Command::new(bin);
        let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("DUPLEX_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args(args.iter().map(AsRef::as_ref)).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{}: {why}", bin.display()));
        let (stdout, out) = Captured::read(child.stdout.take().expect("stdout is a pipe"));
        let (stderr, err) = Captured::read(child.stderr.take().expect("stderr is a pipe"));
        let name = format!("{} {}", bin.display(), args.first().map_or("", |arg| arg.as_ref()));
        Self { child, stdout, stderr, readers: vec![out, err], name }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Runs `duplex` to its end.
    ///
    /// # Panics
    /// If it takes longer than [`PATIENCE`].
    pub async fn run<S: AsRef<str>>(args: &[S]) -> Finished {
        let mut process = Self::duplex(args);
        process.finished().await
    }

    /// Its stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.with(|text| text.clone())
    }

    /// Its stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.with(|text| text.clone())
    }

    /// Length of stderr so far, to look only at what comes later.
    pub fn mark(&self) -> usize {
        self.stderr.with(|text| text.len())
    }

    /// True while it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until stderr, from `mark` on, contains `text`; false if it does not within `limit`
    /// or the process ends.
    pub async fn logged_within(&mut self, mark: usize, text: &str, limit: Duration) -> bool {
        let start = Instant::now();
        loop {
            let running = self.is_running();
            if self.stderr.with(|log| log.get(mark..).is_some_and(|log| log.contains(text))) {
                return true;
            }
            if start.elapsed() > limit || !running {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until stderr, from `mark` on, contains `text`.
    ///
    /// # Panics
    /// If it does not.
    pub async fn logged(&mut self, mark: usize, text: &str) {
        let found = self.logged_within(mark, text, PATIENCE).await;
        assert!(found, "{} never said {text:?}:\n{}", self.name, self.tail());
    }

    /// The end of stderr.
    pub fn tail(&self) -> String {
        let text = self.stderr();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn kill(&mut self) {
        // It may have ended by itself; whoever must know looks at is_running first.
        let _ = self.child.kill();
        self.child.wait().expect("a child can be waited for");
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If it takes longer than [`PATIENCE`].
    pub async fn finished(&mut self) -> Finished {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be looked at") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end:\n{}", self.name, self.tail());
            tokio::time::sleep(GLANCE).await;
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Waits until JSON-RPC answers at `url`.
    ///
    /// # Panics
    /// If the process ends before, or takes longer than [`PATIENCE`].
    pub async fn answers(&mut self, url: &str) {
        let rpc = Rpc::new(url).expect("a URL");
        let start = Instant::now();
        while rpc.chain_id().await.is_err() {
            assert!(self.is_running(), "{} ended:\n{}", self.name, self.tail());
            assert!(start.elapsed() < PATIENCE, "{url} does not answer:\n{}", self.tail());
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The deployment that `up --json` prints once everything runs.
    ///
    /// # Panics
    /// If the process ends before, or takes longer than [`PATIENCE`].
    pub async fn deployment(&mut self) -> Deployment {
        let start = Instant::now();
        loop {
            if let Ok(deployment) = serde_json::from_str(&self.stdout()) {
                return deployment;
            }
            assert!(self.is_running(), "{} ended:\n{}", self.name, self.tail());
            assert!(start.elapsed() < PATIENCE, "{} prints no deployment:\n{}", self.name, self.tail());
            tokio::time::sleep(GLANCE).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            say(&format!("--- {}\n{}", self.name, self.tail()));
        }
    }
}

/// `text` as arguments, split at spaces.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(Into::into).collect()
}

/// A view of the rollup of a deployment.
///
/// # Panics
/// If its URLs do not parse.
pub fn bridge(deployment: Deployment) -> Bridge {
    Bridge::new(deployment, None, None).expect("URLs of a running devnet")
}

/// Waits until `ready` gives a value.
///
/// # Panics
/// If it does not within [`PATIENCE`]; `what` says what was waited for.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ready: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready().await {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
