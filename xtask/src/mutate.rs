//! Takes the contracts' checks away one by one, and sees whether a test notices.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{contracts, steps::run};

/// Files whose checks are taken away, and the tests that must notice.
const GROUPS: [(&[&str], &[&str]); 3] = [
    (
        &[
            "src/bridge/Endpoint.sol",
            "src/bridge/Messenger.sol",
            "src/bridge/AnchorVerifier.sol",
            "src/bridge/OutputVerifier.sol",
            "src/libraries/MessageProof.sol",
            "src/libraries/StateProof.sol",
            "src/libraries/BlockProof.sol",
            "src/libraries/TrieWalk.sol",
        ],
        &[
            "Endpoint",
            "LaneProofs",
            "LaneInvariants",
            "TrieWalk",
            "ProofReader",
            "ExodusTokens",
            "Attestations",
            "TokenPorts",
            "Siblings",
        ],
    ),
    (
        &[
            "src/bridge/TokenPort.sol",
            "src/bridge/SiblingPort.sol",
            "src/bridge/SiblingToken.sol",
            "src/bridge/SiblingVerifier.sol",
        ],
        &["TokenPorts", "Siblings"],
    ),
    (
        &["src/L1/RelayerRegistry.sol", "src/bridge/AttestationVerifier.sol", "src/libraries/Attesting.sol"],
        &["Attestations", "RelayerRegistry"],
    ),
];

/// Checks that no test can miss (file, function, condition), and why: what they refuse is refused after them, too. They say what
/// is meant, early.
const REDUNDANT: [(&str, &str, &str, &str); 4] = [
    (
        "src/libraries/TrieWalk.sol",
        "_list",
        "first < 0xc0",
        "a size below zero ends nowhere near the node's end",
    ),
    ("src/libraries/TrieWalk.sol", "_next", "item >= end", "what begins behind the end does not end at it"),
    ("src/libraries/TrieWalk.sol", "_next", "next > end", "the next item then begins behind the end"),
    (
        "src/libraries/TrieWalk.sol",
        "_long",
        "bytesOfLength > 3",
        "such an item is longer than all the gas of a block can bring",
    ),
];

/// What every check of the copy asks: whether it is the one that is away. A cheatcode answers from the environment, so all mutants
/// are compiled at once; as checks of pure functions ask, too, the question is made pure by force.
const SWITCH: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

interface IEnvironment {
    function envOr(string calldata name, uint256 otherwise) external view returns (uint256);
}

library Mutant {
    function on(uint256 check) internal pure returns (bool) {
        function(uint256) internal view returns (bool) asks = _on;
        function(uint256) internal pure returns (bool) answers;
        assembly {
            answers := asks
        }
        return answers(check);
    }

    function _on(uint256 check) private view returns (bool) {
        return IEnvironment(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D).envOr("DUPLEX_MUTANT", uint256(0)) != check;
    }
}
"#;

/// One check: where its condition is, its line, and the function that it is in.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    condition: Range<usize>,
    line: usize,
    function: String,
}

/// A check as it is told.
#[derive(Debug)]
struct Named {
    file: String,
    line: usize,
    function: String,
    condition: String,
}

impl Named {
    /// Why no test can miss it, if none can.
    fn redundant(&self) -> Option<&'static str> {
        let own = (self.file.as_str(), self.function.as_str(), self.condition.as_str());
        REDUNDANT
            .iter()
            .find(|(file, function, condition, _)| (*file, *function, *condition) == own)
            .map(|(.., why)| *why)
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {}: {}", self.file, self.line, self.function, self.condition)
    }
}

/// Takes away every check in these files (paths in `contracts/`; all of [`GROUPS`] unless there are some), runs the tests and
/// says which checks nobody misses.
pub(crate) fn mutate(root: &Path, files: &[&str]) -> Result<(), String> {
    if let Some(unknown) = files.iter().find(|file| !GROUPS.iter().any(|(of, _)| of.contains(file))) {
        return Err(format!("{unknown} is in no group: say in xtask/src/mutate.rs which tests must notice"));
    }
    contracts::install(&root.join("contracts"))?;
    let copy = root.join("target").join("mutate");
    let (mut killed, mut alive) = (0, Vec::new());
    for (sources, tests) in GROUPS {
        let sources: Vec<_> =
            sources.iter().filter(|file| files.is_empty() || files.contains(file)).collect();
        if sources.is_empty() {
            continue;
        }
        prepare(&root.join("contracts"), &copy, tests)?;
        let mut names = Vec::new();
        for file in sources {
            let path = copy.join(file);
            let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            write(&path, &switched(&source, file, &mut names))?;
        }
        if !passes(&copy, 0)? {
            return Err(format!("the tests {} fail as they are", tests.join(", ")));
        }
        for (file, function, condition, _) in REDUNDANT {
            let own = |name: &&Named| (name.file.as_str(), name.function.as_str()) == (file, function);
            let count = names.iter().filter(own).filter(|name| name.condition == condition).count();
            if names.iter().any(|name| name.file == file) && count != 1 {
                return Err(format!(
                    "{count} checks are {condition} in {function} of {file}: mend REDUNDANT"
                ));
            }
        }
        for (at, name) in names.into_iter().enumerate() {
            if let Some(why) = name.redundant() {
                println!("needless {name}: {why}");
            } else if passes(&copy, at + 1)? {
                println!("ALIVE   {name}");
                alive.push(name.to_string());
            } else {
                println!("killed  {name}");
                killed += 1;
            }
        }
    }
    println!("\n{killed} checks have a test that misses them, {} have none", alive.len());
    if alive.is_empty() { Ok(()) } else { Err(format!("nobody misses:\n  {}", alive.join("\n  "))) }
}

/// The source with a switch before every check; their names, the first of them being check 1, are added to `names`.
fn switched(source: &str, file: &str, names: &mut Vec<Named>) -> String {
    let mut text = String::with_capacity(2 * source.len());
    let mut done = 0;
    for check in checks(source) {
        let condition = source[check.condition.clone()].trim();
        names.push(Named {
            file: file.to_owned(),
            line: check.line,
            function: check.function,
            condition: condition.split_whitespace().collect::<Vec<_>>().join(" "),
        });
        text += &source[done..check.condition.start];
        text += &format!(" (Mutant.on({}) && ({condition})) ", names.len());
        done = check.condition.end;
    }
    text += &source[done..];
    // After the first statement, which is the pragma.
    let end = text.find(';').map_or(0, |at| at + 1);
    text.insert_str(end, "\nimport {Mutant} from \"../Mutant.sol\";");
    text
}

/// A copy of the contracts to change, with these tests only: the others need not be compiled.
fn prepare(contracts: &Path, copy: &Path, tests: &[&str]) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", copy.display());
    fs::create_dir_all(copy).map_err(fail)?;
    for name in ["src", "test", "foundry.toml", "solc-wrapper.mjs", "package.json"] {
        let to = copy.join(name);
        if to.is_dir() {
            fs::remove_dir_all(&to).map_err(fail)?;
        }
        run(Command::new("cp").arg("-r").arg(contracts.join(name)).arg(copy))?;
    }
    for entry in fs::read_dir(copy.join("test")).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kept = name.strip_suffix(".t.sol").is_none_or(|name| tests.contains(&name));
        if path.is_file() && !kept {
            fs::remove_file(&path).map_err(fail)?;
        }
    }
    write(&copy.join("src").join("Mutant.sol"), SWITCH)?;
    let modules: PathBuf = copy.join("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(contracts.join("node_modules"), &modules).map_err(fail)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether the tests pass without this check (0: with all).
fn passes(copy: &Path, without: usize) -> Result<bool, String> {
    let output = Command::new(contracts::forge(copy)?)
        .args(["test", "--fail-fast"])
        .env("DUPLEX_MUTANT", without.to_string())
        .env("FOUNDRY_FUZZ_RUNS", "64")
        .env("FOUNDRY_INVARIANT_RUNS", "4")
        .current_dir(copy)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run forge: {error}"))?;
    let failed = String::from_utf8_lossy(&output.stdout).contains("[FAIL");
    match (output.status.success(), failed) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        // That it could not run at all is no test that notices.
        _ => Err(format!("forge broke off:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// The conditions of all `if (…) revert`, those with `||` part by part.
fn checks(source: &str) -> Vec<Check> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("if (") {
        let open = at + 4;
        let Some(close) = closing(&source[open..]).map(|end| open + end) else { continue };
        let then = source[close + 1..].trim_start().trim_start_matches('{').trim_start();
        if !then.starts_with("revert") {
            continue;
        }
        let mut start = open;
        for part in parts(&source[open..close]) {
            let condition = start..start + part;
            let line = source[..condition.start].matches('\n').count() + 1;
            let function = source[..condition.start].rfind("function ").map(|at| &source[at + 9..]);
            let function = function.and_then(|rest| rest.split('(').next()).unwrap_or("constructor");
            found.push(Check { condition, line, function: function.to_owned() });
            start += part + 2;
        }
    }
    found
}

/// Where the parenthesis that is open at the start is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// Lengths of the parts of a condition between its outermost `||`.
fn parts(condition: &str) -> Vec<usize> {
    let (mut lengths, mut depth, mut start) = (Vec::new(), 0, 0);
    let bytes = condition.as_bytes();
    for i in 0..bytes.len() {
        match bytes[i] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'|' if depth == 0 && bytes.get(i + 1) == Some(&b'|') => {
                lengths.push(i - start);
                start = i + 2;
            }
            _ => {}
        }
    }
    lengths.push(bytes.len() - start);
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_found_part_by_part() {
        let source = "if (a) revert X();\nif (b(c) || (d || e)) {\n revert Y(); }\nif (f) return;\nif (\n g\n) revert Z();";
        let found: Vec<_> = checks(source)
            .into_iter()
            .map(|check| (source[check.condition].trim().to_owned(), check.line))
            .collect();
        let expected =
            [("a", 1), ("b(c)", 2), ("(d || e)", 2), ("g", 5)].map(|(text, line)| (text.to_owned(), line));
        assert_eq!(found, expected);
        let source = "function one(uint256 a) { if (a) revert X(); } function two() { if (a) revert X(); }";
        let found: Vec<_> = checks(source).into_iter().map(|check| check.function).collect();
        assert_eq!(found, ["one", "two"]);
        let source = "if (b(c) || (d || e) || f) revert X();";
        let found: Vec<_> =
            checks(source).into_iter().map(|check| source[check.condition].trim().to_owned()).collect();
        assert_eq!(found, ["b(c)", "(d || e)", "f"]);
    }
}
