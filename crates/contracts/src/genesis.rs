//! The accounts that exist in every L2 genesis.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use duplex_primitives::{GenesisAccount, L1FeeScalars, alias_l1_address, predeploys};

use crate::{artifact, attestation_domain};

/// What the predeploys are told of their rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L2GenesisParams {
    /// The `Vault` on L1.
    pub vault: Address,
    /// Who receives on L1 the fees that L2 collects.
    pub fee_recipient: Address,
    /// Scalars of the L1 data fee.
    pub l1_fee: L1FeeScalars,
    /// Base fee of the L1 block that genesis builds on, so that the first blocks pay for data too.
    pub l1_base_fee: u64,
    /// The other end of the lane, if there is one.
    pub lane: Option<LanePeer>,
}

/// The L1 end of a lane, as the L2 end is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanePeer {
    /// Its `Endpoint`.
    pub endpoint: Address,
    /// Its `VaultPort`.
    pub port: Address,
    /// Chain id of L1.
    pub chain_id: u64,
    /// The relayers who vouch for it, if there are any.
    pub relayers: Option<RelayersPeer>,
}

/// The relayers of a lane, as the L2 end is told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayersPeer {
    /// Their registry on L1.
    pub registry: Address,
    /// Seconds within which what is vouched for frees the limit again.
    pub window: u64,
    /// Seconds that L1's clock may be ahead.
    pub drift: u32,
}

/// What the L2 end of a lane has, in wei: more than can exist. Of this, what leaves it is minted.
pub const MINTABLE: U256 = U256::from_limbs([0, 0, 1, 0]);

/// The predeploys with their code and storage.
pub fn l2_alloc(params: &L2GenesisParams) -> BTreeMap<Address, GenesisAccount> {
    let slot = |n: u64| B256::from(U256::from(n));
    let fee_vault = vec![(slot(0), params.fee_recipient.into_word())];
    // Storage slot 3 of `L1Block`: sequence number in the lowest 8 bytes, then the blob scalar,
    // then the base fee scalar.
    let scalars: U256 =
        (U256::from(params.l1_fee.base_fee) << 96) | (U256::from(params.l1_fee.blob_base_fee) << 64);
    let mut accounts = vec![
        (predeploys::WETH, "WETH9", vec![]),
        (predeploys::L2_BRIDGE, "L2Bridge", vec![(slot(0), params.vault.into_word())]),
        (predeploys::SEQUENCER_FEE_VAULT, "FeeVault", fee_vault.clone()),
        (predeploys::BASE_FEE_VAULT, "FeeVault", fee_vault.clone()),
        (predeploys::L1_FEE_VAULT, "FeeVault", fee_vault),
        (predeploys::BRIDGED_TOKEN_FACTORY, "BridgedTokenFactory", vec![]),
        (predeploys::BRIDGED_TOKEN, "BridgedToken", vec![]),
        (
            predeploys::L1_BLOCK,
            "L1Block",
            vec![(slot(1), slot(params.l1_base_fee)), (slot(3), scalars.into()), (slot(7), slot(1))],
        ),
        (predeploys::MESSAGE_PASSER, "MessagePasser", vec![]),
    ];
    if let Some(peer) = params.lane {
        // Addresses are the lowest 20 bytes of their slots; the peer's chain id follows it.
        let peer_slot: U256 =
            (U256::from(peer.chain_id) << 160) | U256::from_be_bytes(peer.endpoint.into_word().0);
        let verifier = match peer.relayers {
            Some(_) => predeploys::ATTESTATION_VERIFIER,
            None => predeploys::ANCHOR_VERIFIER,
        };
        let storage = vec![
            (slot(2), peer_slot.into()),
            (slot(3), verifier.into_word()),
            (slot(4), predeploys::MESSENGER.into_word()),
        ];
        accounts.push((predeploys::ENDPOINT, "Endpoint", storage));
        accounts.push((
            predeploys::MESSENGER,
            "Messenger",
            vec![(slot(0), predeploys::ENDPOINT.into_word())],
        ));
        let port = vec![(slot(0), predeploys::ENDPOINT.into_word()), (slot(1), peer.port.into_word())];
        accounts.push((predeploys::TOKEN_PORT, "L2Port", port));
        accounts.push((predeploys::ANCHOR_VERIFIER, "AnchorVerifier", vec![]));
        if let Some(relayers) = peer.relayers {
            // The address of the Endpoint, then window and drift.
            let first: U256 = (U256::from(relayers.drift) << 224)
                | (U256::from(relayers.window) << 160)
                | U256::from_be_bytes(predeploys::ENDPOINT.into_word().0);
            let domain = attestation_domain(peer.chain_id, relayers.registry).separator();
            let storage = vec![
                (slot(2), first.into()),
                (slot(3), predeploys::ANCHOR_VERIFIER.into_word()),
                (slot(4), alias_l1_address(relayers.registry).into_word()),
                (slot(5), domain),
            ];
            accounts.push((predeploys::ATTESTATION_VERIFIER, "AttestationVerifier", storage));
        }
    }
    accounts
        .into_iter()
        .map(|(address, name, storage)| {
            let balance = if address == predeploys::ENDPOINT { MINTABLE } else { U256::ZERO };
            let code = artifact(name).deployed.clone();
            let account = GenesisAccount { nonce: 1, balance, code, storage: storage.into_iter().collect() };
            (address, account)
        })
        .collect()
}
