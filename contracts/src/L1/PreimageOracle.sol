// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPreimageOracle} from "../interfaces/IPreimageOracle.sol";
import {BlobBinding} from "../libraries/BlobBinding.sol";
import "../libraries/Errors.sol";

/// @title PreimageOracle
/// @notice See {IPreimageOracle}.
contract PreimageOracle is IPreimageOracle {
    struct Part {
        bytes32 data;
        uint64 length;
        // Zero is a length that a preimage can have.
        bool loaded;
    }

    // Kinds of preimages.
    uint256 private constant KECCAK = 1;
    uint256 private constant BLOB = 2;

    /// @dev Field elements of a blob, and its bytes.
    uint64 private constant ELEMENTS = 4096;
    uint64 private constant BLOB_LENGTH = 32 * ELEMENTS;

    /// @dev EIP-4844's root of unity of order 4096: `7 ** ((MODULUS - 1) / 4096)`.
    uint256 private constant ROOT_OF_UNITY =
        0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    mapping(uint256 kind => mapping(bytes32 key => mapping(uint64 offset => Part))) private _parts;

    /// @inheritdoc IPreimageOracle
    function loadKeccak(bytes calldata preimage, uint64 offset) external returns (bytes32 key) {
        if (offset % 32 != 0) revert UnalignedOffset(offset);
        bytes32 data;
        if (offset < preimage.length) {
            unchecked {
                uint256 left = preimage.length - offset;
                data = _word(preimage, offset);
                // What follows in calldata is not of the preimage.
                if (left < 32) data &= ~(bytes32(type(uint256).max) >> (8 * left));
            }
        }
        key = keccak256(preimage);
        _keep(KECCAK, key, offset, data, uint64(preimage.length));
    }

    /// @inheritdoc IPreimageOracle
    function loadBlob(
        bytes32 versionedHash,
        uint64 index,
        bytes32 value,
        bytes calldata commitment,
        bytes calldata proof
    ) external {
        if (index >= ELEMENTS) revert InvalidElementIndex(index);
        BlobBinding.checkOpening(versionedHash, _rootOfUnity(index), value, commitment, proof);
        _keep(BLOB, versionedHash, 32 * index, value, BLOB_LENGTH);
    }

    /// @inheritdoc IPreimageOracle
    function part(uint256 kind, bytes32 key, uint64 offset)
        external
        view
        returns (bytes32 data, uint64 length)
    {
        if (kind == BLOB && offset >= BLOB_LENGTH) return (0, BLOB_LENGTH);
        Part storage stored = _parts[kind][key][offset];
        if (!stored.loaded) revert PartMissing(kind, key, offset);
        return (stored.data, stored.length);
    }

    /// @dev Who loads a part again writes the same.
    function _keep(uint256 kind, bytes32 key, uint64 offset, bytes32 data, uint64 length) private {
        _parts[kind][key][offset] = Part(data, length, true);
    }

    /// @dev Where a blob's polynomial takes its element: elements are in bit-reversed order (EIP-4844), so the
    /// highest of the index' twelve bits counts one power of the root, the lowest 2048.
    function _rootOfUnity(uint256 index) private pure returns (bytes32) {
        uint256 power = ROOT_OF_UNITY;
        uint256 z = 1;
        for (uint256 bit = ELEMENTS / 2; bit != 0; bit >>= 1) {
            if (index & bit != 0) z = mulmod(z, power, BlobBinding.MODULUS);
            power = mulmod(power, power, BlobBinding.MODULUS);
        }
        return bytes32(z);
    }

    function _word(bytes calldata data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, offset))
        }
    }
}
