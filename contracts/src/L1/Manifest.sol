// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IManifest} from "../interfaces/IManifest.sol";
import "../libraries/Errors.sol";

/// @title Manifest
/// @notice See {IManifest}.
contract Manifest is IManifest {
    /// @inheritdoc IManifest
    address public immutable vault;
    /// @inheritdoc IManifest
    bytes32 public immutable dataHash;
    /// @inheritdoc IManifest
    uint256 public immutable publishedAt;

    constructor(address vault_, bytes memory data) {
        if (vault_ == address(0)) revert ZeroAddress();
        if (data.length == 0) revert InvalidParameter();
        vault = vault_;
        dataHash = keccak256(data);
        publishedAt = block.number;
        emit Published(vault_, data);
    }
}
