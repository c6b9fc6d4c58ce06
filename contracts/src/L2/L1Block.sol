// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IL1Block} from "../interfaces/IL1Block.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title L1Block
/// @notice See {IL1Block}.
/// @dev The EVM itself reads slots 1, 3, 5, 6, 7 and 8 to price transactions: their order is fixed. The
/// scalars are set in the genesis state and never change.
contract L1Block is IL1Block {
    uint256 private constant RING = 8192;

    // slot 0
    /// @notice Number of the anchor.
    uint64 public number;
    /// @notice Timestamp of the anchor.
    uint64 public timestamp;
    // slot 1
    /// @notice Base fee of the anchor.
    uint256 public basefee;
    // slot 2
    /// @notice Hash of the anchor.
    bytes32 public hash;
    // slot 3
    /// @notice L2 blocks since the anchor last changed.
    uint64 public sequenceNumber;
    /// @notice Scalar on the L1 blob base fee.
    uint32 public blobBaseFeeScalar;
    /// @notice Scalar on the L1 base fee.
    uint32 public baseFeeScalar;
    // slot 4
    /// @notice Unused; zero.
    bytes32 public batcherHash;
    // slots 5 and 6
    /// @notice Unused; zero.
    uint256 public l1FeeOverhead;
    /// @notice Unused; zero.
    uint256 public l1FeeScalar;
    // slot 7
    /// @notice Blob base fee of the anchor.
    uint256 public blobBaseFee;
    // slot 8
    /// @notice Constant part of the operator fee.
    uint64 public operatorFeeConstant;
    /// @notice Operator fee for each million of gas.
    uint32 public operatorFeeScalar;
    /// @notice Gas that a byte of data counts for in a block.
    uint16 public daFootprintGasScalar;
    // slots 9 to 8200, and 8201 to 10248
    bytes32[RING] private _anchorHashes;
    uint64[RING] private _anchorNumbers;

    /// @inheritdoc IL1Block
    function setAnchor(
        uint64 number_,
        uint64 timestamp_,
        uint256 basefee_,
        bytes32 hash_,
        uint256 blobBaseFee_
    ) external {
        if (msg.sender != Predeploys.DEPOSITOR) revert Unauthorized(msg.sender);
        if (hash_ == hash) {
            ++sequenceNumber;
            return;
        }
        sequenceNumber = 0;
        number = number_;
        timestamp = timestamp_;
        basefee = basefee_;
        hash = hash_;
        blobBaseFee = blobBaseFee_;
        _anchorHashes[number_ % RING] = hash_;
        _anchorNumbers[number_ % RING] = number_;
    }

    /// @inheritdoc IL1Block
    function anchorHash(uint256 number_) external view returns (bytes32) {
        return _anchorNumbers[number_ % RING] == number_ ? _anchorHashes[number_ % RING] : bytes32(0);
    }
}
