//! Shows how far L2 is derived from L1.

use duplex_actors::Rollup;

use crate::output;

/// Says on stderr how far derivation is while much is missing, and when it has caught up with L1.
pub(crate) async fn show(rollup: Rollup) {
    duplex_exit::narrate(rollup, output::note).await;
}
