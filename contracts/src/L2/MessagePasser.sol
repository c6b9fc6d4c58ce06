// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessagePasser} from "../interfaces/IMessagePasser.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Withdrawal} from "../libraries/Types.sol";

/// @title MessagePasser
/// @notice See {IMessagePasser}.
/// @dev L1 proves `sentMessages` by its storage slot: it must stay at slot 0.
contract MessagePasser is IMessagePasser {
    /// @notice Most gas that a withdrawal may ask for on L1, where one transaction has 16,777,216 at most
    /// (EIP-7825) and must also pay for the proof. Asking for more would lock the withdrawal for good.
    uint256 public constant MAX_GAS_LIMIT = 10_000_000;

    /// @notice Most bytes of data in a withdrawal, for the same reason.
    uint256 public constant MAX_DATA = 65_536;

    /// @notice Gas on L1 of a withdrawal made by plain transfer.
    uint256 public constant RECEIVE_GAS_LIMIT = 100_000;

    uint256 private constant VERSION = 1 << 240;

    /// @inheritdoc IMessagePasser
    mapping(bytes32 withdrawalHash => bool) public sentMessages;
    /// @inheritdoc IMessagePasser
    uint256 public messageCount;
    /// @inheritdoc IMessagePasser
    mapping(uint256 count => bytes32) public accumulator;
    /// @inheritdoc IMessagePasser
    uint256 public totalWithdrawn;

    /// @notice A plain transfer is a withdrawal to the same address on L1.
    receive() external payable {
        _send(msg.sender, RECEIVE_GAS_LIMIT, "");
    }

    /// @inheritdoc IMessagePasser
    function initiateWithdrawal(address target, uint256 gasLimit, bytes calldata data)
        external
        payable
        returns (bytes32)
    {
        if (gasLimit > MAX_GAS_LIMIT) revert WithdrawalGasTooHigh(gasLimit, MAX_GAS_LIMIT);
        if (data.length > MAX_DATA) revert WithdrawalDataTooLong(data.length, MAX_DATA);
        return _send(target, gasLimit, data);
    }

    /// @inheritdoc IMessagePasser
    function burn() external {
        uint256 amount = address(this).balance;
        emit Burned(amount);
        new Incinerator{value: amount}();
    }

    /// @inheritdoc IMessagePasser
    function messageNonce() public view returns (uint256) {
        return VERSION | messageCount;
    }

    function _send(address target, uint256 gasLimit, bytes memory data) private returns (bytes32 hash) {
        uint256 nonce = messageNonce();
        hash = Hashing.withdrawalHash(Withdrawal(nonce, msg.sender, target, msg.value, gasLimit, data));
        sentMessages[hash] = true;

        uint256 index = messageCount;
        accumulator[index + 1] = Hashing.extend(accumulator[index], hash);
        messageCount = index + 1;
        if (msg.value != 0) totalWithdrawn += msg.value;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, hash);
    }
}

/// @title Incinerator
/// @notice Destroys the ETH it is created with: a contract that ends in the transaction that made it, with
/// itself as heir, takes its balance along (EIP-6780).
contract Incinerator {
    constructor() payable {
        assembly {
            selfdestruct(address())
        }
    }
}
