// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourier} from "../interfaces/ICourier.sol";
import "../libraries/Errors.sol";

/// @title Courier
/// @notice See {ICourier}.
contract Courier is ICourier {
    /// @dev Kept back from the target: the cost of the call itself (36,600 at most: cold account, value, new
    /// account) and what the Vault does after it.
    uint256 private constant RESERVED_GAS = 100_000;

    /// @inheritdoc ICourier
    address public immutable vault;

    /// @inheritdoc ICourier
    address public transient l2Sender;

    constructor(address vault_) {
        if (vault_ == address(0)) revert ZeroAddress();
        vault = vault_;
    }

    /// @inheritdoc ICourier
    function deliver(address sender, address target, uint256 gasLimit, bytes calldata data) external payable {
        if (msg.sender != vault) revert Unauthorized(msg.sender);
        if (l2Sender != address(0)) revert NestedRelease();
        l2Sender = sender;

        bytes memory input = data;
        // A call gets at most 63/64 of the gas left (EIP-150), so a little more than `gasLimit` must be there.
        uint256 available = gasleft();
        if (available < gasLimit + gasLimit / 63 + RESERVED_GAS) revert InsufficientGas();
        bool success;
        assembly ("memory-safe") {
            success := call(sub(available, RESERVED_GAS), target, callvalue(), add(input, 0x20), mload(input), 0, 0)
        }

        l2Sender = address(0);
        if (!success) revert DeliveryFailed();
    }
}
