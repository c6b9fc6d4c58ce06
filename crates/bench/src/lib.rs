//! Load generators and reports for any Ethereum JSON-RPC.
