// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import "../src/libraries/Errors.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {QueuedMessage} from "../src/libraries/Types.sol";
import {Vault} from "../src/L1/Vault.sol";
import {ExodusSystem} from "./utils/ExodusSystem.sol";
import {Caller} from "./utils/Receivers.sol";
import {Log} from "./utils/Test.sol";
import {FeeToken} from "../src/dev/AwkwardTokens.sol";

/// @notice What came with messages that the exodus' root has not consumed.
contract ExodusRefundTest is ExodusSystem {
    function test_refund_everyKindOfMessage_onceToItsSender() public {
        prepareState();
        Caller caller = new Caller();
        vm.deal(address(caller), 1 ether);
        vm.recordLogs();
        deposit(alice, 7 ether);
        depositToken(alice, 40);
        vm.deal(bob, 2 ether);
        vm.prank(bob, bob);
        queue.send{value: 2 ether}(carol, 1 ether, 100_000, "");
        vm.prank(address(caller), bob);
        queue.send{value: 1 ether}(carol, 0, 100_000, "");
        Log[] memory logs = vm.getRecordedLogs();
        start();

        uint64 index = 3;
        for (uint256 i; i < 4; ++i) {
            QueuedMessage memory m = queued(logs, i);
            address owner = i < 2 ? alice : i == 2 ? bob : address(caller);
            vm.expectRevert(
                abi.encodeWithSelector(
                    NotTheHolder.selector, i < 2 ? alice : i == 2 ? bob : m.from, sequencer
                )
            );
            vm.prank(sequencer, sequencer);
            vault.refund(index, m, sequencer);
            vm.prank(owner, i == 3 ? bob : owner);
            vault.refund(index, m, carol);
            vm.assertTrue(vault.isRefunded(index));
            vm.expectRevert(abi.encodeWithSelector(AlreadyRefunded.selector, index));
            vm.prank(owner, i == 3 ? bob : owner);
            vault.refund(index, m, carol);
            ++index;
        }
        vm.assertEq(carol.balance, 10 ether);
        vm.assertEq(token.balanceOf(carol), 40);
    }

    function test_refund_consumedOrForged_reverts() public {
        vm.recordLogs();
        deposit(alice, 7 ether);
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        prepareState();
        vm.recordLogs();
        deposit(alice, 3 ether);
        QueuedMessage memory later = queued(vm.getRecordedLogs(), 0);
        start();
        vm.startPrank(alice, alice);
        vm.expectRevert(abi.encodeWithSelector(MessageConsumed.selector, 0));
        vault.refund(0, m, alice);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 4));
        vault.refund(4, m, alice);
        later.mint = 4 ether;
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 4));
        vault.refund(4, later, alice);
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, 5));
        vault.refund(5, later, alice);
        vm.stopPrank();
    }

    function test_refund_nothing_reverts() public {
        prepareState();
        vm.recordLogs();
        vm.prank(alice, alice);
        queue.send(bob, 0, 100_000, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        vm.expectRevert(ZeroAmount.selector);
        vm.prank(alice, alice);
        vault.refund(3, m, alice);
    }

    /// @dev What came in for somebody else goes back to who paid, not to whom it was meant for.
    function test_refund_depositForAnother_goesToTheDepositor() public {
        prepareState();
        Caller caller = new Caller();
        vm.deal(address(caller), 1 ether);
        vm.recordLogs();
        vm.prank(address(caller), alice);
        vault.depositETHTo{value: 1 ether}(bob, 0, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        address[3] memory others = [bob, alice, AddressAlias.toL2(address(caller))];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, address(caller), others[i]));
            vm.prank(others[i], others[i]);
            vault.refund(3, m, others[i]);
        }
        vm.prank(address(caller), alice);
        vault.refund(3, m, carol);
        vm.assertEq(carol.balance, 1 ether);
    }

    /// @dev A message that only looks like a deposit through the Vault is worth what it brought, to who sent it.
    function test_refund_imitatedDeposit_isWorthItsMint() public {
        prepareState();
        Caller caller = new Caller();
        bytes memory ethData = abi.encodeCall(bridge.finalizeETHDeposit, (alice, alice, 900 ether, ""));
        bytes memory tokenData = abi.encodeCall(
            bridge.finalizeERC20Deposit, (address(token), alice, alice, 500, "Plain", "PLAIN", 6, "")
        );
        vm.recordLogs();
        vm.prank(alice, alice);
        queue.send{value: 1}(Predeploys.L2_BRIDGE, 0, 400_000, ethData);
        vm.prank(address(caller), alice);
        queue.send(Predeploys.L2_BRIDGE, 0, 400_000, tokenData);
        Log[] memory logs = vm.getRecordedLogs();
        start();
        vm.prank(alice, alice);
        vault.refund(3, queued(logs, 0), carol);
        vm.assertEq(carol.balance, 1);
        QueuedMessage memory m = queued(logs, 1);
        vm.expectRevert(ZeroAmount.selector);
        vm.prank(address(caller), alice);
        vault.refund(4, m, carol);
        // And it cannot be passed off as the Vault's.
        m.from = aliasedVault();
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 4));
        vm.prank(alice, alice);
        vault.refund(4, m, carol);
    }

    function test_refund_feeOnTransfer_isWhatArrived() public {
        FeeToken fee = new FeeToken();
        fee.mint(alice, 1000);
        prepareState();
        address twin = vault.l2TokenAddress(address(fee));
        vm.startPrank(alice, alice);
        fee.approve(address(vault), 1000);
        vm.recordLogs();
        vault.depositERC20To(address(fee), twin, bob, 1000, 0, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        vm.assertEq(vault.locked(address(fee)), 990);
        start();
        vault.refund(3, m, carol);
        vm.stopPrank();
        vm.assertEq(vault.locked(address(fee)), 0);
        vm.assertEq(fee.balanceOf(address(vault)), 0);
    }

    function test_refund_delegatedSender_isPaid() public {
        prepareState();
        vm.recordLogs();
        vm.prank(bob, bob);
        queue.send{value: 2 ether}(carol, 1 ether, 100_000, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        vm.etch(bob, abi.encodePacked(hex"ef0100", address(this)));
        vm.prank(bob, alice);
        vault.refund(3, m, carol);
        vm.assertEq(carol.balance, 2 ether);
    }

    /// @dev A contract that sits at a key's address on another chain is not that key.
    function test_refund_contractAtTheSendersAddress_reverts() public {
        prepareState();
        vm.recordLogs();
        vm.prank(bob, bob);
        queue.send{value: 2 ether}(carol, 1 ether, 100_000, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        vm.etch(bob, hex"6001");
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, bob, bob));
        vm.prank(bob, alice);
        vault.refund(3, m, carol);
    }

    function test_refund_reentered_paysOnce() public {
        prepareState();
        RefundedAgain again = new RefundedAgain(vault);
        vm.deal(address(again), 2 ether);
        vm.recordLogs();
        again.deposit();
        again.deposit();
        Log[] memory logs = vm.getRecordedLogs();
        start();
        uint256 locked = vault.lockedETH();
        again.run(3, queued(logs, 0), queued(logs, 1));
        vm.assertTrue(again.tried());
        vm.assertEq(vault.lockedETH(), locked - 1 ether);
        vm.assertFalse(vault.isRefunded(4));
    }

    function test_refund_refusedByRecipient_canNameAnother() public {
        prepareState();
        vm.recordLogs();
        deposit(alice, 1 ether);
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        vm.startPrank(alice, alice);
        vm.expectRevert(abi.encodeWithSelector(TransferFailed.selector, address(token)));
        vault.refund(3, m, address(token));
        vm.expectRevert(ZeroAddress.selector);
        vault.refund(3, m, address(0));
        vault.refund(3, m, carol);
        vm.stopPrank();
        vm.assertEq(carol.balance, 1 ether);
    }

    /// @dev A message as sent, and nothing else, is what its accumulator opens to.
    function testFuzz_refund_changedMessage_reverts(uint8 field, uint160 change) public {
        vm.assume(change != 0);
        prepareState();
        vm.recordLogs();
        vm.prank(alice, alice);
        queue.send{value: 1 ether}(carol, 1, 100_000, "data");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        if (field % 6 == 0) m.from = address(uint160(m.from) ^ change);
        else if (field % 6 == 1) m.target = address(uint160(m.target) ^ change);
        else if (field % 6 == 2) m.mint ^= change;
        else if (field % 6 == 3) m.value ^= change;
        else if (field % 6 == 4) m.gasLimit ^= uint64(change) | 1;
        else m.data = abi.encode(change);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 3));
        vm.prank(alice, alice);
        vault.refund(3, m, carol);
    }
}

/// @notice Asks for its second refund while it gets the first, and for the first again.
contract RefundedAgain {
    Vault internal immutable vault;
    bytes[2] internal inputs;
    bool public tried;

    constructor(Vault vault_) {
        vault = vault_;
    }

    function deposit() external {
        vault.depositETHTo{value: 1 ether}(address(this), 0, "");
    }

    function run(uint64 index, QueuedMessage calldata m, QueuedMessage calldata next) external {
        inputs[0] = abi.encodeCall(vault.refund, (index, m, address(this)));
        inputs[1] = abi.encodeCall(vault.refund, (index + 1, next, address(this)));
        vault.refund(index, m, address(this));
    }

    receive() external payable {
        tried = true;
        for (uint256 i; i < 2; ++i) {
            (bool success,) = address(vault).call(inputs[i]);
            require(!success, "paid within a payment");
        }
    }
}
