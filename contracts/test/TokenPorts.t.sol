// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L2Port} from "../src/bridge/L2Port.sol";
import {TokenPort} from "../src/bridge/TokenPort.sol";
import {VaultPort} from "../src/bridge/VaultPort.sol";
import {BridgedToken} from "../src/L2/BridgedToken.sol";
import {ITokenPort} from "../src/interfaces/ITokenPort.sol";
import "../src/dev/AwkwardTokens.sol";
import "../src/libraries/Errors.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {DeliveryState, Message as Mail, OutputRootProof} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {Hashing} from "../src/libraries/Hashing.sol";

/// @notice Has no way to take ETH, and speaks for itself.
contract Mute {
    function act(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool success, bytes memory result) = target.call{value: msg.value}(data);
        require(success, "failed");
        return result;
    }
}

/// @notice ERC-20s through the lane: nobody gets what is not theirs, and nothing is lost on the way.
contract TokenPortsTest is Lanes {
    /// @dev A deadline within a year.
    uint64 internal constant LATE = 1_800_000_000 + 360 days;

    PlainToken internal token;
    BridgedToken internal l2Token;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        l2Token = give(address(token));
    }

    /// @dev Gives alice tokens, and the Vault leave to take them.
    function give(address token_) internal returns (BridgedToken) {
        PlainToken(token_).mint(alice, 1000);
        vm.prank(alice);
        // Not every token says that it did.
        (bool success,) = token_.call(abi.encodeWithSignature("approve(address,uint256)", address(vault), type(uint256).max));
        vm.assertTrue(success);
        return BridgedToken(vault.l2TokenAddress(token_));
    }

    function sendDown(address token_, uint256 amount, uint64 deadline) internal returns (Mail memory) {
        vm.recordLogs();
        vm.prank(alice);
        port.send{value: 0.01 ether}(token_, bob, amount, 0, deadline);
        return lastSent();
    }

    function sendUp(address token_, address to, uint256 amount, uint64 deadline) internal onL2 returns (Mail memory) {
        vm.recordLogs();
        vm.prank(bob);
        l2Port.send{value: 0.01 ether}(token_, to, amount, 0, deadline);
        return lastSent();
    }

    function toBob(address token_, uint256 amount) internal {
        Mail memory m = sendDown(token_, amount, LATE);
        deliverDown(m, proveDown(m));
    }

    /// @dev What is on L2, and on its way, is in the Vault.
    function assertTokens(address token_, uint256 onTheWay) internal view {
        address there = vault.l2TokenAddress(token_);
        uint256 supply = there.code.length == 0 ? 0 : BridgedToken(there).totalSupply();
        vm.assertEq(vault.locked(token_), supply + onTheWay);
        vm.assertGe(PlainToken(token_).balanceOf(address(vault)), vault.locked(token_));
    }

    /// @dev Gives a message up at its destination and brings its refund.
    function refundDown(Mail memory m) internal {
        onChain(L2);
        vm.recordLogs();
        down.expire(m);
        Mail memory back = lastSent();
        onChain(L1);
        deliverUp(back, proveUp(back));
    }

    function refundUp(Mail memory m) internal {
        vm.recordLogs();
        up.expire(m);
        Mail memory back = lastSent();
        deliverDown(back, proveDown(back));
    }

    // --- there and back ---

    function test_thereAndBack() public {
        Mail memory m = sendDown(address(token), 100, LATE);
        vm.assertEq(m.sender, address(port));
        vm.assertEq(m.target, address(l2Port));
        vm.assertEq(m.relayFee, 0.01 ether);
        assertTokens(address(token), 100);
        deliverDown(m, proveDown(m));
        vm.assertEq(l2Token.balanceOf(bob), 100);
        vm.assertEq(l2Token.symbol(), "PLAIN");
        vm.assertEq(uint256(l2Token.decimals()), 6);
        vm.assertEq(l2Token.l1Token(), address(token));
        assertTokens(address(token), 0);
        vm.deal(bob, 1 ether);
        m = sendUp(address(l2Token), alice, 40, LATE);
        vm.assertEq(l2Token.balanceOf(bob), 60);
        assertTokens(address(token), 40);
        deliverUp(m, proveUp(m));
        vm.assertEq(token.balanceOf(alice), 940);
        assertTokens(address(token), 0);
    }

    /// @dev What came by deposit leaves by the lane, and the other way round.
    function test_sameTokenOnBothWays() public {
        vm.recordLogs();
        vm.prank(alice);
        vault.depositERC20To(address(token), address(l2Token), bob, 50, 0, "");
        Message memory deposit = messagesIn(vm.getRecordedLogs())[0];
        vm.assertTrue(executeOnL2(deposit));
        toBob(address(token), 50);
        vm.assertEq(l2Token.balanceOf(bob), 100);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(l2Token), alice, 75, LATE);
        deliverUp(m, proveUp(m));
        vm.prank(bob);
        bridge.withdraw(address(l2Token), 25, 0, "");
        vm.assertEq(l2Token.totalSupply(), 0);
        vm.assertEq(vault.locked(address(token)), 25);
    }

    function test_send_badInput_reverts() public {
        vm.prank(alice);
        vm.expectRevert(ZeroAddress.selector);
        port.send(address(token), address(0), 1, 0, LATE);
        vm.prank(alice);
        vm.expectRevert(ZeroAmount.selector);
        port.send(address(token), bob, 0, 0, LATE);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(NotAToken.selector, bob));
        port.send(bob, bob, 1, 0, LATE);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(DeadlineOver.selector, uint64(block.timestamp)));
        port.send(address(token), bob, 1, 0, uint64(block.timestamp));
        // More than she has.
        vm.prank(alice);
        vm.expectRevert();
        port.send(address(token), bob, 1001, 0, LATE);
        toBob(address(token), 10);
        onChain(L2);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(NotBridged.selector, address(token)));
        l2Port.send(address(token), bob, 1, 0, LATE);
        vm.expectRevert(ZeroAmount.selector);
        l2Port.send(address(l2Token), bob, 0, 0, LATE);
        vm.expectRevert();
        l2Port.send(address(l2Token), bob, 11, 0, LATE);
        vm.stopPrank();
    }

    function test_constructor_zero_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        new VaultPort(address(0));
        vm.expectRevert(ZeroAddress.selector);
        new L2Port(address(1), address(0));
    }

    // --- who could steal ---

    function test_strangers_areRefused() public {
        toBob(address(token), 100);
        bytes memory refused = abi.encodeWithSelector(Unauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(refused);
        vault.unlockERC20(address(token), alice, 1);
        vm.expectRevert(refused);
        vault.lockERC20(address(token), bob, 1);
        vm.expectRevert(refused);
        bridge.mint(address(token), alice, alice, 1, "", "", 0);
        vm.expectRevert(refused);
        bridge.burn(address(l2Token), bob, 1);
        vm.expectRevert(refused);
        port.release(address(token), alice, alice, 1);
        vm.expectRevert(refused);
        l2Port.mint(address(token), alice, alice, 1, "", "", 0);
        (bool success,) = address(port).call{value: 1}("");
        vm.assertFalse(success);
        vm.stopPrank();
    }

    /// @dev Messages that look like the port's, sent by somebody else.
    function test_forgedMessages_fail() public {
        toBob(address(token), 100);
        bytes memory minting =
            abi.encodeCall(ITokenPort.mint, (address(token), alice, alice, 100, "", "", uint8(0)));
        Mail memory m = sendFrom(up, address(l2Port), 0, 900_000, LATE, 0, minting);
        deliverDown(m, proveDown(m));
        vm.assertEq(uint256(down.delivery(idOf(up, m))), uint256(DeliveryState.Failed));
        bytes memory releasing = abi.encodeCall(ITokenPort.release, (address(token), alice, alice, 100));
        m = sendFrom(down, address(port), 0, 900_000, LATE, 0, releasing);
        deliverUp(m, proveUp(m));
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Failed));
        // Nor does the Vault, the L2Bridge or a token listen to a message.
        m = sendFrom(
            down, address(vault), 0, 900_000, LATE, 0, abi.encodeCall(vault.unlockERC20, (address(token), alice, 1))
        );
        deliverUp(m, proveUp(m));
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Failed));
        vm.assertEq(token.balanceOf(alice), 900);
        vm.assertEq(l2Token.balanceOf(alice), 0);
        assertTokens(address(token), 0);
    }

    /// @dev A port makes and releases only what is not at home with it, and what is.
    function test_wrongWay_fails() public {
        toBob(address(token), 100);
        // As if the L1 port could be made to say this.
        onChain(L2);
        vm.startPrank(address(l2Caller));
        vm.store(address(l2Caller), 0, bytes32(uint256(uint160(address(down)))));
        vm.mockCall(address(l2Caller), abi.encodeWithSignature("sender()"), abi.encode(address(port)));
        vm.expectRevert(abi.encodeWithSelector(NotBridged.selector, address(token)));
        l2Port.release(address(token), alice, alice, 1);
        vm.stopPrank();
        onChain(L1);
        vm.startPrank(address(caller));
        vm.mockCall(address(caller), abi.encodeWithSignature("sender()"), abi.encode(address(l2Port)));
        vm.expectRevert(abi.encodeWithSelector(NotBridged.selector, address(token)));
        port.mint(address(token), alice, alice, 1, "", "", 0);
        // And with the right sender, but not through the Messenger.
        vm.stopPrank();
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        port.release(address(token), alice, alice, 1);
    }

    /// @dev A hook of a token that is sent sends it once more: each counts what arrived of its own only.
    function test_send_reentered_reverts() public {
        HookToken hooked = new HookToken();
        give(address(hooked));
        hooked.setHook(address(port), abi.encodeCall(port.send, (address(hooked), bob, 1, 0, LATE)));
        sendDown(address(hooked), 100, LATE);
        vm.assertFalse(hooked.hookSucceeded());
        vm.assertEq(vault.locked(address(hooked)), 100);
        // Nor by the other door.
        hooked.setHook(
            address(vault),
            abi.encodeCall(
                vault.depositERC20To,
                (address(hooked), vault.l2TokenAddress(address(hooked)), bob, 1, 0, "")
            )
        );
        sendDown(address(hooked), 100, LATE);
        vm.assertFalse(hooked.hookSucceeded());
        vm.assertEq(vault.locked(address(hooked)), 200);
    }

    /// @dev A delivery in the middle of a deposit, by the deposit's own token, does not fail, and so is not put off.
    function test_delivery_withinADeposit_succeeds() public {
        toBob(address(token), 100);
        onChain(L2);
        vm.recordLogs();
        vm.prank(bob);
        // Without a fee: the token could not take it.
        l2Port.send(address(l2Token), alice, 40, 0, LATE);
        Mail memory m = lastSent();
        onChain(L1);
        bytes memory proof = proveUp(m);
        HookToken hooked = new HookToken();
        give(address(hooked));
        hooked.setHook(address(up), abi.encodeCall(up.deliver, (m, proof, address(0))));
        sendDown(address(hooked), 100, LATE);
        vm.assertTrue(hooked.hookSucceeded());
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Done));
        vm.assertEq(token.balanceOf(alice), 940);
        vm.assertEq(vault.locked(address(hooked)), 100);
    }

    // --- awkward tokens ---

    function test_feeOnTransfer_creditsWhatArrives() public {
        FeeToken fee = new FeeToken();
        BridgedToken there = give(address(fee));
        toBob(address(fee), 100);
        vm.assertEq(there.balanceOf(bob), 99);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(there), alice, 99, LATE);
        deliverUp(m, proveUp(m));
        assertTokens(address(fee), 0);
    }

    function test_noReturnAndHugeName() public {
        NoReturnToken silent = new NoReturnToken();
        BridgedToken there = give(address(silent));
        toBob(address(silent), 100);
        HugeNameToken huge = new HugeNameToken();
        BridgedToken named = give(address(huge));
        toBob(address(huge), 100);
        vm.assertEq(bytes(named.name()).length, 64);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(there), alice, 100, LATE);
        deliverUp(m, proveUp(m));
        vm.assertEq(silent.balanceOf(alice), 1000);
        assertTokens(address(silent), 0);
    }

    /// @dev What has lost value pays who comes first; other tokens are untouched.
    function test_rebasing_hurtsItsOwnersOnly() public {
        RebasingToken rebasing = new RebasingToken();
        BridgedToken there = give(address(rebasing));
        toBob(address(rebasing), 100);
        toBob(address(token), 100);
        rebasing.rebase(50);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(there), alice, 100, LATE);
        deliverUp(m, proveUp(m));
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Failed));
        assertTokens(address(token), 0);
        rebasing.rebase(100);
        up.retry(m);
        vm.assertEq(rebasing.balanceOf(alice), 1000);
    }

    /// @dev A token that answers false has not moved: nothing is credited, and what cannot be paid is retried.
    function test_falseReturn_isAFailure() public {
        FalseToken liar = new FalseToken();
        BridgedToken there = give(address(liar));
        liar.setRefuses(true);
        vm.prank(alice);
        vm.expectRevert();
        port.send(address(liar), bob, 1, 0, LATE);
        liar.setRefuses(false);
        toBob(address(liar), 100);
        liar.setRefuses(true);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(there), alice, 100, LATE);
        deliverUp(m, proveUp(m));
        assertTokens(address(liar), 100);
        liar.setRefuses(false);
        up.retry(m);
        assertTokens(address(liar), 0);
        vm.assertEq(liar.balanceOf(alice), 1000);
    }

    // --- what is given up ---

    function test_undeliveredDeposit_comesBack() public {
        Mail memory m = sendDown(address(token), 100, uint64(block.timestamp + 1));
        vm.expectRevert(abi.encodeWithSelector(NotRefunded.selector, idOf(up, m)));
        port.takeBack(m, alice);
        vm.warp(block.timestamp + 2);
        uint256 before = alice.balance;
        refundDown(m);
        vm.assertEq(token.balanceOf(alice), 1000);
        vm.assertEq(alice.balance - before, 0.01 ether);
        vm.assertTrue(port.isTakenBack(idOf(up, m)));
        assertTokens(address(token), 0);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idOf(up, m)));
        port.takeBack(m, alice);
    }

    /// @dev Who is on a token's list on L1 has the tokens back on L2, without the fee: the delivery earned it.
    function test_failedRelease_comesBack() public {
        BlacklistToken listed = new BlacklistToken();
        BridgedToken there = give(address(listed));
        toBob(address(listed), 100);
        listed.setBlocked(alice, true);
        vm.deal(bob, 1 ether);
        Mail memory m = sendUp(address(there), alice, 100, uint64(block.timestamp + 30 days));
        deliverUp(m, proveUp(m));
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Failed));
        vm.warp(uint256(m.deadline) + 1 days + 1);
        uint256 before = bob.balance;
        refundUp(m);
        vm.assertEq(bob.balance, before);
        vm.assertEq(there.balanceOf(bob), 100);
        vm.assertEq(there.symbol(), "PLAIN");
        assertTokens(address(listed), 0);
    }

    /// @dev Who sent them cannot have them back either, for now: they wait, for nobody else.
    function test_takeBack_ofOthers_reverts() public {
        BlacklistToken listed = new BlacklistToken();
        give(address(listed));
        Mail memory m = sendDown(address(listed), 100, uint64(block.timestamp + 1));
        // A message of hers that says she had sent tokens.
        Mail memory forged = sendFrom(up, address(l2Port), 0, 900_000, uint64(block.timestamp + 1), 0, m.payload);
        vm.warp(block.timestamp + 2);
        listed.setBlocked(alice, true);
        refundDown(m);
        refundDown(forged);
        assertTokens(address(listed), 100);
        vm.assertFalse(port.isTakenBack(idOf(up, m)));
        vm.expectRevert(abi.encodeWithSelector(UnknownMessageId.selector, idOf(up, forged)));
        port.takeBack(forged, alice);
        // The same, told to be the port's.
        forged.sender = address(port);
        vm.expectRevert(abi.encodeWithSelector(NotRefunded.selector, idOf(up, forged)));
        port.takeBack(forged, alice);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, alice, bob));
        port.takeBack(m, bob);
        vm.expectRevert();
        port.takeBack(m, alice);
        uint256 before = bob.balance;
        vm.prank(alice);
        port.takeBack(m, bob);
        vm.assertEq(listed.balanceOf(bob), 100);
        vm.assertEq(bob.balance - before, 0.01 ether);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idOf(up, m)));
        port.takeBack(m, bob);
    }

    /// @dev A deadline that never comes would keep for good what can never be paid out.
    function test_send_forEver_reverts() public {
        uint256 latest = block.timestamp + 365 days;
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(DeadlineTooFar.selector, latest + 1, latest));
        port.send(address(token), bob, 1, 0, uint64(latest + 1));
        sendDown(address(token), 1, uint64(latest));
    }

    /// @dev Who cannot take ETH does not lose the tokens over a fee.
    function test_takeBack_whoTakesNoETH_getsIt() public {
        Mute mute = new Mute();
        vm.prank(alice);
        token.transfer(address(mute), 100);
        mute.act(address(token), abi.encodeCall(token.approve, (address(vault), 100)));
        vm.recordLogs();
        mute.act{value: 0.01 ether}(
            address(port),
            abi.encodeCall(port.send, (address(token), bob, 100, 0, uint64(block.timestamp + 1)))
        );
        Mail memory m = lastSent();
        vm.warp(block.timestamp + 2);
        refundDown(m);
        vm.assertEq(token.balanceOf(address(mute)), 100);
        vm.assertEq(address(mute).balance, 0.01 ether);
    }

    // --- exodus ---

    function test_exodus_depositOnItsWay_comesBack() public {
        toBob(address(token), 50);
        Mail memory m = sendDown(address(token), 100, LATE);
        bytes32 slot = Hashing.deliverySlot(idOf(up, m));
        (StateTrie state, StateTrie storage_) = stateOf(address(down), new bytes32[](0), new bytes32[](0));
        (, OutputRootProof memory p) = finalState(state.root(), keccak256("block"));
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        vm.prank(alice);
        vm.expectRevert(InExodus.selector);
        port.send(address(token), bob, 1, 0, LATE);
        up.reclaim(m, p, state.proveAccount(address(down)), storage_.proveSlot(slot));
        vm.assertEq(token.balanceOf(alice), 950);
        vm.assertEq(vault.locked(address(token)), 50);
    }
}
