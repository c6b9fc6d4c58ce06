// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {InvalidSignature} from "./Errors.sol";
import {Hashing} from "./Hashing.sol";
import {Attestation} from "./Types.sol";

/// @title Attesting
/// @notice What relayers sign, and who signed it.
library Attesting {
    /// @notice Bytes of a signature: `r ‖ yParityAndS` (EIP-2098).
    uint256 internal constant SIGNATURE_LENGTH = 64;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant TYPEHASH = keccak256(
        "Attestation(uint64 chainId,address endpoint,uint64 nonce,bytes32 accumulator,uint64 time)"
    );

    /// @notice EIP-712 domain of the attestations for a registry: wherever they are checked, it names the chain and the
    /// contract where the stake is.
    function domain(uint256 chainId, address registry) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Duplex Relayers"), keccak256("1"), chainId, registry)
        );
    }

    /// @notice What is signed.
    function digest(bytes32 domain_, Attestation memory a) internal pure returns (bytes32) {
        bytes32 content =
            keccak256(abi.encode(TYPEHASH, a.chainId, a.endpoint, a.nonce, a.accumulator, a.time));
        return keccak256(abi.encodePacked(hex"1901", domain_, content));
    }

    /// @notice The signer of the signature at `index` of a row of them. Reverts if it is none: of another length, with a
    /// high s, or of nobody.
    function signer(bytes32 digest_, bytes calldata signatures, uint256 index)
        internal
        pure
        returns (address recovered)
    {
        uint256 offset = index * SIGNATURE_LENGTH;
        if (signatures.length < offset + SIGNATURE_LENGTH) revert InvalidSignature(index);
        bytes32 r = bytes32(signatures[offset:offset + 32]);
        bytes32 vs = bytes32(signatures[offset + 32:offset + SIGNATURE_LENGTH]);
        ECDSA.RecoverError err;
        (recovered, err,) = ECDSA.tryRecover(digest_, r, vs);
        if (err != ECDSA.RecoverError.NoError) revert InvalidSignature(index);
    }

    /// @notice Checks that exactly the members whose bits are set in `signers` signed, in their order; gives their number.
    function check(bytes32 digest_, address[] calldata members, uint256 signers, bytes calldata signatures)
        internal
        pure
        returns (uint256 count)
    {
        if (signers >> members.length != 0) revert InvalidSignature(members.length);
        for (uint256 i; i < members.length; ++i) {
            if (signers >> i & 1 == 0) continue;
            if (signer(digest_, signatures, count) != members[i]) revert InvalidSignature(count);
            ++count;
        }
        if (signatures.length != count * SIGNATURE_LENGTH) revert InvalidSignature(count);
    }

    /// @notice The accumulator after a message and those that were sent next.
    function accumulate(bytes32 previous, bytes32 id, bytes32[] calldata later)
        internal
        pure
        returns (bytes32 accumulator)
    {
        accumulator = Hashing.extend(previous, id);
        for (uint256 i; i < later.length; ++i) {
            accumulator = Hashing.extend(accumulator, later[i]);
        }
    }
}
