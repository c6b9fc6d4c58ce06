//! Shows how far L2 is derived from L1, and proved.

use duplex_actors::{Proving, ProvingState, Rollup};
use tokio::sync::watch;

use crate::output;

/// Says on stderr how far derivation is while much is missing, and when it has caught up with L1.
pub(crate) async fn show(rollup: Rollup) {
    duplex_exit::narrate(rollup, output::note).await;
}

/// Says on stderr what is being proved, and how far that is.
pub(crate) async fn show_proving(mut proving: watch::Receiver<Proving>) {
    let mut said = String::new();
    while proving.changed().await.is_ok() {
        let line = describe(&proving.borrow_and_update());
        // How long it takes changes with every look; a new line is for what is new.
        let what = line.split(", about").next().unwrap_or_default().to_owned();
        if said != what {
            output::note(&line);
            said = what;
        }
    }
}

/// What is being proved, in a line.
fn describe(now: &Proving) -> String {
    let batches = match (now.first_batch, now.last_batch) {
        (Some(first), Some(last)) if first == last => format!("batch {first}"),
        (Some(first), Some(last)) => format!("batches {first} to {last}"),
        _ => "batches".into(),
    };
    match now.state {
        ProvingState::Idle => format!("proved up to batch {}: final", now.proven_batch),
        ProvingState::Sending => format!("{batches}: proved, L1 is to verify it"),
        ProvingState::Stuck => format!("{batches}: not proved yet: {}", now.error.as_deref().unwrap_or("?")),
        ProvingState::Proving => {
            let step = match now.step.as_deref() {
                Some("segments") => "proving, execution",
                Some("aggregate") => "proving, one STARK",
                Some("root") => "proving, last STARK",
                Some("snark") => "proving, Halo2",
                Some("wrap") => "proving, for L1",
                // It was handed over a moment ago.
                _ => return format!("{batches}: proving"),
            };
            // In steps of five, so that it is not a line a second.
            let percent = (now.percent / 5.0).floor() * 5.0;
            format!("{batches}: {step}, {percent:.0} %, about {:.0} s left", now.seconds_left)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_says_what_it_is_about() {
        let state = |state| Proving {
            state,
            proven_batch: 3,
            first_batch: Some(4),
            last_batch: Some(6),
            step: Some("root".into()),
            percent: 43.0,
            seconds_left: 61.4,
            error: Some("no prover".into()),
            ..Proving::default()
        };
        assert_eq!(describe(&state(ProvingState::Idle)), "proved up to batch 3: final");
        let begun = Proving { step: None, ..state(ProvingState::Proving) };
        assert_eq!(describe(&begun), "batches 4 to 6: proving");
        assert_eq!(
            describe(&state(ProvingState::Proving)),
            "batches 4 to 6: proving, last STARK, 40 %, about 61 s left"
        );
        assert_eq!(describe(&state(ProvingState::Sending)), "batches 4 to 6: proved, L1 is to verify it");
        assert_eq!(describe(&state(ProvingState::Stuck)), "batches 4 to 6: not proved yet: no prover");
    }
}
