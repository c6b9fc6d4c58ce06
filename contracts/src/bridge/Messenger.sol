// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessenger} from "../interfaces/IMessenger.sol";
import "../libraries/Errors.sol";

/// @title Messenger
/// @notice See {IMessenger}.
/// @dev What is set here at construction is set on L2 by the genesis.
contract Messenger is IMessenger {
    /// @dev Kept back from the target: the cost of the call itself (36,600 at most: cold account, value, new
    /// account) and what the Endpoint does after it.
    uint256 private constant RESERVED_GAS = 100_000;

    /// @inheritdoc IMessenger
    address public endpoint;

    /// @inheritdoc IMessenger
    address public transient sender;

    constructor(address endpoint_) {
        if (endpoint_ == address(0)) revert ZeroAddress();
        endpoint = endpoint_;
    }

    /// @inheritdoc IMessenger
    function deliver(address sender_, address target, uint256 gasLimit, bytes calldata payload)
        external
        payable
    {
        if (msg.sender != endpoint) revert Unauthorized(msg.sender);
        if (sender != address(0)) revert NestedRelease();
        sender = sender_;

        bytes memory input = payload;
        // A call gets at most 63/64 of the gas left (EIP-150), so a little more than `gasLimit` must be there.
        uint256 available = gasleft();
        if (available < gasLimit + gasLimit / 63 + RESERVED_GAS) revert InsufficientGas();
        bool success;
        assembly ("memory-safe") {
            success := call(
                sub(available, RESERVED_GAS),
                target,
                callvalue(),
                add(input, 0x20),
                mload(input),
                0,
                0
            )
        }

        sender = address(0);
        if (!success) revert DeliveryFailed();
    }
}
