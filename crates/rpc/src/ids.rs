//! Ids of filters and subscriptions.

use jsonrpsee::{core::traits::IdProvider, server::RandomIntegerIdProvider, types::SubscriptionId};

/// Random ids as hexadecimal strings, as go-ethereum gives them. That they cannot be guessed keeps
/// clients from taking each other's filters.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HexIds;

impl HexIds {
    pub(crate) fn next(self) -> String {
        let half = || match RandomIntegerIdProvider.next_id() {
            SubscriptionId::Num(number) => number,
            SubscriptionId::Str(_) => 0,
        };
        format!("0x{:016x}{:016x}", half(), half())
    }
}

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(self.next().into())
    }
}
