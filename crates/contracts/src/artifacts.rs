//! What the Solidity compiler made.

use std::{collections::BTreeMap, sync::LazyLock};

use alloy_primitives::{Bytes, hex};
use serde_json::Value;

/// A compiled contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Creation code; constructor arguments follow it.
    pub bytecode: Bytes,
    /// Runtime code, with zeros where immutables go.
    pub deployed: Bytes,
}

macro_rules! artifacts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../contracts/artifacts/", $name, ".json")))),*]
    };
}

const SOURCES: &[(&str, &str)] = artifacts![
    "AnchorVerifier",
    "AttestationVerifier",
    "BridgedToken",
    "BridgedTokenFactory",
    "Courier",
    "DevToken",
    "DevelopmentProofVerifier",
    "DevelopmentValidityVerifier",
    "Disputes",
    "Endpoint",
    "FeeVault",
    "Inbox",
    "L1Block",
    "L2Bridge",
    "L2Port",
    "Manifest",
    "MessagePasser",
    "MessageQueue",
    "Messenger",
    "OutputVerifier",
    "PreimageOracle",
    "ProofReader",
    "RelayerRegistry",
    "RiscvStep",
    "Settlement",
    "SiblingPort",
    "SiblingToken",
    "SiblingVerifier",
    "ValidityVerifier",
    "Vault",
    "VaultPort",
    "WETH9",
];

static ARTIFACTS: LazyLock<BTreeMap<&'static str, Artifact>> = LazyLock::new(|| {
    let parse = |json: &str| {
        let json: Value = serde_json::from_str(json).ok()?;
        let code = |field: &str| hex::decode(json.get(field)?.as_str()?).ok().map(Bytes::from);
        Some(Artifact { bytecode: code("bytecode")?, deployed: code("deployedBytecode")? })
    };
    // The files are part of the program: a test reads every one of them.
    SOURCES.iter().filter_map(|(name, json)| Some((*name, parse(json)?))).collect()
});

/// The artifact of a contract.
///
/// # Panics
/// If there is no contract of that name, which is a mistake in this program.
pub fn artifact(name: &str) -> &'static Artifact {
    ARTIFACTS.get(name).unwrap_or_else(|| panic!("no artifact named {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artifact_has_code() {
        for (name, _) in SOURCES {
            let artifact = artifact(name);
            assert!(!artifact.bytecode.is_empty() && !artifact.deployed.is_empty(), "{name}");
        }
    }
}
