// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {AddressAlias} from "../libraries/AddressAlias.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {SiblingToken} from "./SiblingToken.sol";
import {TokenPort} from "./TokenPort.sol";

/// @title SiblingPort
/// @notice Joins two L2s: what is at home on either is locked there and has a counterpart on the other, of its own. A fault
/// of one chain can so cost those only who sent tokens there, or hold what came from it. When the other one is in exodus,
/// who held counterparts there has the tokens back here ({exit}), and what was on its way goes back ({IEndpoint.reclaim}).
contract SiblingPort is TokenPort {
    using SafeERC20 for IERC20;

    /// @notice Code of all counterparts.
    address public immutable tokenCode;
    /// @notice What is kept here of a token.
    mapping(address token => uint256) public locked;
    mapping(address token => address) private _homes;
    /// @notice Who has been paid for what they held of a token's counterpart when the other chain ended.
    mapping(address token => mapping(address holder => bool)) public hasExited;

    /// @notice Somebody was paid for what they held on the other chain when it ended.
    event Exited(address indexed token, address indexed holder, address to, uint256 amount);

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

    /// @notice Pays the caller for what they held of a token's counterpart when the other chain ended. A contract must have
    /// the same code here as there: else whoever made it here could be somebody else.
    /// @param token The token here.
    /// @param to Who gets it.
    /// @param tokenProof Proof of the counterpart's account in the other chain's last state.
    /// @param balanceProof Proof of the caller's balance in it.
    /// @param holderProof Proof of the caller's account there; empty unless it is a contract.
    function exit(
        address token,
        address to,
        bytes[] calldata tokenProof,
        bytes[] calldata balanceProof,
        bytes[] calldata holderProof
    ) external {
        bytes32 state = IEndpoint(endpoint).peerLastState();
        if (state == 0) revert NotInExodus();
        if (to == address(0)) revert ZeroAddress();
        if (hasExited[token][msg.sender]) revert AlreadyExited(token, msg.sender);
        hasExited[token][msg.sender] = true;
        if (!AddressAlias.isKeyed(msg.sender)) {
            bytes32 codeHash = StateProof.account(state, msg.sender, holderProof).codeHash;
            // A contract under construction has no code yet.
            if (msg.sender.code.length == 0 || msg.sender.codehash != codeHash) {
                revert OtherCode(codeHash, msg.sender.codehash);
            }
        }
        bytes32 root = StateProof.account(state, _counterpart(token), tokenProof).storageRoot;
        uint256 amount = StateProof.slot(root, Hashing.tokenBalanceSlot(msg.sender), balanceProof);
        emit Exited(token, msg.sender, to, amount);
        _unlock(token, to, amount);
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

    /// @dev The counterpart of a token on the other chain: a clone of what the port there created first (RLP of its address
    /// and nonce 1).
    function _counterpart(address token) private view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(hex"d694", peer, hex"01"));
        return Clones.predictDeterministicAddress(address(uint160(uint256(code))), _salt(token), peer);
    }

    function _salt(address home) private pure returns (bytes32) {
        return bytes32(uint256(uint160(home)));
    }
}
