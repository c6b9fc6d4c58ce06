//! `cargo xtask test`: everything, in the order in which it fails soonest.

use std::{
    cell::Cell,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{clients, conformance, contracts, fuzz, guest, validity};

type Step = (&'static str, fn(&Context) -> Result<(), String>);

/// What the steps share.
struct Context {
    root: PathBuf,
    data: Option<PathBuf>,
    /// Whether the tests in Rust were run, which write the bundles that the validity program is executed with.
    bundles: Cell<bool>,
}

const STEPS: &[Step] = &[
    ("format", |c| {
        cargo(&c.root, &["fmt", "--all", "--check"])?;
        // Workspaces of their own.
        ["fuzz", "guest/hasher", "prover", "prover/guest/heap"]
            .iter()
            .try_for_each(|dir| cargo(&c.root.join(dir), &["fmt", "--check"]))
    }),
    ("clippy", |c| {
        cargo(&c.root, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    }),
    ("contracts", |c| contracts::run(&c.root, true)),
    ("forge", |c| contracts::forge_test(&c.root)),
    // All at once: alone, the binary would be built of dependencies with fewer features, and these then a second time.
    ("build", |c| cargo(&c.root, &["build", "--workspace", "--all-targets"])),
    ("rust", rust),
    ("conformance", |c| match &c.data {
        Some(data) => conformance::run(&c.root, data),
        None => Err(skip("no --data DIR with Ethereum's blockchain tests was given")),
    }),
    ("clients", |c| clients::run(&c.root)),
    ("fuzz", |c| fuzz::fuzz(&c.root, 15, None)),
    ("guest", |c| guest::run(&c.root, true)),
    ("validity", |c| validity::compare(&c.root, c.bundles.get())),
];

/// Marks an error that only says that a step could not be run here.
const SKIPPED: &str = "skipped: ";

/// The error of a step that cannot be run here.
pub(crate) fn skip(why: &str) -> String {
    format!("{SKIPPED}{why}")
}

/// The dev build of the product.
pub(crate) fn binary(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("debug").join("duplex")
}

/// Runs a command; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("cannot run {name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status})")) }
}

/// Runs cargo in the workspace.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Result<(), String> {
    run(Command::new("cargo").args(args).current_dir(root))
        .map_err(|error| format!("{error}: cargo {}", args.join(" ")))
}

fn rust(context: &Context) -> Result<(), String> {
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    // Those that take longest wait for blocks most of the time: two for each core.
    let threads = (2 * std::thread::available_parallelism().map_or(1, NonZero::get)).to_string();
    let mut command = Command::new("cargo");
    match nextest {
        true => command.args(["nextest", "run", "--workspace", "--test-threads", &threads]),
        false => command.args(["test", "--workspace", "--", "--test-threads", &threads]),
    };
    command.current_dir(&context.root).env("RUST_BACKTRACE", "0");
    match clients::anvil(&context.root) {
        Ok(anvil) => drop(command.env("DUPLEX_ANVIL", anvil)),
        Err(why) => println!("without anvil: {why}"),
    }
    // Tests run in the folders of their crates.
    if let Some(data) = context.data.as_ref().and_then(|data| data.canonicalize().ok()) {
        command.env("DUPLEX_DATA", data);
    }
    run(command.env("DUPLEX_BUNDLES", validity::bundles(&context.root)?))?;
    context.bundles.set(true);
    Ok(())
}

/// Runs all steps, or those chosen.
pub(crate) fn test(root: &Path, options: &[&str]) -> Result<(), String> {
    let mut context = Context { root: root.to_owned(), data: None, bundles: Cell::new(false) };
    let (mut only, mut except) = (Vec::new(), Vec::new());
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or_else(|| format!("{option} needs a value"))?;
        match *option {
            "--data" => context.data = Some(PathBuf::from(value)),
            "--only" => only.extend(value.split(',')),
            "--skip" => except.extend(value.split(',')),
            other => return Err(format!("unknown option {other}")),
        }
    }
    let known = |name: &&&str| !STEPS.iter().any(|(step, _)| step == *name);
    if let Some(unknown) = only.iter().chain(&except).find(known) {
        let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no step {unknown}; the steps are {}", names.join(", ")));
    }
    let (mut passed, mut skipped, mut failed) = (0, Vec::new(), Vec::new());
    for (name, step) in STEPS {
        if (!only.is_empty() && !only.contains(name)) || except.contains(name) {
            continue;
        }
        println!("\n=== {name}");
        let start = Instant::now();
        let result = step(&context);
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(()) => {
                println!("=== {name}: passed in {seconds} s");
                passed += 1;
            }
            Err(why) if why.starts_with(SKIPPED) => {
                println!("=== {name}: {why}");
                skipped.push(*name);
            }
            Err(why) => {
                println!("=== {name}: FAILED in {seconds} s: {why}");
                failed.push(*name);
            }
        }
    }
    println!("\nsteps: {passed} passed, {} failed, {} skipped", failed.len(), skipped.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}
