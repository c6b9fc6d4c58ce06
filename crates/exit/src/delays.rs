//! How long every step takes at most.

/// The delays that bound every step, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// After this a message must be consumed.
    pub forced_inclusion: u64,
    /// After this anyone may append.
    pub sequencer_timeout: u64,
    /// How long a claim can be challenged.
    pub window: u64,
    /// How long others are given to make or finalise a claim before it is done here: doing it costs gas,
    /// and a claim a bond for as long as the window is open.
    pub patience: u64,
}

impl Delays {
    /// Longest time that others are given.
    const MOST_PATIENCE: u64 = 2 * 3600;

    /// The delays of a rollup; others are given a hundredth of the challenge window, 5 seconds to 2 hours.
    pub fn new(parameters: &duplex_l1::Parameters) -> Self {
        let window = parameters.challenge_window;
        Self {
            forced_inclusion: parameters.forced_inclusion_delay,
            sequencer_timeout: parameters.sequencer_timeout,
            window,
            patience: (window / 100).clamp(5, Self::MOST_PATIENCE),
        }
    }

    /// How long somebody else is given to make a claim final: that costs little, and delays more.
    pub fn grace(&self) -> u64 {
        self.patience.min(60)
    }

    /// Seconds that leaving takes at most, if nobody helps and nobody makes false claims. Each L1
    /// transaction is given a minute.
    pub const fn at_most(&self) -> u64 {
        self.sequencer_timeout + 2 * self.patience + self.window + 6 * 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_a_hundredth_of_the_window() {
        let mut parameters = duplex_l1::Parameters::production();
        assert_eq!(Delays::new(&parameters).patience, 6048);
        parameters.challenge_window = 10;
        assert_eq!(Delays::new(&parameters).patience, 5);
        parameters.challenge_window = 100 * 24 * 3600;
        assert_eq!(Delays::new(&parameters).patience, 7200);
    }
}
