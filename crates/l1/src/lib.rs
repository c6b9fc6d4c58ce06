//! The L1 client: contract bindings, watcher, transaction manager.
