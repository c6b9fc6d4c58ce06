//! What L1 refuses to take from a challenger, again and again.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// A refusal that lasts so long is no race with somebody else's transaction any more.
const LASTS: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Refusal {
    since: Instant,
    why: String,
    /// In this look, or the one before.
    again: bool,
}

/// Refusals, by what was to be sent.
#[derive(Debug, Default)]
pub(super) struct Refused(BTreeMap<String, Refusal>);

impl Refused {
    /// Another look begins: what was not refused in the last one is forgotten.
    pub(super) fn next_look(&mut self) {
        self.0.retain(|_, refusal| std::mem::take(&mut refusal.again));
    }

    /// L1 refused to take this. True if it is the first time.
    pub(super) fn note(&mut self, label: &str, why: String, now: Instant) -> bool {
        let new = !self.0.contains_key(label);
        let since = self.0.get(label).map_or(now, |refusal| refusal.since);
        self.0.insert(label.to_owned(), Refusal { since, why, again: true });
        new
    }

    /// What has been refused for so long that a person must look.
    pub(super) fn lasting(&self, now: Instant) -> Option<String> {
        let (label, refusal) = self.0.iter().find(|(_, refusal)| now - refusal.since >= LASTS)?;
        Some(format!("L1 refuses to {label}: {}", refusal.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_again_and_again_is_told() {
        let (mut refused, start) = (Refused::default(), Instant::now());
        assert!(refused.note("challenge claim 3", "no".into(), start));
        for seconds in 1..60 {
            let now = start + Duration::from_secs(seconds);
            refused.next_look();
            assert!(!refused.note("challenge claim 3", "no".into(), now));
            assert_eq!(refused.lasting(now), None);
        }
        let now = start + LASTS;
        assert_eq!(refused.lasting(now).as_deref(), Some("L1 refuses to challenge claim 3: no"));
        // It went, or somebody else was faster.
        refused.next_look();
        assert!(refused.lasting(now).is_some());
        refused.next_look();
        assert_eq!(refused.lasting(now), None);
        assert!(refused.note("challenge claim 3", "no".into(), now));
        assert_eq!(refused.lasting(now), None);
    }
}
