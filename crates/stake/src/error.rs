//! What can be wrong with what was asked for.

use thiserror::Error;

/// Why there is no answer. Each names the value and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StakeError {
    /// Text that is not an amount.
    #[error(
        "{given:?} is not an amount of {unit}: write a number such as 3 or 0.25, up to twelve digits before \
         the point and {decimals} after it"
    )]
    Amount {
        /// What was given.
        given: String,
        /// Of what.
        unit: &'static str,
        /// Most decimals.
        decimals: usize,
    },
    /// A value outside of what makes sense.
    #[error("{what} is {given}, but must be {allowed}: {way_out}")]
    Range {
        /// Which value.
        what: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// A gas snapshot without a move of the game.
    #[error("{file} has no gas of `{name}`: let the test of that snapshot measure it under that name")]
    MissingGas {
        /// Which snapshot.
        file: &'static str,
        /// Which move.
        name: String,
    },
    /// A gas snapshot that cannot be read.
    #[error("{file} is not a gas snapshot ({reason}): it must be a JSON object of names and amounts of gas")]
    NotSnapshot {
        /// Which snapshot.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Locking a bond costs more than it brings.
    #[error(
        "no bond is enough: locking it for {time} at {rate} a year costs the winner more than the half of the \
         other's that it gets; take shorter periods or a lower rate"
    )]
    NoBond {
        /// How long bonds are locked at most.
        time: String,
        /// At which rate.
        rate: String,
    },
}
