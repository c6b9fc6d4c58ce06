// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IMessenger} from "../interfaces/IMessenger.sol";
import {ITokenPort} from "../interfaces/ITokenPort.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {TokenMetadata} from "../libraries/TokenMetadata.sol";
import {Message} from "../libraries/Types.sol";

/// @title TokenPort
/// @notice See {ITokenPort}. Where tokens are kept and how counterparts are made is for who inherits.
/// @dev What is set here at construction is set on L2 by the genesis. Only {send} is guarded against re-entry: it measures
/// what arrives. The others do their bookkeeping before they call out, and a delivery that met a guard would fail.
abstract contract TokenPort is ITokenPort, ReentrancyGuardTransient {
    /// @dev Gas to make a counterpart, with a new contract if it is the first; and to pay out a usual token.
    uint64 private constant MINT_GAS = 900_000;
    uint64 private constant RELEASE_GAS = 300_000;
    /// @dev So that what can never be paid out comes back some day.
    uint256 private constant LONGEST = 365 days;

    // slot 0
    /// @inheritdoc ITokenPort
    address public endpoint;
    // slot 1
    /// @inheritdoc ITokenPort
    address public peer;
    // slot 2
    /// @inheritdoc ITokenPort
    mapping(bytes32 id => bool) public isTakenBack;

    constructor(address endpoint_, address peer_) {
        if (endpoint_ == address(0) || peer_ == address(0)) revert ZeroAddress();
        (endpoint, peer) = (endpoint_, peer_);
    }

    modifier onlyPeer() {
        address messenger = IEndpoint(endpoint).messenger();
        if (msg.sender != messenger) revert Unauthorized(msg.sender);
        address sender = IMessenger(messenger).sender();
        if (sender != peer) revert Unauthorized(sender);
        _;
    }

    /// @dev Fees that come back.
    receive() external payable {
        if (msg.sender != endpoint) revert Unauthorized(msg.sender);
    }

    /// @inheritdoc ITokenPort
    function send(address token, address to, uint256 amount, uint32 minGasLimit, uint64 deadline)
        external
        payable
        nonReentrant
        returns (uint64 nonce, bytes32 id)
    {
        if (to == address(0)) revert ZeroAddress();
        if (deadline > block.timestamp + LONGEST) revert DeadlineTooFar(deadline, block.timestamp + LONGEST);
        address home = homeOf(token);
        uint64 gasLimit = minGasLimit;
        bytes memory payload;
        if (home == address(0)) {
            if (token.code.length == 0) revert NotAToken(token);
            amount = _lock(token, amount);
            gasLimit += MINT_GAS;
            payload = _minting(token, to, amount);
        } else {
            _burn(token, amount);
            gasLimit += RELEASE_GAS;
            payload = abi.encodeCall(ITokenPort.release, (home, msg.sender, to, amount));
        }
        if (amount == 0) revert ZeroAmount();
        (nonce, id) = IEndpoint(endpoint).send{value: msg.value}(peer, gasLimit, deadline, msg.value, payload);
        emit TokensSent(id, token, msg.sender, to, amount);
    }

    /// @inheritdoc ITokenPort
    function mint(
        address home,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) external onlyPeer {
        emit TokensArrived(home, from, to, amount);
        _mint(home, from, to, amount, name, symbol, decimals);
    }

    /// @inheritdoc ITokenPort
    function release(address home, address from, address to, uint256 amount) external onlyPeer {
        emit TokensArrived(home, from, to, amount);
        _unlock(home, to, amount);
    }

    /// @inheritdoc ITokenPort
    function takeBack(Message calldata m, address to) external {
        address end = endpoint;
        bytes32 id = Hashing.messageId(m, end, IEndpoint(end).peer());
        if (m.sender != address(this)) revert UnknownMessageId(id);
        uint256 fee = IEndpoint(end).refundOf(id);
        if (isTakenBack[id]) revert AlreadyReclaimed(id);
        isTakenBack[id] = true;

        // Both kinds begin alike.
        (address home, address from,, uint256 amount) =
            abi.decode(m.payload[4:], (address, address, address, uint256));
        if (to == address(0)) to = from;
        if (to != from && msg.sender != from) revert NotTheHolder(from, msg.sender);
        emit TokensReturned(id, home, to, amount, fee);
        // Whoever does not want ETH gets it, rather than lose the tokens over it.
        if (fee != 0) SafeTransferLib.forceSafeTransferETH(to, fee);
        if (bytes4(m.payload) == ITokenPort.mint.selector) _unlock(home, to, amount);
        else _mint(home, from, to, amount, "", "", 0);
    }

    /// @inheritdoc ITokenPort
    function homeOf(address token) public view virtual returns (address);

    /// @dev Takes a token that is at home here from the caller; returns what arrived.
    function _lock(address token, uint256 amount) internal virtual returns (uint256 received);

    /// @dev Pays out a token that is at home here.
    function _unlock(address token, address to, uint256 amount) internal virtual;

    /// @dev Makes a counterpart. A token that has one already keeps its name.
    function _mint(
        address home,
        address from,
        address to,
        uint256 amount,
        string memory name,
        string memory symbol,
        uint8 decimals
    ) internal virtual;

    /// @dev Destroys a counterpart of the caller's.
    function _burn(address token, uint256 amount) internal virtual;

    function _minting(address token, address to, uint256 amount) private view returns (bytes memory) {
        string memory name = TokenMetadata.name(token);
        string memory symbol = TokenMetadata.symbol(token);
        uint8 decimals = TokenMetadata.decimals(token);
        return abi.encodeCall(ITokenPort.mint, (token, msg.sender, to, amount, name, symbol, decimals));
    }
}
