//! The RPC, as clients see it: over HTTP and WebSocket, and method by method.
#![allow(missing_docs)]

mod blobs;
mod blocks;
mod calls;
mod development;
mod devkit;
mod fees;
mod hostile;
mod logs;
mod rollup;
mod served;
mod subscriptions;
mod traces;
