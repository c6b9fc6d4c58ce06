//! Shows how far L2 is derived from L1.

use std::time::{Duration, Instant};

use duplex_actors::Rollup;

use crate::output;

/// Pause between lines.
const EVERY: Duration = Duration::from_secs(3);

/// Says on stderr how far derivation is until it has caught up with L1, then once that it has.
pub(crate) async fn show(rollup: Rollup) {
    let mut derivation = rollup.derivation.clone();
    let started = Instant::now();
    let (mut said, first) = (Instant::now(), rollup.chain.head().header.number);
    loop {
        let now = derivation.borrow_and_update().clone();
        let block = rollup.chain.head().header.number;
        if let Some(head) = now.l1_head {
            output::note(&format!(
                "in step with L1 block {}: batch {}, L2 block {block}, after {:.1} s",
                head.header.number,
                now.batch,
                started.elapsed().as_secs_f64(),
            ));
            return;
        }
        if now.on_l1 > 0 && said.elapsed() > EVERY {
            said = Instant::now();
            let rate = (block - first.min(block)) as f64 / started.elapsed().as_secs_f64();
            output::note(&format!(
                "batch {} of {}, L2 block {block}, {rate:.0} blocks/s",
                now.batch, now.on_l1
            ));
        }
        tokio::select! {
            changed = derivation.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
