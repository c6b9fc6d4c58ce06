// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {IBridgedToken} from "../interfaces/IBridgedToken.sol";
import {IBridgedTokenFactory} from "../interfaces/IBridgedTokenFactory.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title BridgedTokenFactory
/// @notice See {IBridgedTokenFactory}.
contract BridgedTokenFactory is IBridgedTokenFactory {
    /// @inheritdoc IBridgedTokenFactory
    mapping(address l2Token => address l1Token) public l1TokenOf;

    /// @inheritdoc IBridgedTokenFactory
    function create(address l1Token, string calldata name, string calldata symbol, uint8 decimals)
        external
        returns (address l2Token)
    {
        if (msg.sender != Predeploys.L2_BRIDGE) revert Unauthorized(msg.sender);
        l2Token = Clones.cloneDeterministic(Predeploys.BRIDGED_TOKEN, _salt(l1Token));
        l1TokenOf[l2Token] = l1Token;
        IBridgedToken(l2Token).initialize(l1Token, name, symbol, decimals);
        emit TokenCreated(l1Token, l2Token, name, symbol, decimals);
    }

    /// @inheritdoc IBridgedTokenFactory
    function tokenAddress(address l1Token) external pure returns (address) {
        return Clones.predictDeterministicAddress(
            Predeploys.BRIDGED_TOKEN, _salt(l1Token), Predeploys.BRIDGED_TOKEN_FACTORY
        );
    }

    /// @inheritdoc IBridgedTokenFactory
    function isBridged(address l2Token) external view returns (bool) {
        return l1TokenOf[l2Token] != address(0);
    }

    function _salt(address l1Token) private pure returns (bytes32) {
        return bytes32(uint256(uint160(l1Token)));
    }
}
