//! Compares what was claimed on L1, and what another node says, with what L1's batches make.

use std::time::Instant;

use alloy_primitives::{Address, B256};
use duplex_actors::{Rollup, claim_history};
use duplex_l1::{ClaimEntry, ClaimStatus, Rpc};
use serde::Serialize;

use crate::{
    ExitError, Rebuild,
    observe::{last_block, output_at, range},
};

/// The two roots of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Roots {
    /// Merkle root over the output roots of all blocks.
    pub block_outputs: B256,
    /// Output root of the last block.
    pub output: B256,
}

/// What a claim says and what was derived.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The claim's number.
    pub claim: u64,
    /// How far it has come.
    pub status: ClaimStatus,
    /// Who made it.
    pub proposer: Address,
    /// The last batch that it covers.
    pub last_batch: u64,
    /// The first L2 block that it covers.
    pub first_block: u64,
    /// The last L2 block that it covers.
    pub last_block: u64,
    /// What it says.
    pub claimed: Roots,
    /// What was derived.
    pub derived: Roots,
}

impl Verdict {
    /// Whether the claim is true.
    pub fn is_true(&self) -> bool {
        self.claimed == self.derived
    }

    /// Of a false claim, the first block that can differ: the first it covers, or its last if only its
    /// last output is wrong. A claim does not say more.
    pub fn first_suspect(&self) -> Option<u64> {
        match (self.is_true(), self.claimed.block_outputs == self.derived.block_outputs) {
            (true, _) => None,
            (false, true) => Some(self.last_block),
            (false, false) => Some(self.first_block),
        }
    }
}

/// A block that another node has differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Its number.
    pub block: u64,
    /// Its hash as derived.
    pub derived: B256,
    /// Its hash there.
    pub theirs: B256,
}

/// How another node compares.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Against {
    /// Where it answers.
    pub url: String,
    /// The newest block that both have.
    pub up_to: u64,
    /// The first block that differs.
    pub difference: Option<Difference>,
}

/// What verifying found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The L1 block up to which everything was read.
    pub l1_block: u64,
    /// Its hash.
    pub l1_hash: B256,
    /// Batches in it.
    pub batches: u64,
    /// The last L2 block of them.
    pub l2_block: u64,
    /// Its hash.
    pub l2_hash: B256,
    /// Batches derived in this run whose content was void.
    pub undecodable: u64,
    /// Transactions in batches derived in this run that could not be executed.
    pub skipped: u64,
    /// All claims, oldest first.
    pub claims: Vec<Verdict>,
    /// Another node, if one was named.
    pub against: Option<Against>,
    /// How long it took.
    pub seconds: f64,
    /// Whether everything is as it should be.
    pub ok: bool,
}

/// Derives L2 up to the L1 block that is the newest now, and compares every claim, and the node at
/// `against`, with the result. `tell` hears how far it is.
///
/// # Errors
/// If L1, or that node, does not answer, or L2 cannot be derived.
pub async fn verify(
    rebuild: &mut Rebuild,
    against: Option<&Rpc>,
    tell: impl Fn(&str),
) -> Result<Verified, ExitError> {
    let start = Instant::now();
    let rollup = rebuild.rollup.clone();
    let (head, batches) = loop {
        let head = rollup.l1.latest_header().await?;
        let batches = rebuild.in_step(head.header.number, &tell).await?;
        let still = rollup.l1.header(head.header.number).await?;
        if still.is_some_and(|still| still.hash == head.hash) {
            break (head, batches);
        }
        tell("L1 reorganised meanwhile: once more");
    };
    let l2_block = last_block(&rollup, batches)?;
    let l2_hash = rollup.chain.hash_of(l2_block)?.ok_or(ExitError::ChainMoved)?;
    let all = rollup.index.claims()?;
    let mut claims = Vec::new();
    for claim in all.iter().filter(|claim| claim.l1_block <= head.header.number) {
        claims.push(judge(&rollup, claim, &all).await?);
    }
    let against = match against {
        Some(node) => Some(compare(&rollup, node, l2_block).await?),
        None => None,
    };
    let derivation = rollup.derivation.borrow().clone();
    let ok = claims.iter().all(Verdict::is_true)
        && against.as_ref().is_none_or(|against| against.difference.is_none());
    Ok(Verified {
        l1_block: head.header.number,
        l1_hash: head.hash,
        batches,
        l2_block,
        l2_hash,
        undecodable: derivation.undecodable,
        skipped: derivation.skipped,
        claims,
        against,
        seconds: start.elapsed().as_secs_f64(),
        ok,
    })
}

async fn judge(rollup: &Rollup, claim: &ClaimEntry, all: &[ClaimEntry]) -> Result<Verdict, ExitError> {
    let (first_block, last_block) = range(rollup, claim, all)?;
    let (block_outputs, output) = if claim.block_outputs_root.is_zero() {
        // A claim that was made with a proof has no history, and may cover more blocks than one has room for.
        (B256::ZERO, output_at(rollup, claim.last_batch)?)
    } else {
        let chain = rollup.chain.clone();
        let history = tokio::task::spawn_blocking(move || claim_history(&chain, first_block, last_block));
        let history = history.await.map_err(|_| ExitError::Stopped)??.ok_or(ExitError::ChainMoved)?;
        (history.root(), history.leaf(last_block - first_block))
    };
    Ok(Verdict {
        claim: claim.id,
        status: claim.status,
        proposer: claim.proposer,
        last_batch: claim.last_batch,
        first_block,
        last_block,
        claimed: Roots { block_outputs: claim.block_outputs_root, output: claim.output_root },
        derived: Roots { block_outputs, output },
    })
}

async fn compare(rollup: &Rollup, node: &Rpc, up_to: u64) -> Result<Against, ExitError> {
    let up_to = up_to.min(node.block_number().await?);
    let theirs = async |block: u64| Ok::<_, ExitError>(node.header(block).await?.map(|header| header.hash));
    let derived = |block: u64| Ok::<_, ExitError>(rollup.chain.hash_of(block)?.unwrap_or_default());
    let differs = async |block: u64| Ok::<_, ExitError>(theirs(block).await? != Some(derived(block)?));
    let difference = match first_that(up_to, differs).await? {
        None => None,
        Some(block) => {
            let theirs = theirs(block).await?.unwrap_or_default();
            Some(Difference { block, derived: derived(block)?, theirs })
        }
    };
    Ok(Against { url: node.url().into(), up_to, difference })
}

/// The first block of 0 to `last` of which something holds that holds of all after it, too: every block
/// names its parent, so two chains that differ once differ ever after.
async fn first_that<E>(last: u64, holds: impl AsyncFn(u64) -> Result<bool, E>) -> Result<Option<u64>, E> {
    if !holds(last).await? {
        return Ok(None);
    }
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle).await? { high = middle } else { low = middle + 1 }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_difference_is_found() {
        for last in [0, 1, 2, 7, 100] {
            for first in 0..=last + 1 {
                let found = first_that(last, async |block| Ok::<_, ()>(block >= first)).await.unwrap();
                assert_eq!(found, (first <= last).then_some(first), "{first} of {last}");
            }
        }
    }

    #[test]
    fn a_false_claim_names_the_first_block_that_can_differ() {
        let roots =
            |a: u8, b: u8| Roots { block_outputs: B256::repeat_byte(a), output: B256::repeat_byte(b) };
        let suspect = |claimed| {
            let verdict = Verdict {
                claim: 1,
                status: ClaimStatus::Pending,
                proposer: Address::ZERO,
                last_batch: 2,
                first_block: 5,
                last_block: 9,
                claimed,
                derived: roots(1, 2),
            };
            verdict.first_suspect()
        };
        assert_eq!(suspect(roots(1, 2)), None);
        assert_eq!(suspect(roots(1, 3)), Some(9));
        assert_eq!(suspect(roots(3, 2)), Some(5));
        assert_eq!(suspect(roots(3, 3)), Some(5));
    }
}
