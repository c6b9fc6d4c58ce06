//! What to prove next.

/// What is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The batches.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The final claim before them.
    pub(super) parent: u64,
}

/// What gets furthest towards batch `end`, up to which true claims wait: one of those on a final claim, if a proof has room for it and it
/// does not begin before what is missing; or else as many batches as a proof has room for, as a claim of its own on `parent`, which is the
/// last final one and ends with batch `covered`. Otherwise whoever makes many small claims could have the prover prove each of them, and
/// one that cannot be proved would hold up the rest.
pub(super) fn furthest(claims: &[Wanted], end: u64, parent: u64, covered: u64, most: u64) -> Option<Wanted> {
    if end <= covered {
        return None;
    }
    let own = Wanted { first: covered + 1, last: end.min(covered.saturating_add(most)), parent };
    let fits = claims.iter().filter(|wanted| wanted.last - wanted.first < most);
    let claim = fits.max_by_key(|wanted| (wanted.last, wanted.first));
    // What begins earlier than it has to is more to prove.
    Some(claim.copied().filter(|claim| claim.last >= own.last && claim.first >= own.first).unwrap_or(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wanted(first: u64, last: u64, parent: u64) -> Wanted {
        Wanted { first, last, parent }
    }

    #[test]
    fn without_claims_there_is_nothing_to_prove() {
        assert_eq!(furthest(&[], 9, 3, 9, 64), None);
    }

    #[test]
    fn of_many_claims_the_one_that_gets_furthest_is_proved() {
        let small: Vec<_> = (10..30).map(|last| wanted(10, last, 3)).collect();
        assert_eq!(furthest(&small, 29, 3, 9, 64), Some(wanted(10, 29, 3)));
        // Of two up to the same batch the one on the nearer final claim: there is less to prove.
        let two = [wanted(5, 12, 1), wanted(10, 12, 3)];
        assert_eq!(furthest(&two, 12, 3, 9, 64), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn claims_in_a_row_are_proved_at_once() {
        // Of one batch each, on one another: only the first is on a final one.
        assert_eq!(furthest(&[wanted(10, 10, 3)], 40, 3, 9, 64), Some(wanted(10, 40, 3)));
        assert_eq!(furthest(&[wanted(10, 10, 3)], 400, 3, 9, 64), Some(wanted(10, 73, 3)));
        assert_eq!(furthest(&[], 12, 3, 9, 64), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn what_a_proof_has_no_room_for_is_proved_in_parts() {
        let whole = wanted(10, 29, 3);
        assert_eq!(furthest(&[whole], 29, 3, 9, 20), Some(whole));
        assert_eq!(furthest(&[whole], 29, 3, 9, 19), Some(wanted(10, 28, 3)));
        // After failures one batch at a time, and never past what was claimed.
        assert_eq!(furthest(&[whole], 29, 3, 9, 1), Some(wanted(10, 10, 3)));
        assert_eq!(furthest(&[wanted(5, 12, 1)], 12, 3, 9, 7), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn what_is_final_is_not_proved_again() {
        // Of one that could not be proved the first half was, as a claim of its own.
        assert_eq!(furthest(&[wanted(10, 73, 3)], 73, 9, 41, 64), Some(wanted(42, 73, 9)));
    }

    #[test]
    fn a_small_claim_does_not_keep_the_prover_from_the_rest() {
        // The long one does not fit; the small one would get less far than a claim of the prover's own.
        let claims = [wanted(10, 10, 3), wanted(10, 200, 3)];
        assert_eq!(furthest(&claims, 200, 3, 9, 64), Some(wanted(10, 73, 3)));
        let claims = [wanted(10, 73, 3), wanted(10, 200, 3)];
        assert_eq!(furthest(&claims, 200, 3, 9, 64), Some(wanted(10, 73, 3)));
    }
}
