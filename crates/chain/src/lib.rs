//! An EVM chain: block building, import, reorganisation, state access and subscriptions.
