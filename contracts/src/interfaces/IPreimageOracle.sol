// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IPreimageOracle
/// @notice What the program of a dispute reads besides its memory: parts of 32 bytes of preimages, each loaded once
/// by anyone. A part is named by what hashes to its key, so nobody can load a wrong one, and none ever changes.
/// See docs/fault-proofs.md §2.
interface IPreimageOracle {
    /// @notice Loads a part of a preimage of kind 1: bytes by their keccak256 hash.
    /// @dev The work grows with the length of `preimage` alone.
    /// @param preimage All of it; its hash is the key.
    /// @param offset Where the part begins: a multiple of 32, which may be past the end.
    /// @return key Hash of the preimage.
    function loadKeccak(bytes calldata preimage, uint64 offset) external returns (bytes32 key);

    /// @notice Loads a part of a preimage of kind 2: a field element of an EIP-4844 blob, at offset `32 · index`.
    /// @dev The element is the blob's value at a root of unity, so the point evaluation precompile proves it.
    /// @param versionedHash The blob, and the key.
    /// @param index Position of the field element, below 4096.
    /// @param value The element, big-endian.
    /// @param commitment KZG commitment of the blob, 48 bytes.
    /// @param proof KZG proof of the value, 48 bytes.
    function loadBlob(
        bytes32 versionedHash,
        uint64 index,
        bytes32 value,
        bytes calldata commitment,
        bytes calldata proof
    ) external;

    /// @notice A part that was loaded; reverts with `PartMissing` if it was not. Past the end of a blob there is
    /// nothing to load: its parts are zero.
    /// @param kind 1 or 2.
    /// @param key What the preimage hashes to.
    /// @param offset Where the part begins.
    /// @return data The 32 bytes from there on, zero past the end.
    /// @return length Bytes of the whole preimage.
    function part(uint256 kind, bytes32 key, uint64 offset)
        external
        view
        returns (bytes32 data, uint64 length);
}
