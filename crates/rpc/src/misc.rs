//! `net_*`, `web3_*` and `rpc_modules`: who is answering.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, Bytes, keccak256};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use serde_json::json;

/// The version that every namespace reports, as in other clients.
const NAMESPACE_VERSION: &str = "1.0";

/// The name of this client: `duplex/v<version>/<system>-<architecture>/rust`.
pub fn client_version() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("duplex/v{}/{os}-{arch}/rust", env!("CARGO_PKG_VERSION"))
}

/// `net_version`, `net_listening`, `net_peerCount`, `web3_clientVersion`, `web3_sha3` and
/// `rpc_modules`.
///
/// `methods` are the names of all other methods of the same server; their prefixes are what
/// `rpc_modules` lists.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub fn misc_module<'a>(
    chain_id: u64,
    methods: impl IntoIterator<Item = &'a str>,
) -> Result<RpcModule<()>, RegisterMethodError> {
    let mut namespaces: BTreeSet<&str> = ["net", "rpc", "web3"].into();
    namespaces.extend(methods.into_iter().filter_map(|name| Some(name.split_once('_')?.0)));
    let namespaces: BTreeMap<_, _> = namespaces.into_iter().map(|name| (name, NAMESPACE_VERSION)).collect();
    let namespaces = json!(namespaces);

    let mut module = RpcModule::new(());
    module.register_method("net_version", move |_, (), _| chain_id.to_string())?;
    // There is no peer-to-peer network: blocks come from L1.
    module.register_method("net_listening", |_, (), _| true)?;
    module.register_method("net_peerCount", |_, (), _| "0x0")?;
    module.register_method("web3_clientVersion", |_, (), _| client_version())?;
    module.register_method("web3_sha3", |params, (), _| {
        let data: Bytes = params.one()?;
        Ok::<B256, ErrorObjectOwned>(keccak256(data))
    })?;
    module.register_method("rpc_modules", move |_, (), _| namespaces.clone())?;
    Ok(module)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    async fn call(module: &RpcModule<()>, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let (reply, _) = module.raw_json_request(&request, 1).await.unwrap();
        serde_json::from_str(reply.get()).unwrap()
    }

    #[tokio::test]
    async fn test_misc_says_who_answers() {
        let module = misc_module(4242, ["eth_call", "eth_chainId", "debug_traceCall"]).unwrap();
        assert_eq!(call(&module, "net_version", json!([])).await["result"], "4242");
        assert_eq!(call(&module, "net_listening", json!([])).await["result"], true);
        assert_eq!(call(&module, "net_peerCount", json!([])).await["result"], "0x0");
        let version = call(&module, "web3_clientVersion", json!([])).await;
        assert!(version["result"].as_str().unwrap().starts_with("duplex/v0.1.0/"));
        let modules = call(&module, "rpc_modules", json!([])).await;
        let expected = json!({"debug": "1.0", "eth": "1.0", "net": "1.0", "rpc": "1.0", "web3": "1.0"});
        assert_eq!(modules["result"], expected);
    }

    #[tokio::test]
    async fn test_web3_sha3_hashes_bytes_and_refuses_others() {
        let module = misc_module(1, []).unwrap();
        let hash = call(&module, "web3_sha3", json!(["0x68656c6c6f"])).await;
        assert_eq!(hash["result"], "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8");
        assert_eq!(call(&module, "web3_sha3", json!(["hello"])).await["error"]["code"], -32602);
        assert_eq!(call(&module, "web3_sha3", json!([])).await["error"]["code"], -32602);
    }
}
