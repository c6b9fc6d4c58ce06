// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Endpoint} from "../src/bridge/Endpoint.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {DeliveryState, Message as Mail} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";
import {Switch} from "./utils/Receivers.sol";
import {Test} from "./utils/Test.sol";

/// @notice Sends, delivers, retries, gives up and refunds in any order, with a plain record of what must come of it.
contract LaneHandler is Lanes {
    /// @dev What has left one layer and not arrived on the other: values and fees.
    uint256 public onTheWay;
    uint256 public relayed;
    Mail[] private _mails;
    /// @dev By the end that a message is sent from.
    mapping(bytes32 id => bool) private _isDown;
    mapping(bytes32 id => DeliveryState) private _expected;
    Switch public receiver = new Switch();
    uint256 public received;

    function _mail(uint256 seed) private view returns (Mail memory m, bytes32 id, bool isDown) {
        m = _mails[seed % _mails.length];
        isDown = m.srcChainId == L1;
        id = idOf(isDown ? up : down, m);
    }

    function prove(Mail memory m, bool isDown) private returns (bytes memory) {
        return isDown ? proveDown(m) : proveUp(m);
    }

    function act(Mail memory m, bool isDown, bytes memory call) private returns (bool success) {
        m;
        onChain(isDown ? L2 : L1);
        vm.prank(relayer);
        (success,) = address(isDown ? down : up).call(call);
        onChain(L1);
    }

    function send(bool isDown, uint256 value, uint256 fee, uint256 lifetime) external {
        uint64 deadline = uint64(block.timestamp + bound(lifetime, 1, 40 days));
        (value, fee) = (bound(value, 0, 1 ether), bound(fee, 0, 0.1 ether));
        vm.deal(alice, 10 ether);
        _mails.push(sendFrom(isDown ? up : down, address(receiver), value, 60_000, deadline, fee, ""));
        onTheWay += value + fee;
    }

    function setRefuses(bool refuses) external {
        receiver.setRefuses(refuses);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 20 days));
    }

    function deliver(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _mail(seed);
        bytes memory proof = prove(m, isDown);
        bool due = _expected[id] == DeliveryState.None && block.timestamp <= m.deadline;
        vm.assertEq(act(m, isDown, abi.encodeCall(Endpoint.deliver, (m, proof, address(0)))), due);
        if (!due) return;
        // A refund's call is to the other end; it is the one kind of message that the ends send themselves.
        bool refuses = m.target == address(receiver) && receiver.refuses();
        _expected[id] = refuses ? DeliveryState.Failed : DeliveryState.Done;
        relayed += m.relayFee;
        onTheWay -= m.relayFee;
        if (!refuses && m.target == address(receiver)) arrived(m.value);
        if (m.target != address(receiver)) refunded(m);
    }

    function retry(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _mail(seed);
        bool due = _expected[id] == DeliveryState.Failed && block.timestamp <= uint256(m.deadline) + 1 days;
        vm.assertEq(act(m, isDown, abi.encodeCall(Endpoint.retry, (m))), due);
        if (!due || receiver.refuses()) return;
        _expected[id] = DeliveryState.Done;
        arrived(m.value);
    }

    function expire(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _mail(seed);
        DeliveryState state = _expected[id];
        bool open = state == DeliveryState.None || state == DeliveryState.Failed;
        uint256 deadline = uint256(m.deadline) + (state == DeliveryState.Failed ? 1 days : 0);
        bool due = open && block.timestamp > deadline;
        vm.recordLogs();
        vm.assertEq(act(m, isDown, abi.encodeCall(Endpoint.expire, (m))), due);
        if (!due) return;
        _expected[id] = DeliveryState.Expired;
        _mails.push(lastSent());
    }

    /// @dev The refund of a message that was never given up.
    function reclaimInPeace(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m,, bool isDown) = _mail(seed);
        bytes memory call = abi.encodeCall(Endpoint.refund, (m, true));
        vm.assertFalse(act(m, !isDown, call));
    }

    function arrived(uint256 value) private {
        received += value;
        onTheWay -= value;
    }

    function refunded(Mail memory m) private {
        bytes memory rest = new bytes(m.payload.length - 4);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = m.payload[i + 4];
        }
        (Mail memory original, bool withFee) = abi.decode(rest, (Mail, bool));
        onTheWay -= original.value + (withFee ? original.relayFee : 0);
    }

    /// @dev What is locked is on L2 or on its way, and each message is where the record says.
    function check() external view {
        assertBooks(onTheWay);
        vm.assertEq(address(receiver).balance, received);
        vm.assertEq(relayer.balance, 10 ether + relayed);
        for (uint256 i; i < _mails.length; ++i) {
            bool isDown = _mails[i].srcChainId == L1;
            bytes32 id = idOf(isDown ? up : down, _mails[i]);
            vm.assertEq(uint256((isDown ? down : up).delivery(id)), uint256(_expected[id]));
        }
    }
}

contract LaneInvariantsTest is Test {
    LaneHandler internal handler;

    function setUp() public {
        handler = new LaneHandler();
        vm.deal(address(handler), 1000 ether);
        handler.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = LaneHandler.send.selector;
        selectors[1] = LaneHandler.deliver.selector;
        selectors[2] = LaneHandler.deliver.selector;
        selectors[3] = LaneHandler.retry.selector;
        selectors[4] = LaneHandler.expire.selector;
        selectors[5] = LaneHandler.wait.selector;
        selectors[6] = LaneHandler.setRefuses.selector;
        selectors[7] = LaneHandler.reclaimInPeace.selector;
        list[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_booksBalance() public view {
        handler.check();
    }
}
