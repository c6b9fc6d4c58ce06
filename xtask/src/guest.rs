//! `cargo xtask guest`: the programs that are proved, as ELFs for their machines.
//!
//! They are committed, because L1 knows each by a hash of all its bytes. The same sources and the same tools give the same bytes
//! wherever they lie; the JSON beside an ELF says which tools.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use duplex_vm::Program;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::steps::{run as execute, skip};

/// A program for a machine that is proved: how it is compiled.
struct Guest {
    /// Where it is committed, without `.elf`.
    committed: &'static str,
    /// The package, which is named as its program, or as `program` says.
    package: &'static str,
    program: &'static str,
    target: &'static str,
    flags: &'static [&'static str],
    /// More arguments of cargo.
    arguments: &'static [&'static str],
    /// What people and contracts know an ELF by, once it was looked through.
    describe: fn(elf: &[u8], versions: &Value) -> Result<Value, String>,
    /// Compares an ELF that other tools made with the committed one by what the two do.
    compare: fn(root: &Path, elf: &Path) -> Result<(), String>,
}

/// The fault-proof program: RV64IMAC less C; atomics become plain loads and stores, as the machine has one hart.
const FAULT: Guest = Guest {
    committed: "guest/duplex-program",
    package: "duplex-guest",
    program: "duplex-program",
    target: "riscv64imac-unknown-none-elf",
    flags: &[
        "-Ctarget-feature=-c,-zca",
        "-Cpasses=lower-atomic",
        "-Crelocation-model=static",
        "-Clinker=ld.lld",
        "-Clink-arg=--build-id=none",
        // Functions that are the same are there once.
        "-Clink-arg=--icf=all",
        // Nobody reads where a panic was: the machine shows it.
        "-Zlocation-detail=none",
        "--cfg",
        "getrandom_backend=\"custom\"",
    ],
    // Its own hasher instead of foldhash; see guest/hasher.
    arguments: &["-Zbuild-std=core,alloc", "--config", "paths=[\"guest/hasher\"]"],
    describe: describe_fault,
    compare: compare_fault,
};

/// The validity program: RV32IM and OpenVM's own instructions.
const VALIDITY: Guest = Guest {
    committed: "prover/duplex-validity",
    package: "duplex-validity",
    program: "duplex-validity",
    target: "riscv32im-risc0-zkvm-elf",
    flags: &[
        "-Cpasses=lower-atomic",
        "-Cpanic=abort",
        "-Clinker=ld.lld",
        // Where OpenVM has programs begin.
        "-Clink-arg=-Ttext=0x00200800",
        "-Clink-arg=--strip-all",
        "-Clink-arg=--build-id=none",
        "-Zlocation-detail=none",
        "--cfg",
        "getrandom_backend=\"custom\"",
    ],
    arguments: &[
        "-Zbuild-std=core,alloc,panic_abort",
        "-Zbuild-std-features=compiler-builtins-mem",
        "--config",
        "paths=[\"guest/hasher\"]",
    ],
    describe: describe_validity,
    compare: compare_validity,
};

/// Where cargo builds them.
const BUILT: &str = "target/guest";

/// The one word outside RV64IM that code may have: `unimp`, where the compiler knows that nothing
/// gets to. The machine panics there.
const UNIMP: u32 = 0xc000_1073;

/// A compiler that has the sources of `core` and `alloc` beside it.
struct Toolchain {
    rustc: PathBuf,
    sysroot: PathBuf,
    /// What is named in `duplex-program.json`: with others, other bytes come out.
    versions: Value,
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Cargo and rustc as they are by themselves, not as this process was told.
fn tool(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER"] {
        command.env_remove(variable);
    }
    command
}

fn toolchain(root: &Path) -> Result<Toolchain, String> {
    let linker =
        said(tool("ld.lld").arg("--version")).ok_or_else(|| skip("there is no ld.lld: install lld"))?;
    let cargo = said(tool("cargo").arg("--version").current_dir(root)).ok_or("there is no cargo")?;
    for rustc in ["/usr/bin/rustc", "rustc"] {
        let sysroot = said(tool(rustc).args(["--print", "sysroot"]).current_dir(root));
        let Some(sysroot) = sysroot.map(PathBuf::from) else { continue };
        if sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml").exists()
            && let Some(version) = said(tool(rustc).arg("--version").current_dir(root))
        {
            let versions = json!({ "rustc": version, "cargo": cargo, "linker": linker });
            return Ok(Toolchain { rustc: rustc.into(), sysroot, versions });
        }
    }
    Err(skip(
        "no compiler has the sources of core beside it: install Debian's rustc-web and rust-web-src, or \
         rustup's rust-src",
    ))
}

/// Compiles a program. Nothing of where it lies gets into it.
fn build(root: &Path, toolchain: &Toolchain, guest: &Guest) -> Result<Vec<u8>, String> {
    let mut flags: Vec<String> = guest.flags.iter().map(|flag| (*flag).to_owned()).collect();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry").join("src")).ok());
    let places = registries.into_iter().flatten().flatten().map(|entry| (entry.path(), "/crates"));
    let places = places
        .chain([(root.to_owned(), "/duplex"), (toolchain.sysroot.join("lib/rustlib/src/rust"), "/rust")]);
    flags.extend(places.map(|(place, name)| format!("--remap-path-prefix={}={name}", place.display())));
    // One folder for all: they share macros and build scripts.
    let target = root.join(BUILT);
    let mut command = tool("cargo");
    command
        .args(["build", "--quiet", "--locked", "--package", guest.package, "--profile", "guest"])
        .args(["--target", guest.target])
        .args(guest.arguments)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root)
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    execute(&mut command)?;
    read(&target.join(guest.target).join("guest").join(guest.program))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn describe_fault(elf: &[u8], versions: &Value) -> Result<Value, String> {
    let program = Program::from_elf(elf).map_err(|error| format!("the machine cannot load it: {error}"))?;
    let strange = program.scan();
    if let Some(found) = strange.iter().find(|found| found.word != UNIMP) {
        let place =
            program.symbol_at(found.address).map_or_else(String::new, |(name, _)| format!(" in {name}"));
        return Err(format!("{:#010x} at {:#x}{place} is not RV64IM", found.word, found.address));
    }
    Ok(json!({
        "sha256": format!("{:x}", Sha256::digest(elf)),
        "bytes": elf.len(),
        "entry": format!("{:#x}", program.entry()),
        "codeRoot": program.code_root(),
        "initialState": program.initial_state_hash(),
        "unimp": strange.len(),
        "builtWith": versions,
    }))
}

fn compare_fault(root: &Path, elf: &Path) -> Result<(), String> {
    execute(
        Command::new("cargo")
            .args(["test", "--quiet", "--package", "duplex-program", "--test", "it"])
            .current_dir(root)
            .env("DUPLEX_GUEST", elf),
    )
}

/// What L1 knows it by takes the proof system to compute: `prover/pins.json` has it.
fn describe_validity(elf: &[u8], versions: &Value) -> Result<Value, String> {
    Ok(json!({
        "sha256": format!("{:x}", Sha256::digest(elf)),
        "bytes": elf.len(),
        "builtWith": versions,
    }))
}

fn compare_validity(_: &Path, elf: &Path) -> Result<(), String> {
    println!("to execute it: DUPLEX_VALIDITY_PROGRAM={} cargo xtask test --only validity", elf.display());
    Ok(())
}

/// Builds the programs and writes them, or with `check` says whether what is committed is what the sources give.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let guests = [&FAULT, &VALIDITY];
    if !check {
        return guests.into_iter().try_for_each(|guest| write(root, guest));
    }
    // What needs no compiler first.
    guests.into_iter().try_for_each(|guest| committed(root, guest).map(drop))?;
    crate::validity::check(root)?;
    guests.into_iter().try_for_each(|guest| compare(root, guest))
}

fn write(root: &Path, guest: &Guest) -> Result<(), String> {
    let toolchain = toolchain(root)?;
    let elf = build(root, &toolchain, guest)?;
    let description = (guest.describe)(&elf, &toolchain.versions)?;
    let text = serde_json::to_string_pretty(&description).map_err(|error| error.to_string())? + "\n";
    println!("{}.elf\n{text}", guest.committed);
    for (kind, bytes) in [("elf", elf), ("json", text.into_bytes())] {
        let path = root.join(guest.committed).with_extension(kind);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The committed ELF, and what is said of it: the two are of each other.
fn committed(root: &Path, guest: &Guest) -> Result<(Vec<u8>, Value), String> {
    let (program, committed) = (guest.committed, root.join(guest.committed));
    let elf = read(&committed.with_extension("elf"))?;
    let said: Value = serde_json::from_slice(&read(&committed.with_extension("json"))?)
        .map_err(|error| error.to_string())?;
    let is = (guest.describe)(&elf, &said["builtWith"])?;
    if is != said {
        return Err(format!("{program}.json says {said}, the ELF beside it is {is}"));
    }
    Ok((elf, said))
}

fn compare(root: &Path, guest: &Guest) -> Result<(), String> {
    let program = guest.committed;
    let (elf, said) = committed(root, guest)?;
    let toolchain = toolchain(root)?;
    let fresh = build(root, &toolchain, guest)?;
    if fresh == elf {
        println!("{program}.elf is what the sources give");
        return Ok(());
    }
    if toolchain.versions == said["builtWith"] {
        return Err(format!(
            "{program}.elf is not what the sources give: run `cargo xtask guest` and commit the result; \
             deployments under the former program keep it"
        ));
    }
    // Other tools make other instructions. That they mean the same is shown by what they do.
    println!(
        "{program}.elf was built with {}; here is {}, whose bytes differ. Comparing what the two do instead.",
        said["builtWith"], toolchain.versions
    );
    (guest.describe)(&fresh, &toolchain.versions)?;
    let path = root.join(BUILT).join(format!("{}.elf", guest.program));
    fs::write(&path, fresh).map_err(|error| format!("{}: {error}", path.display()))?;
    (guest.compare)(root, &path)
}

/// Prints what blocks cost in the machine.
pub(crate) fn cost(root: &Path) -> Result<(), String> {
    execute(
        Command::new("cargo")
            .args(["test", "--release", "--package", "duplex-program", "--test", "it", "cost::"])
            .args(["--", "--ignored", "--nocapture", "--test-threads=1"])
            .current_dir(root),
    )
}
