// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {InsufficientLocked} from "../libraries/Errors.sol";
import {SiblingToken} from "./SiblingToken.sol";
import {TokenPort} from "./TokenPort.sol";

/// @title SiblingPort
/// @notice Joins two L2s: what is at home on either is locked there and has a counterpart on the other, of its own. A fault
/// of one chain can so cost those only who hold what came from it.
contract SiblingPort is TokenPort {
    using SafeERC20 for IERC20;

    /// @notice Code of all counterparts.
    address public immutable tokenCode;
    /// @notice What is kept here of a token.
    mapping(address token => uint256) public locked;
    mapping(address token => address) private _homes;

    /// @param endpoint_ The Endpoint.
    /// @param peer_ The port at the other end.
    constructor(address endpoint_, address peer_) TokenPort(endpoint_, peer_) {
        tokenCode = address(new SiblingToken());
    }

    /// @notice Where the counterpart of a token is, or will be.
    /// @param home The token on the chain where it is at home.
    function tokenAddress(address home) public view returns (address) {
        return Clones.predictDeterministicAddress(tokenCode, _salt(home));
    }

    function homeOf(address token) public view override returns (address) {
        return _homes[token];
    }

    function _lock(address token, uint256 amount) internal override returns (uint256 received) {
        uint256 balance = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        received = IERC20(token).balanceOf(address(this)) - balance;
        locked[token] += received;
    }

    function _unlock(address token, address to, uint256 amount) internal override {
        uint256 available = locked[token];
        if (available < amount) revert InsufficientLocked(token, available, amount);
        locked[token] = available - amount;
        IERC20(token).safeTransfer(to, amount);
    }

    function _mint(
        address home,
        address,
        address to,
        uint256 amount,
        string memory name,
        string memory symbol,
        uint8 decimals
    ) internal override {
        address token = tokenAddress(home);
        if (_homes[token] == address(0)) {
            Clones.cloneDeterministic(tokenCode, _salt(home));
            _homes[token] = home;
            // Nobody shall take it for the one that comes from L1, or from yet another chain.
            string memory chain = Strings.toString(IEndpoint(endpoint).peerChainId());
            name = string.concat(name, " of ", chain);
            SiblingToken(token).initialize(home, name, string.concat(symbol, ".", chain), decimals);
        }
        SiblingToken(token).mint(to, amount);
    }

    function _burn(address token, uint256 amount) internal override {
        SiblingToken(token).burn(msg.sender, amount);
    }

    function _salt(address home) private pure returns (bytes32) {
        return bytes32(uint256(uint160(home)));
    }
}
