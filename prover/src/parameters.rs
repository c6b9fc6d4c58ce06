//! Two sets of parameters, never confused (`docs/validity.md` §4).
//!
//! Up to the STARK of a run of batches both are the same: 100 bits. They differ in what makes of it a proof that L1 can afford
//! to verify.

use std::fmt;

use clap::ValueEnum;
use openvm_sdk::config::AggregationSystemParams;
use openvm_stark_backend::{SystemParams, WhirProximityStrategy, interaction::LogUpSecurityParameters};
use openvm_stark_sdk::config::{
    DEFAULT_K_WHIR, MAX_APP_LOG_STACKED_HEIGHT, RECURSION_MAX_CONSTRAINT_DEGREE, WHIR_MAX_LOG_FINAL_POLY_LEN,
    app_params_with_100_bits_security, root_params_with_100_bits_security,
};
use openvm_static_verifier::StaticVerifierShape;

/// Which proofs L1 takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Parameters {
    /// Forgeable: a weak last STARK, and a reference string whose secret everybody knows. So that the whole path runs on a small
    /// machine. Contracts that take such proofs can only be deployed on development chains.
    Development,
    /// 100 bits, and the reference string of a ceremony.
    Production,
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

impl Parameters {
    /// Of the STARK that Halo2 verifies.
    pub(crate) fn root(self) -> SystemParams {
        match self {
            Self::Production => root_params_with_100_bits_security(),
            // Production's shape with an eighth of its hashes, fewer queries and hardly any proof of work. (Not none: the
            // encoding of proofs counts on it.)
            Self::Development => SystemParams::new(
                1,
                2,
                18,
                18,
                WHIR_MAX_LOG_FINAL_POLY_LEN,
                1,
                1,
                WhirProximityStrategy::ListDecoding { m: 1 },
                DEVELOPMENT_BITS,
                LogUpSecurityParameters {
                    max_interaction_count: BABY_BEAR,
                    log_max_message_length: 7,
                    pow_bits: 1,
                },
                RECURSION_MAX_CONSTRAINT_DEGREE,
                1,
                DEFAULT_K_WHIR,
            ),
        }
    }

    /// Of the circuit that verifies that STARK. One column of advice, so `k` says how large it may be.
    pub(crate) fn shape(self) -> StaticVerifierShape {
        let k = match self {
            Self::Production => 23,
            Self::Development => 22,
        };
        StaticVerifierShape { k, lookup_bits: k - 1, ..StaticVerifierShape::default() }
    }
}

/// What the queries of the development's last STARK come to. It must fit a circuit of 2^22 rows.
const DEVELOPMENT_BITS: usize = 20;
/// The order of BabyBear, as production has it for the number of interactions.
const BABY_BEAR: u32 = 0x7800_0001;

/// Of the proofs of segments.
pub(crate) fn segments() -> SystemParams {
    app_params_with_100_bits_security(MAX_APP_LOG_STACKED_HEIGHT)
}

/// Of the proofs that bring them together.
pub(crate) fn aggregation() -> AggregationSystemParams {
    AggregationSystemParams::default()
}
