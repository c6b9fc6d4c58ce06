// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBridgedTokenFactory} from "../interfaces/IBridgedTokenFactory.sol";
import {IL2Bridge} from "../interfaces/IL2Bridge.sol";
import {NotBridged} from "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {TokenPort} from "./TokenPort.sol";

/// @title L2Port
/// @notice The lane's port on L2. The counterparts of L1's tokens are those that deposits make; nothing is at home here.
contract L2Port is TokenPort {
    constructor(address endpoint_, address peer_) TokenPort(endpoint_, peer_) {}

    function homeOf(address token) public view override returns (address) {
        return IBridgedTokenFactory(Predeploys.BRIDGED_TOKEN_FACTORY).l1TokenOf(token);
    }

    function _lock(address token, uint256) internal pure override returns (uint256) {
        revert NotBridged(token);
    }

    function _unlock(address token, address, uint256) internal pure override {
        revert NotBridged(token);
    }

    function _mint(
        address home,
        address from,
        address to,
        uint256 amount,
        string memory name,
        string memory symbol,
        uint8 decimals
    ) internal override {
        IL2Bridge(Predeploys.L2_BRIDGE).mint(home, from, to, amount, name, symbol, decimals);
    }

    function _burn(address token, uint256 amount) internal override {
        IL2Bridge(Predeploys.L2_BRIDGE).burn(token, msg.sender, amount);
    }
}
