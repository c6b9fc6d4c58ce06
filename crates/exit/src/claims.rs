//! Which claim makes a withdrawal payable, and what is left to do for it.

use std::collections::{BTreeMap, BTreeSet};

use duplex_l1::ClaimStatus;

/// A claim on L1, as far as it matters who may build on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimFacts {
    /// Its number in `Settlement`.
    pub id: u64,
    /// The claim it builds on.
    pub parent: u64,
    /// The last batch it covers.
    pub last_batch: u64,
    /// How far it has come.
    pub status: ClaimStatus,
    /// L1 time from which on it can become final.
    pub ripe_at: u64,
    /// Whether it says what was derived. Of final ones only the last block's output counts: they are
    /// final whatever they say, but a withdrawal can be proved only by a true one.
    pub is_true: bool,
}

/// What is left to do until a batch is covered by a final claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Nothing: this claim is final and true.
    Final {
        /// The claim.
        claim: u64,
    },
    /// This claim can become final now, and must first.
    Finalize {
        /// The claim.
        claim: u64,
        /// L1 time since when it can.
        since: u64,
    },
    /// A window runs.
    Window {
        /// The claim that covers the batch.
        claim: u64,
        /// L1 time at which it and all before it are over.
        until: u64,
    },
    /// No claim covers the batch: one must be made.
    Claim {
        /// The claim to build on; 0 is genesis.
        parent: u64,
        /// The last batch to cover.
        last_batch: u64,
    },
    /// A false claim is final up to here: a newer batch is needed.
    Blocked,
    /// Claims are only taken with a proof, and no claim covers the batch yet.
    Proof,
}

/// The batches there are, as claims see them.
#[derive(Debug, Clone, Copy)]
pub struct Batches<F> {
    /// The last L2 block of a batch; that of batch 0 is 0.
    pub last_block: F,
    /// The newest batch that was derived.
    pub newest: u64,
    /// Most L2 blocks of a claim.
    pub max_claim_blocks: u64,
}

/// What is left to do so that batch `needed` is covered by a final claim that is true, at L1 time `now`.
/// `claims` are all there are, oldest first; `last_final` is which of them L1 takes new claims on, or 0.
pub fn path<F: Fn(u64) -> u64>(
    claims: &[ClaimFacts],
    last_final: u64,
    needed: u64,
    batches: &Batches<F>,
    now: u64,
) -> Path {
    let proves = |claim: &&ClaimFacts| claim.is_true && claim.last_batch >= needed;
    let finals = claims.iter().filter(|claim| claim.status == ClaimStatus::Final);
    if let Some(claim) = finals.filter(proves).max_by_key(|claim| claim.last_batch) {
        return Path::Final { claim: claim.id };
    }
    let live = live(claims);
    let by_id: BTreeMap<u64, &ClaimFacts> = live.iter().map(|claim| (claim.id, *claim)).collect();
    // Claims that are not final, from the oldest that must become so to the claim itself.
    let lineage = |claim: &ClaimFacts| {
        let mut line = Vec::new();
        let mut at = Some(*claim);
        while let Some(claim) = at.filter(|claim| claim.status != ClaimStatus::Final) {
            line.push(claim);
            at = by_id.get(&claim.parent).map(|claim| **claim);
        }
        line.reverse();
        line
    };
    let ends = |line: &[ClaimFacts]| line.iter().map(|claim| claim.ripe_at).max().unwrap_or_default();
    let pending = live.iter().filter(|claim| claim.status == ClaimStatus::Pending).copied().filter(proves);
    let soonest = pending.map(|claim| (claim.id, lineage(claim))).min_by_key(|(_, line)| ends(line));
    if let Some((claim, line)) = soonest {
        return match line.first() {
            Some(first) if first.ripe_at <= now => Path::Finalize { claim: first.id, since: first.ripe_at },
            _ => Path::Window { claim, until: ends(&line) },
        };
    }
    // Of several final claims up to the same batch L1 takes only the one that was final first.
    let covered = claims.iter().find(|claim| claim.id == last_final).map_or(0, |claim| claim.last_batch);
    let waiting =
        live.iter().filter(|claim| claim.status == ClaimStatus::Pending && claim.last_batch > covered);
    let tip = waiting.max_by_key(|claim| (claim.last_batch, std::cmp::Reverse(claim.id)));
    let (parent, covered) = tip.map_or((last_final, covered), |claim| (claim.id, claim.last_batch));
    let start = (batches.last_block)(covered);
    let fits = |batch: &u64| (batches.last_block)(*batch) - start <= batches.max_claim_blocks;
    match (covered + 1..=batches.newest).rev().find(fits) {
        Some(last_batch) => Path::Claim { parent, last_batch },
        None => Path::Blocked,
    }
}

/// Claims on which others can become final: those that are, and true ones that build on such.
fn live(claims: &[ClaimFacts]) -> Vec<&ClaimFacts> {
    let mut ids = BTreeSet::from([0]);
    let mut live = Vec::new();
    for claim in claims {
        let stands = match claim.status {
            ClaimStatus::Final => true,
            ClaimStatus::Pending => claim.is_true && ids.contains(&claim.parent),
            ClaimStatus::Rejected => false,
        };
        if stands {
            ids.insert(claim.id);
            live.push(claim);
        }
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = 100;

    fn claim(id: u64, parent: u64, last_batch: u64, status: ClaimStatus, made: u64) -> ClaimFacts {
        ClaimFacts { id, parent, last_batch, status, ripe_at: made + WINDOW, is_true: true }
    }

    fn find(claims: &[ClaimFacts], needed: u64, newest: u64, now: u64) -> Path {
        let batches = Batches { last_block: |batch| batch * 10, newest, max_claim_blocks: 50 };
        let finals = claims.iter().filter(|claim| claim.status == Final);
        let last = finals.max_by_key(|claim| claim.last_batch).map_or(0, |claim| claim.id);
        path(claims, last, needed, &batches, now)
    }

    use ClaimStatus::{Final, Pending, Rejected};

    #[test]
    fn a_final_claim_pays_at_once_and_the_newest_one_is_taken() {
        let claims = [claim(1, 0, 3, Final, 0), claim(2, 1, 5, Final, 10), claim(3, 2, 6, Pending, 20)];
        assert_eq!(find(&claims, 2, 6, 30), Path::Final { claim: 2 });
        assert_eq!(find(&claims, 6, 6, 30), Path::Window { claim: 3, until: 120 });
    }

    #[test]
    fn a_final_claim_that_is_false_pays_nothing_but_can_be_built_on() {
        let mut claims = [claim(1, 0, 3, Final, 0)];
        claims[0].is_true = false;
        assert_eq!(find(&claims, 2, 4, 500), Path::Claim { parent: 1, last_batch: 4 });
    }

    #[test]
    fn ancestors_become_final_first() {
        let claims = [claim(1, 0, 3, Pending, 0), claim(2, 1, 5, Pending, 40)];
        assert_eq!(find(&claims, 5, 5, 99), Path::Window { claim: 2, until: 140 });
        assert_eq!(find(&claims, 5, 5, 100), Path::Finalize { claim: 1, since: 100 });
        let claims = [claim(1, 0, 3, Final, 0), claim(2, 1, 5, Pending, 40)];
        assert_eq!(find(&claims, 5, 5, 139), Path::Window { claim: 2, until: 140 });
        assert_eq!(find(&claims, 5, 5, 140), Path::Finalize { claim: 2, since: 140 });
    }

    #[test]
    fn of_two_claims_the_one_that_is_over_sooner_is_waited_for() {
        let claims = [claim(1, 0, 3, Pending, 0), claim(2, 1, 4, Pending, 30), claim(3, 1, 5, Pending, 20)];
        assert_eq!(find(&claims, 4, 5, 50), Path::Window { claim: 3, until: 120 });
    }

    #[test]
    fn nothing_is_built_on_a_false_or_rejected_claim() {
        let mut claims = [claim(1, 0, 2, Final, 0), claim(2, 1, 4, Pending, 10), claim(3, 2, 5, Pending, 20)];
        claims[1].is_true = false;
        assert_eq!(find(&claims, 5, 5, 500), Path::Claim { parent: 1, last_batch: 5 });
        claims[1].is_true = true;
        claims[1].status = Rejected;
        assert_eq!(find(&claims, 5, 5, 500), Path::Claim { parent: 1, last_batch: 5 });
    }

    #[test]
    fn a_rejected_truth_is_claimed_again() {
        // Five batches fit into a claim.
        let claims = [claim(1, 0, 5, Rejected, 0)];
        assert_eq!(find(&claims, 9, 9, 500), Path::Claim { parent: 0, last_batch: 5 });
        let claims = [claim(1, 0, 1, Rejected, 0)];
        assert_eq!(find(&claims, 1, 1, 500), Path::Claim { parent: 0, last_batch: 1 });
    }

    #[test]
    fn the_truth_stands_beside_a_false_claim() {
        let mut claims = [claim(1, 0, 5, Pending, 0)];
        claims[0].is_true = false;
        assert_eq!(find(&claims, 5, 5, 50), Path::Claim { parent: 0, last_batch: 5 });
        claims[0].status = Final;
        assert_eq!(find(&claims, 5, 5, 50), Path::Blocked);
        assert_eq!(find(&claims, 5, 6, 50), Path::Claim { parent: 1, last_batch: 6 });
    }

    #[test]
    fn of_final_claims_up_to_the_same_batch_only_one_is_built_on() {
        let claims = [claim(1, 0, 3, Final, 0), claim(2, 0, 3, Final, 1), claim(3, 0, 3, Pending, 1)];
        let batches = Batches { last_block: |batch| batch * 10, newest: 4, max_claim_blocks: 50 };
        for last_final in [1, 2] {
            let found = path(&claims, last_final, 4, &batches, 9);
            assert_eq!(found, Path::Claim { parent: last_final, last_batch: 4 });
        }
    }

    #[test]
    fn a_long_range_is_claimed_in_parts() {
        assert_eq!(find(&[], 9, 9, 0), Path::Claim { parent: 0, last_batch: 5 });
        assert_eq!(find(&[claim(1, 0, 5, Pending, 0)], 9, 9, 1), Path::Claim { parent: 1, last_batch: 9 });
    }
}
