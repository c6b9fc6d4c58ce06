//! What a message is: the twin of `contracts/src/libraries/Hashing.sol`.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use duplex_contracts::bindings::Message;

/// Type of a message, as EIP-712 writes types.
const TYPE: &str = "Message(uint16 version,uint64 srcChainId,address srcEndpoint,uint64 dstChainId,\
    address dstEndpoint,uint64 nonce,address sender,address target,uint256 value,uint64 gasLimit,\
    uint64 deadline,uint256 relayFee,bytes payload)";

static TYPE_HASH: LazyLock<B256> = LazyLock::new(|| keccak256(TYPE));

/// Id of a message between two endpoints.
pub fn message_id(message: &Message, source: Address, destination: Address) -> B256 {
    let m = message;
    let fields = (
        *TYPE_HASH,
        m.version,
        m.srcChainId,
        source,
        m.dstChainId,
        destination,
        m.nonce,
        (m.sender, m.target, m.value, m.gasLimit, m.deadline, m.relayFee, keccak256(&m.payload)),
    );
    // All static: a tuple within is encoded as its fields.
    keccak256(fields.abi_encode_params())
}

/// Storage slot of an `Endpoint`'s accumulator after message `nonce`: the mapping at slot 0.
pub fn accumulator_slot(nonce: u64) -> B256 {
    keccak256((U256::from(nonce), U256::ZERO).abi_encode_params())
}

/// Storage slot of an `Endpoint`'s state of a message: the mapping at slot 1.
pub fn delivery_slot(id: B256) -> B256 {
    keccak256((id, U256::ONE).abi_encode_params())
}

/// The accumulator after one more message.
pub(crate) fn extend(accumulator: B256, id: B256) -> B256 {
    keccak256([accumulator, id].concat())
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolEvent;
    use duplex_contracts::{artifact, bindings::IEndpoint};

    use super::*;

    #[test]
    fn the_event_is_the_contracts() {
        // The topic is in the code that looks for it.
        let topic = IEndpoint::MessageSent::SIGNATURE_HASH;
        let found = |name: &str| artifact(name).deployed.windows(32).any(|window| window == topic.as_slice());
        assert!(found("Endpoint") && found("AnchorVerifier") && found("OutputVerifier"));
        let type_hash = TYPE_HASH.as_slice();
        assert!(artifact("Endpoint").deployed.windows(32).any(|window| window == type_hash));
    }
}
