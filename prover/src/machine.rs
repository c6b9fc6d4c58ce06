//! The machine of `duplex-machine`, with the tables that proving takes.

use alloy_primitives::B256;
use duplex_machine::CONFIG;
use openvm_sdk_config::SdkVmConfig;
use sha2::{Digest, Sha256};

/// The machine's configuration. How long segments may become is not part of what is proved.
pub(crate) fn config(segment_memory: Option<usize>) -> eyre::Result<SdkVmConfig> {
    let mut config = SdkVmConfig::from_toml(CONFIG)?.optimize();
    if let Some(bytes) = segment_memory {
        config.system.config.segmentation_max_memory = bytes;
    }
    Ok(config)
}

/// SHA-256 of the machine's configuration.
pub(crate) fn digest() -> B256 {
    B256::from_slice(&Sha256::digest(CONFIG))
}
