// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IExodus} from "../interfaces/IExodus.sol";
import {IMessenger} from "../interfaces/IMessenger.sol";
import {ISiblingVerifier} from "../interfaces/ISiblingVerifier.sol";
import {ITokenPort} from "../interfaces/ITokenPort.sol";
import {IVault} from "../interfaces/IVault.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {DeliveryState, Message, OutputRootProof} from "../libraries/Types.sol";

/// @title Endpoint
/// @notice See {IEndpoint}.
/// @dev Proofs read slots 0 and 1. What is set here at construction is set on L2 by the genesis.
contract Endpoint is IEndpoint {
    /// @dev So that a delivery, or the refund of a message, with any proof fits into a message of L1's queue, which takes
    /// 10,000,000 gas and 65,536 bytes: no sequencer can keep it out.
    uint256 private constant MAX_GAS_LIMIT = 6_000_000;
    uint256 private constant MAX_PAYLOAD = 32_768;
    /// @dev Gas for who reserved a message to take its fee.
    uint256 private constant FEE_GAS = 50_000;
    /// @dev Gas for the other end to pay a message back, and its tokens with it.
    uint64 private constant REFUND_GAS = 700_000;

    struct Reservation {
        address relayer;
        uint64 until;
        uint256 bonds;
    }

    /// @inheritdoc IEndpoint
    uint256 public constant RESERVATION = 5 minutes;
    /// @inheritdoc IEndpoint
    uint256 public constant RESERVATION_BOND = 0.001 ether;
    /// @inheritdoc IEndpoint
    uint256 public constant RETRY_PERIOD = 1 days;

    // slot 0
    /// @inheritdoc IEndpoint
    mapping(uint64 nonce => bytes32) public accumulator;
    // slot 1
    /// @inheritdoc IEndpoint
    mapping(bytes32 id => DeliveryState) public delivery;
    // slot 2
    /// @inheritdoc IEndpoint
    address public peer;
    /// @inheritdoc IEndpoint
    uint64 public peerChainId;
    // slot 3
    /// @inheritdoc IEndpoint
    address public verifier;
    /// @inheritdoc IEndpoint
    uint64 public count;
    // slot 4
    /// @inheritdoc IEndpoint
    address public messenger;
    // slot 5
    /// @inheritdoc IEndpoint
    address public vault;
    // slot 6
    /// @dev What was paid back of a message, and one.
    mapping(bytes32 id => uint256) private _refunds;
    // slot 7
    /// @inheritdoc IEndpoint
    mapping(bytes32 id => Reservation) public reservation;
    // slot 8
    /// @inheritdoc IEndpoint
    bytes32 public peerLastState;

    constructor(address peer_, uint64 peerChainId_, address verifier_, address messenger_, address vault_) {
        if (peer_ == address(0) || verifier_ == address(0) || messenger_ == address(0)) revert ZeroAddress();
        if (peerChainId_ == 0 || peerChainId_ == block.chainid) revert InvalidParameter();
        (peer, peerChainId, verifier, messenger, vault) = (peer_, peerChainId_, verifier_, messenger_, vault_);
    }

    /// @dev The Vault hands over what is about to be paid.
    receive() external payable {
        if (msg.sender != vault) revert Unauthorized(msg.sender);
    }

    // --- out ---

    /// @inheritdoc IEndpoint
    function send(address target, uint64 gasLimit, uint64 deadline, uint256 relayFee, bytes calldata payload)
        external
        payable
        returns (uint64, bytes32)
    {
        if (target == address(0)) revert ZeroAddress();
        if (msg.value < relayFee) revert WrongValue(relayFee, msg.value);
        if (msg.value != 0 && !carriesETH()) revert NoETHHere();
        if (peerLastState != 0) revert InExodus();
        if (gasLimit > MAX_GAS_LIMIT) revert MessageGasTooHigh(gasLimit, MAX_GAS_LIMIT);
        if (payload.length > MAX_PAYLOAD) revert PayloadTooLong(payload.length, MAX_PAYLOAD);
        if (deadline <= block.timestamp) revert DeadlineOver(deadline);
        if (vault != address(0) && msg.value != 0) IVault(vault).lock{value: msg.value}();
        return _send(msg.sender, target, msg.value - relayFee, gasLimit, deadline, relayFee, payload);
    }

    function _send(
        address sender,
        address target,
        uint256 value,
        uint64 gasLimit,
        uint64 deadline,
        uint256 relayFee,
        bytes memory payload
    ) private returns (uint64 nonce, bytes32 id) {
        nonce = ++count;
        Message memory m = Message({
            version: 1,
            srcChainId: uint64(block.chainid),
            dstChainId: peerChainId,
            nonce: nonce,
            sender: sender,
            target: target,
            value: value,
            gasLimit: gasLimit,
            deadline: deadline,
            relayFee: relayFee,
            payload: payload
        });
        id = Hashing.messageId(m, address(this), peer);
        bytes32 acc = Hashing.extend(accumulator[nonce - 1], id);
        accumulator[nonce] = acc;
        emit MessageSent(nonce, id, acc, m);
    }

    // --- in ---

    /// @inheritdoc IEndpoint
    function deliver(Message calldata m, bytes calldata proof, address earner) external {
        bytes32 id = idOf(m);
        if (delivery[id] != DeliveryState.None) revert AlreadyDelivered(id);
        // Whatever the peer's chain says, bonds of others are not paid out.
        if (m.value + m.relayFee != 0 && !carriesETH()) revert NoETHHere();
        _checkDeadline(m.deadline);
        Reservation memory r = reservation[id];
        if (earner != address(0) && earner != r.relayer && block.timestamp <= r.until) {
            revert Reserved(r.relayer, r.until);
        }
        uint256 share = IVerifier(verifier).verify(m, id, proof);

        bool success = _attempt(m, id);
        if (r.bonds != 0) delete reservation[id];
        uint256 fee = m.relayFee - share;
        if (vault != address(0) && fee != 0) IVault(vault).unlock(fee);
        fee += r.bonds;
        address relayer = block.timestamp <= r.until ? r.relayer : msg.sender;
        // Who reserved and does not take the fee leaves it to who delivers, and cannot keep the message out.
        if (relayer != msg.sender && !_payOther(relayer, fee)) relayer = msg.sender;
        if (relayer == msg.sender) _pay(relayer, fee);
        emit MessageDelivered(m.nonce, id, relayer, success);
    }

    /// @inheritdoc IEndpoint
    function collect(uint256 amount) external {
        if (msg.sender != verifier) revert Unauthorized(msg.sender);
        if (vault != address(0)) IVault(vault).unlock(amount);
        _pay(msg.sender, amount);
    }

    /// @inheritdoc IEndpoint
    function retry(Message calldata m) external {
        bytes32 id = idOf(m);
        if (delivery[id] != DeliveryState.Failed) revert MessageNotFailed(id);
        _checkDeadline(m.deadline + RETRY_PERIOD);
        emit MessageRetried(m.nonce, id, _attempt(m, id));
    }

    /// @inheritdoc IEndpoint
    function expire(Message calldata m) external returns (uint64 nonce) {
        bytes32 id = idOf(m);
        DeliveryState state = delivery[id];
        if (state == DeliveryState.Done || state == DeliveryState.Expired) revert AlreadyDelivered(id);
        uint256 deadline = m.deadline + (state == DeliveryState.Failed ? RETRY_PERIOD : 0);
        if (block.timestamp <= deadline) revert DeadlineAhead(deadline);
        if (_inExodus()) revert InExodus();
        delivery[id] = DeliveryState.Expired;
        emit MessageExpired(m.nonce, id);
        // Whether the peer ever sent it is for the peer to say.
        bytes memory payload = abi.encodeCall(this.refund, (m, state == DeliveryState.None));
        (nonce,) = _send(address(this), peer, 0, REFUND_GAS, type(uint64).max, 0, payload);
        uint256 bonds = reservation[id].bonds;
        delete reservation[id];
        // Burnt: whoever got them could have been the one who kept relayers away.
        _pay(address(0), bonds);
    }

    // --- back ---

    /// @inheritdoc IEndpoint
    function refund(Message calldata m, bool withFee) external {
        if (msg.sender != messenger) revert Unauthorized(msg.sender);
        address from = IMessenger(messenger).sender();
        if (from != peer) revert Unauthorized(from);
        _refund(m, withFee);
    }

    /// @inheritdoc IEndpoint
    function reclaim(
        Message calldata m,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) external {
        bytes32 stateRoot = peerLastState;
        if (vault != address(0)) {
            (bool started,, bytes32 root,) = IExodus(vault).exodus();
            if (!started) revert NotInExodus();
            bytes32 actual = Hashing.outputRoot(p);
            if (actual != root) revert UnexpectedOutputRoot(root, actual);
            stateRoot = p.stateRoot;
        } else if (stateRoot == 0) {
            revert NotInExodus();
        }
        bytes32 id = Hashing.messageId(m, address(this), peer);
        // Another L2 may have ended before it had the peer.
        bytes32 storageRoot = StateProof.storageRootOrEmpty(stateRoot, peer, accountProof);
        uint256 state = StateProof.slotOrZero(storageRoot, Hashing.deliverySlot(id), slotProof);
        if (state != uint256(DeliveryState.None) && state != uint256(DeliveryState.Failed)) {
            revert AlreadyDelivered(id);
        }
        if (m.sender == address(this)) _revive(m);
        else _refund(m, state == uint256(DeliveryState.None));
    }

    /// @inheritdoc IEndpoint
    function endPeer(bytes calldata proof) external {
        bytes32 stateRoot = ISiblingVerifier(verifier).exodusState(proof);
        peerLastState = stateRoot;
        emit PeerEnded(stateRoot);
    }

    // --- reservations ---

    /// @inheritdoc IEndpoint
    function reserve(bytes32 id) external payable {
        if (msg.value != RESERVATION_BOND) revert WrongValue(RESERVATION_BOND, msg.value);
        if (delivery[id] != DeliveryState.None) revert AlreadyDelivered(id);
        // Who could not deliver could have the bond back by nothing.
        if (peerLastState != 0) revert InExodus();
        Reservation storage r = reservation[id];
        if (block.timestamp <= r.until) revert Reserved(r.relayer, r.until);
        (r.relayer, r.until) = (msg.sender, uint64(block.timestamp + RESERVATION));
        r.bonds += msg.value;
        emit MessageReserved(id, msg.sender, r.until);
    }

    // --- views ---

    /// @inheritdoc IEndpoint
    function idOf(Message calldata m) public view returns (bytes32) {
        if (m.version != 1) revert UnexpectedVersion(1, m.version);
        if (m.srcChainId != peerChainId) revert UnexpectedChain(peerChainId, m.srcChainId);
        if (m.dstChainId != block.chainid) revert UnexpectedChain(uint64(block.chainid), m.dstChainId);
        return Hashing.messageId(m, peer, address(this));
    }

    /// @inheritdoc IEndpoint
    function isRefunded(bytes32 id) public view returns (bool) {
        return _refunds[id] != 0;
    }

    /// @inheritdoc IEndpoint
    function refundOf(bytes32 id) external view returns (uint256) {
        if (!isRefunded(id)) revert NotRefunded(id);
        return _refunds[id] - 1;
    }

    /// @inheritdoc IEndpoint
    function carriesETH() public view returns (bool) {
        return vault != address(0) || address(this) == Predeploys.ENDPOINT;
    }

    // --- internals ---

    /// @dev Makes the call. All bookkeeping is done before it, and undone if it fails. Reverts, rather than recording a
    /// failure, unless the call was made with enough gas.
    function _attempt(Message calldata m, bytes32 id) private returns (bool success) {
        delivery[id] = DeliveryState.Done;
        bytes memory input =
            abi.encodeCall(this.attempt, (m.sender, m.target, m.value, m.gasLimit, m.payload));
        bytes4 reason;
        assembly ("memory-safe") {
            success := call(gas(), address(), 0, add(input, 0x20), mload(input), 0x00, 0x04)
            if iszero(success) { if eq(returndatasize(), 0x04) { reason := mload(0x00) } }
        }
        if (success) return true;
        if (reason == NestedRelease.selector) revert NestedRelease();
        if (reason != DeliveryFailed.selector) revert InsufficientGas();
        delivery[id] = DeliveryState.Failed;
    }

    /// @notice Takes a message's ETH from the Vault and makes its call: by itself, so that both happen or neither.
    function attempt(address sender, address target, uint256 value, uint256 gasLimit, bytes calldata payload)
        external
    {
        if (msg.sender != address(this)) revert Unauthorized(msg.sender);
        if (vault != address(0) && value != 0) IVault(vault).unlock(value);
        IMessenger(messenger).deliver{value: value}(sender, target, gasLimit, payload);
    }

    /// @dev In exodus, or if the peer's chain is, nothing can be refunded there any more, so nothing is too late.
    function _checkDeadline(uint256 deadline) private view {
        if (block.timestamp > deadline && !_inExodus()) revert DeadlineOver(deadline);
    }

    function _inExodus() private view returns (bool started) {
        if (vault == address(0)) return peerLastState != 0;
        (started,,,) = IExodus(vault).exodus();
    }

    /// @dev Takes note that a message of this end is paid back, once.
    function _markRefunded(Message calldata m) private returns (bytes32 id) {
        id = Hashing.messageId(m, address(this), peer);
        // The accumulator of a nonce that was not given out is zero.
        bool sent = m.nonce != 0 && accumulator[m.nonce] == Hashing.extend(accumulator[m.nonce - 1], id);
        if (!sent) revert UnknownMessageId(id);
        if (_refunds[id] != 0) revert AlreadyReclaimed(id);
        _refunds[id] = 1;
    }

    /// @dev What was given up here, and whose refund L2 never got, is again as it was before.
    function _revive(Message calldata m) private {
        _markRefunded(m);
        (Message memory original, bool withFee) = abi.decode(m.payload[4:], (Message, bool));
        bytes32 id = Hashing.messageId(original, peer, address(this));
        delivery[id] = withFee ? DeliveryState.None : DeliveryState.Failed;
        emit MessageRevived(original.nonce, id);
    }

    function _refund(Message calldata m, bool withFee) private {
        bytes32 id = _markRefunded(m);
        uint256 amount = m.value + (withFee ? m.relayFee : 0);
        _refunds[id] += amount;
        emit MessageRefunded(m.nonce, id, m.sender, amount);
        if (vault != address(0) && amount != 0) IVault(vault).unlock(amount);
        _pay(m.sender, amount);
        // A port gives back what it took for the message. If it cannot, that can be tried again; others do not care.
        if (m.sender.code.length == 0) return;
        bytes memory input = abi.encodeCall(ITokenPort.takeBack, (m, address(0)));
        address port = m.sender;
        assembly ("memory-safe") {
            pop(call(gas(), port, 0, add(input, 0x20), mload(input), 0, 0))
        }
    }

    /// @dev Pays who may not want it, at a bounded cost.
    function _payOther(address to, uint256 amount) private returns (bool success) {
        uint256 gas_ = FEE_GAS;
        assembly ("memory-safe") {
            success := call(gas_, to, amount, 0, 0, 0, 0)
        }
    }

    function _pay(address to, uint256 amount) private {
        if (amount == 0) return;
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }
}
