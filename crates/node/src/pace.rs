//! How often batches and claims are made.

use std::time::Duration;

use duplex_actors::{BatcherOptions, DaMode, ProposerOptions};

/// How often batches and claims are made, and where the data goes. What is not given follows from L1: on a development
/// chain gas and bonds are free and somebody waits; on others each batch costs, and each claim locks a bond for the
/// challenge window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Age at which a batch is sealed although it is not full: 2 seconds on a development L1, 5 minutes on another.
    pub batch_age: Option<Duration>,
    /// Where the data of batches goes: into calldata on a development L1, since proofs for a blob take the processor
    /// longer than executing what is in it; to where it is cheaper on another.
    pub da: Option<DaMode>,
    /// Time between claims: 2 seconds on a development L1, an hour on another.
    pub claim_interval: Option<Duration>,
}

impl Pace {
    /// How the batcher works, on a development L1 or another.
    pub fn batcher(&self, development: bool) -> BatcherOptions {
        let (age, da) = match development {
            true => (Duration::from_secs(2), DaMode::Calldata),
            false => (Duration::from_secs(300), DaMode::Auto),
        };
        BatcherOptions {
            max_age: self.batch_age.unwrap_or(age),
            full_percent: 90,
            da: self.da.unwrap_or(da),
            only_when_open: false,
        }
    }

    /// How the proposer works, on a development L1 or another.
    pub fn proposer(&self, development: bool) -> ProposerOptions {
        let interval = Duration::from_secs(if development { 2 } else { 3600 });
        ProposerOptions { interval: self.claim_interval.unwrap_or(interval) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_holds_on_every_l1_and_the_rest_follows_from_it() {
        let given = Pace {
            batch_age: Some(Duration::from_secs(7)),
            da: Some(DaMode::Blob),
            claim_interval: Some(Duration::from_secs(9)),
        };
        for development in [true, false] {
            assert_eq!(given.batcher(development).max_age, Duration::from_secs(7));
            assert_eq!(given.batcher(development).da, DaMode::Blob);
            assert_eq!(given.proposer(development).interval, Duration::from_secs(9));
        }
        let free = Pace::default();
        assert_eq!(free.batcher(true).da, DaMode::Calldata);
        assert_eq!(free.batcher(false).da, DaMode::Auto);
        // A bond for every claim, for a week each: nobody wants 1800 of them an hour.
        assert!(free.proposer(false).interval >= Duration::from_secs(3600));
        assert!(free.batcher(false).max_age >= Duration::from_secs(300));
    }
}
