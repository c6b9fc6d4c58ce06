// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Endpoint} from "../src/bridge/Endpoint.sol";
import {TokenPort} from "../src/bridge/TokenPort.sol";
import {BridgedToken} from "../src/L2/BridgedToken.sol";
import {BlacklistToken} from "../src/dev/AwkwardTokens.sol";
import {ITokenPort} from "../src/interfaces/ITokenPort.sol";
import {DeliveryState, Message as Mail} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";
import {Test} from "./utils/Test.sol";

/// @notice Sends tokens both ways, delivers, retries, gives up and refunds in any order, with a token that sometimes refuses
/// its owner, and a plain record of what must come of it.
contract TokenPortsHandler is Lanes {
    BlacklistToken public token = new BlacklistToken();
    BridgedToken public there;
    Mail[] private _mails;
    mapping(bytes32 id => DeliveryState) private _expected;
    /// @dev What has left one side, and has neither arrived nor gone back.
    uint256 public onTheWay;
    /// @dev Of what was refunded and could not be taken back then.
    mapping(bytes32 id => bool) private _waits;
    bool private _blocked;

    function setUp() public override {
        super.setUp();
        there = BridgedToken(vault.l2TokenAddress(address(token)));
        token.mint(alice, 1e12);
        vm.prank(alice);
        token.approve(address(vault), type(uint256).max);
    }

    function _pick(uint256 seed) private view returns (Mail memory m, bytes32 id, bool isDown) {
        m = _mails[seed % _mails.length];
        isDown = m.srcChainId == L1;
        id = idOf(isDown ? up : down, m);
    }

    function _isTokens(Mail memory m) private view returns (bool) {
        return m.sender == address(port) || m.sender == address(l2Port);
    }

    function _amount(Mail memory m) private pure returns (uint256 amount) {
        bytes memory payload = m.payload;
        assembly {
            amount := mload(add(payload, 0x84))
        }
    }

    function send(bool isDown, uint256 amount, uint256 lifetime) external {
        uint64 deadline = uint64(block.timestamp + bound(lifetime, 1, 40 days));
        uint256 has = isDown ? token.balanceOf(alice) : address(there).code.length == 0 ? 0 : there.balanceOf(alice);
        if (has == 0 || isDown && _blocked) return;
        amount = bound(amount, 1, has);
        onChain(isDown ? L1 : L2);
        vm.recordLogs();
        vm.prank(alice);
        if (isDown) port.send(address(token), alice, amount, 0, deadline);
        else l2Port.send(address(there), alice, amount, 0, deadline);
        _mails.push(lastSent());
        onChain(L1);
        onTheWay += amount;
    }

    function setBlocked(bool blocked_) external {
        _blocked = blocked_;
        token.setBlocked(alice, blocked_);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 20 days));
    }

    function _act(bool isDown, bytes memory call) private returns (bool success) {
        onChain(isDown ? L2 : L1);
        vm.prank(relayer);
        (success,) = address(isDown ? down : up).call(call);
        onChain(L1);
    }

    function deliver(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _pick(seed);
        bytes memory proof = isDown ? proveDown(m) : proveUp(m);
        bool due = _expected[id] == DeliveryState.None && block.timestamp <= m.deadline;
        vm.assertEq(_act(isDown, abi.encodeCall(Endpoint.deliver, (m, proof, address(0)))), due);
        if (!due) return;
        if (!_isTokens(m)) {
            _expected[id] = DeliveryState.Done;
            return _refunded(m);
        }
        bool fails = !isDown && _blocked;
        _expected[id] = fails ? DeliveryState.Failed : DeliveryState.Done;
        if (!fails) onTheWay -= _amount(m);
    }

    /// @dev The original of a refund goes back, unless L1's token refuses.
    function _refunded(Mail memory refund) private {
        bytes memory rest = new bytes(refund.payload.length - 4);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = refund.payload[i + 4];
        }
        (Mail memory m,) = abi.decode(rest, (Mail, bool));
        if (m.srcChainId == L1 && _blocked) _waits[idOf(up, m)] = true;
        else onTheWay -= _amount(m);
    }

    function retry(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _pick(seed);
        bool due = _expected[id] == DeliveryState.Failed && block.timestamp <= uint256(m.deadline) + 1 days;
        vm.assertEq(_act(isDown, abi.encodeCall(Endpoint.retry, (m))), due);
        if (!due || _blocked) return;
        _expected[id] = DeliveryState.Done;
        onTheWay -= _amount(m);
    }

    function expire(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _pick(seed);
        DeliveryState state = _expected[id];
        bool open = state == DeliveryState.None || state == DeliveryState.Failed;
        uint256 deadline = uint256(m.deadline) + (state == DeliveryState.Failed ? 1 days : 0);
        bool due = open && block.timestamp > deadline;
        vm.recordLogs();
        vm.assertEq(_act(isDown, abi.encodeCall(Endpoint.expire, (m))), due);
        if (!due) return;
        _expected[id] = DeliveryState.Expired;
        _mails.push(lastSent());
    }

    function takeBack(uint256 seed) external {
        if (_mails.length == 0) return;
        (Mail memory m, bytes32 id, bool isDown) = _pick(seed);
        bool due = _waits[id] && !_blocked;
        onChain(isDown ? L1 : L2);
        TokenPort own = isDown ? TokenPort(port) : TokenPort(l2Port);
        (bool success,) = address(own).call(abi.encodeCall(ITokenPort.takeBack, (m, alice)));
        onChain(L1);
        vm.assertEq(success, due);
        if (!due) return;
        delete _waits[id];
        onTheWay -= _amount(m);
    }

    /// @dev What the Vault keeps is on L2 or on its way, and hers is all of it.
    function check() external view {
        uint256 supply = address(there).code.length == 0 ? 0 : there.totalSupply();
        vm.assertEq(vault.locked(address(token)), supply + onTheWay);
        vm.assertEq(token.balanceOf(address(vault)), vault.locked(address(token)));
        vm.assertEq(token.balanceOf(alice) + supply + onTheWay, 1e12);
    }
}

contract TokenPortsInvariantsTest is Test {
    TokenPortsHandler internal handler;

    function setUp() public {
        handler = new TokenPortsHandler();
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
        selectors[0] = TokenPortsHandler.send.selector;
        selectors[1] = TokenPortsHandler.deliver.selector;
        selectors[2] = TokenPortsHandler.deliver.selector;
        selectors[3] = TokenPortsHandler.retry.selector;
        selectors[4] = TokenPortsHandler.expire.selector;
        selectors[5] = TokenPortsHandler.wait.selector;
        selectors[6] = TokenPortsHandler.setBlocked.selector;
        selectors[7] = TokenPortsHandler.takeBack.selector;
        list[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_tokenBooksBalance() public view {
        handler.check();
    }
}
