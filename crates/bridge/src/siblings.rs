//! Joins two L2s of one L1.

use std::path::PathBuf;

use alloy_primitives::{Address, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue;
use duplex_contracts::artifact;
use duplex_l1::{Deployment, Rpc};
use duplex_lane::{Lane, Sibling, SiblingEnd, Siblings};

use crate::{BridgeError, Progress, send::send_transaction};

/// One of two L2s to join.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// Its JSON-RPC.
    pub rpc: Rpc,
    /// The rollup.
    pub deployment: Deployment,
    /// How the file is to name its deployment file.
    pub path: PathBuf,
}

/// Puts on each of two L2s what joins it with the other: anyone can, and nobody has a say in it afterwards. What was begun
/// and cut off is of no use, and harms nobody.
///
/// # Errors
/// If they are not two rollups of one L1, or one of them refuses.
pub async fn join_siblings(
    l1: &Rpc,
    key: &PrivateKeySigner,
    rollups: [JoinRequest; 2],
    progress: &dyn Progress,
) -> Result<Siblings, BridgeError> {
    let [a, b] = &rollups;
    let ids = [a, b].map(|of| (of.deployment.l1_chain_id, of.deployment.l2_chain_id));
    if ids[0].0 != ids[1].0 || ids[0].1 == ids[1].1 {
        return Err(BridgeError::NoSiblings(ids[0].1, ids[1].1));
    }
    for of in [a, b] {
        // Both must be rollups of this very L1.
        if l1.code(of.deployment.contracts.vault).await?.is_empty() {
            return Err(BridgeError::NoSiblings(ids[0].1, ids[1].1));
        }
    }
    let ends = [end(key, a).await?, end(key, b).await?];
    for (own, other, of, from) in [(&ends[0], &ends[1], b, a), (&ends[1], &ends[0], a, b)] {
        let chain = own.chain_id;
        let c = &of.deployment.contracts;
        let steps: [(&str, Address, Vec<u8>); 4] = [
            ("SiblingVerifier", own.verifier, (c.vault, c.settlement).abi_encode_params()),
            ("Messenger", own.messenger, (own.endpoint,).abi_encode_params()),
            (
                "Endpoint",
                own.endpoint,
                (other.endpoint, other.chain_id, own.verifier, own.messenger, Address::ZERO)
                    .abi_encode_params(),
            ),
            ("SiblingPort", own.port, (own.endpoint, other.port).abi_encode_params()),
        ];
        for (name, address, args) in steps {
            progress.wait(&format!("{chain} to take the {name}"), "one L2 block");
            let code: Bytes = [&artifact(name).bytecode[..], &args].concat().into();
            send_transaction(&from.rpc, key, None, U256::ZERO, code).await?;
            progress.done(&format!("{name} is at {address} on {chain}"));
        }
    }
    let siblings = Siblings { ends };
    let [here, there] = siblings.ends.clone();
    let sibling = Sibling { rpc: b.rpc.clone(), deployment: b.deployment.clone(), here, there };
    Lane::between(l1.clone(), a.rpc.clone(), a.deployment.clone(), sibling).check_siblings().await?;
    Ok(siblings)
}

/// Where the contracts will be: one after the other from the key's next nonce.
async fn end(key: &PrivateKeySigner, of: &JoinRequest) -> Result<SiblingEnd, BridgeError> {
    let from = key.address();
    let nonce = of.rpc.nonce(from, true).await?;
    let at = |step: u64| from.create(nonce + step);
    Ok(SiblingEnd {
        chain_id: of.deployment.l2_chain_id,
        deployment: of.path.clone(),
        verifier: at(0),
        messenger: at(1),
        endpoint: at(2),
        port: at(3),
        start_block: of.rpc.block_number().await?,
    })
}
