// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IVault} from "../interfaces/IVault.sol";
import {NotBridged} from "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {TokenPort} from "./TokenPort.sol";

/// @title VaultPort
/// @notice The lane's port on L1: every token is at home here, and kept by the Vault with those that were deposited.
contract VaultPort is TokenPort {
    constructor(address endpoint_) TokenPort(endpoint_, Predeploys.TOKEN_PORT) {}

    function homeOf(address) public pure override returns (address) {
        return address(0);
    }

    function _lock(address token, uint256 amount) internal override returns (uint256) {
        return _vault().lockERC20(token, msg.sender, amount);
    }

    function _unlock(address token, address to, uint256 amount) internal override {
        _vault().unlockERC20(token, to, amount);
    }

    function _mint(address home, address, address, uint256, string memory, string memory, uint8)
        internal
        pure
        override
    {
        revert NotBridged(home);
    }

    function _burn(address token, uint256) internal pure override {
        revert NotBridged(token);
    }

    function _vault() private view returns (IVault) {
        return IVault(IEndpoint(endpoint).vault());
    }
}
