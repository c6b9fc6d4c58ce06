//! `cargo xtask validity`: the validity program in the machine that proofs are about, and the committed proof.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};

use crate::steps::run as execute;

/// The committed program.
const PROGRAM: &str = "prover/duplex-validity.elf";
/// What L1 knows it by.
const PINS: &str = "prover/pins.json";
/// What the batches of `crates/program/tests/it/measured.rs` cost in the machine, and the EVM's instructions (`prices.rs`).
const INSTRUCTIONS: &str = "prover/instructions.json";
/// What the committed proof is of, the proof, and the verifier that was generated for it.
const SAMPLE: &str = "contracts/test/validity-sample.json";
const PROOF: &str = "contracts/test/validity-proof.json";
/// The STARK behind the proof, for the prover's tests, and what verifies it, for those who follow by proofs.
const STARK: &str = "prover/tests/sample.stark";
const STARK_KEY: &str = "prover/stark.vk";
const VERIFIER: &str = "contracts/generated/DevelopmentProofVerifier.sol";
/// Where the program's tests write them.
const BUNDLES: &str = "target/validity/bundles";
/// How many runs of batches the program's tests make, at least.
const FEWEST_BUNDLES: usize = 80;
/// How many instructions of the machine a gas may take, whatever it is paid for: more has to be priced otherwise.
const MOST_FOR_A_GAS: u64 = 250;

/// The folder of the bundles that the program's tests write (`DUPLEX_BUNDLES`), without any.
pub(crate) fn bundles(root: &Path) -> Result<PathBuf, String> {
    fresh(&root.join(BUNDLES))
}

/// Writes a bundle for every run of batches of the program's tests, executes all of them in the machine and natively, and compares.
/// The proof system is not built for it. `written` says whether the tests were run already, with [`bundles`].
pub(crate) fn compare(root: &Path, written: bool) -> Result<(), String> {
    if let Some(other) = std::env::var_os("DUPLEX_VALIDITY_PROGRAM") {
        println!("not with the committed program, but with {}", other.display());
    }
    println!("building duplex-machine, which takes minutes the first time");
    let prover = root.join("prover");
    let build = ["build", "--quiet", "--locked", "--package", "duplex-machine"];
    execute(Command::new("cargo").args(build).env_remove("CARGO_TARGET_DIR").current_dir(&prover))?;
    let bundles = match written {
        true => root.join(BUNDLES),
        false => {
            let bundles = bundles(root)?;
            println!("writing bundles");
            let mut test = test(root);
            // Those that make chains.
            test.args(["any::", "blocks::", "curves::", "precompiles::", "ranges::"]);
            execute(test.env("DUPLEX_BUNDLES", &bundles))?;
            bundles
        }
    };
    let written = fs::read_dir(&bundles).map_err(|error| format!("{}: {error}", bundles.display()))?.count();
    if written < FEWEST_BUNDLES {
        return Err(format!(
            "the program's tests wrote {written} bundles, not {FEWEST_BUNDLES} or more: were some renamed?"
        ));
    }
    execute(Command::new(prover.join("target/debug/duplex-machine")).arg("--all-hold").arg(&bundles))?;
    let tests =
        ["test", "--quiet", "--locked", "--package", "duplex-machine", "--lib", "--", "--include-ignored"];
    let mut spoilt = Command::new("cargo");
    spoilt.args(tests).env("DUPLEX_BUNDLES", &bundles).env_remove("CARGO_TARGET_DIR").current_dir(&prover);
    execute(&mut spoilt)
}

/// Compares execution in the machine and natively, builds the prover and tests it, and compares what people's transactions cost in the
/// machine with what is committed of it.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    compare(root, false)?;
    let prover = prover(root)?;
    println!("testing it");
    let mut tests = Command::new("cargo");
    execute(tests.args(["test", "--quiet", "--locked", "--release"]).current_dir(root.join("prover")))?;
    let (is, committed) = (instructions(root, &prover)?, json(&root.join(INSTRUCTIONS))?);
    if is != committed {
        return Err(format!(
            "{INSTRUCTIONS} says {committed}, it is {is}: run `cargo xtask validity --instructions`, and commit it"
        ));
    }
    println!("{INSTRUCTIONS} is what it takes");
    Ok(())
}

/// Writes what people's transactions cost in the machine.
pub(crate) fn count(root: &Path) -> Result<(), String> {
    let prover = prover(root)?;
    let counted =
        serde_json::to_string_pretty(&instructions(root, &prover)?).map_err(|error| error.to_string())?;
    println!("{counted}");
    let path = root.join(INSTRUCTIONS);
    fs::write(&path, counted + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

/// How many instructions each of the measured batches takes, and what one more transaction of a kind adds to a batch.
fn instructions(root: &Path, prover: &Path) -> Result<Value, String> {
    let place = fresh(&root.join("target/validity/measured"))?;
    execute(test(root).args(["measured::", "prices::"]).env("DUPLEX_MEASURED", &place))?;
    let mut count = Command::new(prover);
    let said = count.args(["execute", "--all-hold", "--json"]).arg(&place).output();
    let said = said.map_err(|error| format!("{}: {error}", prover.display()))?;
    if !said.status.success() {
        return Err(String::from_utf8_lossy(&said.stderr).into_owned());
    }
    let (mut batches, mut loops) = (Map::new(), BTreeMap::<String, Vec<[u64; 3]>>::new());
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let name = line["bundle"].as_str().and_then(|path| Path::new(path).file_stem()?.to_str());
        let (name, count) = (name.unwrap_or_default(), &line["instructions"]);
        match name.strip_prefix("evm@") {
            Some(case) => {
                let [name, times, gas] = case.split('@').collect::<Vec<_>>()[..] else {
                    return Err(format!("{name} has a strange name"));
                };
                let number = |text: &str| text.parse().map_err(|error| format!("{case}: {error}"));
                let counted = [number(times)?, number(gas)?, count.as_u64().unwrap_or_default()];
                loops.entry(name.to_owned()).or_default().push(counted);
            }
            None => {
                batches.insert(name.to_owned(), count.clone());
            }
        }
    }
    let of = |name: String| {
        batches.get(&name).and_then(Value::as_u64).ok_or_else(|| format!("{name} was not counted"))
    };
    let mut each = Map::new();
    for kind in ["transfer", "erc20", "swap"] {
        let (ten, hundred) = (of(format!("{kind}-10"))?, of(format!("{kind}-100"))?);
        each.insert(kind.to_owned(), (hundred.saturating_sub(ten) / 90).into());
    }
    let block = (of("nothing-10".to_owned())?.saturating_sub(of("nothing-1".to_owned())?)) / 9;
    each.insert("block".to_owned(), block.into());
    let program = json(&root.join(PROGRAM).with_extension("json"))?;
    let evm = prices(loops)?;
    Ok(json!({ "elf": program["sha256"], "each": each, "batches": batches, "evm": evm }))
}

/// What each of the EVM's instructions takes, from two loops of it: `[instructions, gas, instructions a gas]`.
fn prices(loops: BTreeMap<String, Vec<[u64; 3]>>) -> Result<Map<String, Value>, String> {
    let mut prices = Map::new();
    for (name, mut counted) in loops {
        counted.sort_unstable();
        let [fewer, more] = counted[..] else { return Err(format!("{name} was not counted twice")) };
        let [times, gas, instructions] = std::array::from_fn(|at| more[at].saturating_sub(fewer[at]));
        if gas == 0 {
            return Err(format!("{name} takes no gas"));
        }
        let a_gas = instructions / gas;
        if a_gas > MOST_FOR_A_GAS {
            return Err(format!(
                "{name} takes {a_gas} instructions for a gas, which must not be more than {MOST_FOR_A_GAS}: it needs another price on L2"
            ));
        }
        prices.insert(name, json!([instructions / times, gas / times, a_gas]));
    }
    Ok(prices)
}

/// Makes the committed proof anew: of the program's sample, with development parameters. Half an hour the first time.
pub(crate) fn prove(root: &Path) -> Result<(), String> {
    let place = fresh(&root.join("target/validity/sample"))?;
    let keys = root.join("target/validity/keys");
    let prover = prover(root)?;
    println!("writing the sample");
    execute(test(root).arg("sample::").env("DUPLEX_SAMPLE", &place))?;
    execute(Command::new(&prover).arg("setup").arg("--keys").arg(&keys))?;
    let (bundle, job) = (place.join("sample.bundle"), place.join("proof"));
    execute(Command::new(&prover).arg("prove").arg("--keys").arg(&keys).arg("--job").arg(&job).arg(&bundle))?;
    execute(Command::new(&prover).arg("verify").arg("--keys").arg(&keys).arg(&job))?;
    for (from, to) in [
        (place.join("sample.json"), SAMPLE),
        (job.join("development-proof.json"), PROOF),
        (keys.join("pins.json"), PINS),
        (keys.join("development-Verifier.sol"), VERIFIER),
        (job.join("batch.stark"), STARK),
        (keys.join("stark.vk"), STARK_KEY),
    ] {
        let to = root.join(to);
        fs::create_dir_all(to.parent().unwrap_or(root))
            .map_err(|error| format!("{}: {error}", to.display()))?;
        fs::copy(&from, &to).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))?;
        println!("wrote {}", to.display());
    }
    // What was built before has the key of the program before in it.
    execute(Command::new(self::prover(root)?).arg("verify").arg(&job))?;
    println!("Now `cargo xtask contracts`, `cargo xtask test`, and commit.");
    Ok(())
}

/// Says whether the committed proof is of the committed program: what needs no proof system.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let (pins, proof) = (json(&root.join(PINS))?, json(&root.join(PROOF))?);
    let program = json(&root.join(PROGRAM).with_extension("json"))?;
    let elf = program["sha256"].as_str().map(|digest| format!("0x{digest}"));
    let again = "run `cargo xtask validity --prove`, and commit what it writes";
    if pins["elf"].as_str() != elf.as_deref() {
        return Err(format!("{PINS} is of another program than {PROGRAM}: {again}"));
    }
    if json(&root.join(INSTRUCTIONS))?["elf"] != program["sha256"] {
        return Err(format!(
            "{INSTRUCTIONS} is of another program than {PROGRAM}: run `cargo xtask validity --instructions`"
        ));
    }
    for name in ["elf", "programCommitment", "machineCommitment"] {
        if pins[name].is_null() || pins[name] != proof[name] {
            return Err(format!("{PROOF} is of another {name} than {PINS}: {again}"));
        }
    }
    Ok(())
}

fn fresh(folder: &Path) -> Result<PathBuf, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(fail)?;
    }
    fs::create_dir_all(folder).map_err(fail)?;
    Ok(folder.to_owned())
}

fn prover(root: &Path) -> Result<PathBuf, String> {
    println!("building duplex-prover, which takes minutes the first time");
    let prover = root.join("prover");
    execute(Command::new("cargo").args(["build", "--quiet", "--locked", "--release"]).current_dir(&prover))?;
    Ok(prover.join("target/release/duplex-prover"))
}

fn test(root: &Path) -> Command {
    let mut test = Command::new("cargo");
    // Of the whole workspace, for which everything is built: for one package alone its dependencies would be built once more.
    test.args(["test", "--quiet", "--workspace", "--test", "it", "--"]).current_dir(root);
    test
}

fn json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
