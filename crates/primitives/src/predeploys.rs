//! Fixed addresses of the contracts that exist in every L2 genesis.

use alloy_primitives::{Address, address};

/// Wrapped Ether.
pub const WETH: Address = address!("4200000000000000000000000000000000000006");
/// The L2 end of the asset bridge: mints on deposit, burns on withdrawal.
pub const L2_BRIDGE: Address = address!("4200000000000000000000000000000000000010");
/// Receives priority fees; anyone may send its balance to its L1 recipient.
pub const SEQUENCER_FEE_VAULT: Address = address!("4200000000000000000000000000000000000011");
/// Creates one [`BRIDGED_TOKEN`] clone for every ERC-20 that is deposited.
pub const BRIDGED_TOKEN_FACTORY: Address = address!("4200000000000000000000000000000000000012");
/// The implementation behind all bridged tokens.
pub const BRIDGED_TOKEN: Address = address!("4200000000000000000000000000000000000013");
/// What L2 knows of L1: the anchor and the fee scalars.
pub const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
/// The outbox of L2 to L1 messages.
pub const MESSAGE_PASSER: Address = address!("4200000000000000000000000000000000000016");
/// Receives base fees.
pub const BASE_FEE_VAULT: Address = address!("4200000000000000000000000000000000000019");
/// Receives L1 data fees.
pub const L1_FEE_VAULT: Address = address!("420000000000000000000000000000000000001A");
/// The L2 end of the lane, where a deployment has one.
pub const ENDPOINT: Address = address!("4200000000000000000000000000000000000023");
/// Makes the calls of the lane's messages.
pub const MESSENGER: Address = address!("4200000000000000000000000000000000000024");
/// The light client of L1 that the lane's messages are proved to.
pub const ANCHOR_VERIFIER: Address = address!("4200000000000000000000000000000000000025");
/// Takes the word of staked relayers for the lane's messages, where a deployment has them.
pub const ATTESTATION_VERIFIER: Address = address!("4200000000000000000000000000000000000026");
/// Sends and receives tokens by the lane's messages.
pub const TOKEN_PORT: Address = address!("4200000000000000000000000000000000000027");
/// Sender of the transaction that tells L2 its new anchor. Nobody has its key.
pub const DEPOSITOR: Address = address!("DeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001");
/// Stands for ETH where the bridge asks for a token.
pub const ETH_TOKEN: Address = address!("DeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000");
/// The CREATE2 deployer that tools expect at this address.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
