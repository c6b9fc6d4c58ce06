// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {QueuedMessage, Withdrawal} from "../src/libraries/Types.sol";
import {FeeVault} from "../src/L2/FeeVault.sol";
import {WETH9} from "../src/L2/WETH9.sol";
import {ExodusSystem} from "./utils/ExodusSystem.sol";
import {Caller} from "./utils/Receivers.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {BlacklistToken, FalseToken, FeeToken, HookToken, NoReturnToken, PlainToken} from "../src/dev/AwkwardTokens.sol";

/// @notice Leaving with tokens, WETH and fees.
contract ExodusTokensTest is ExodusSystem {
    /// @dev Balances of a token with manners of its own.
    StateTrie internal own;

    function setUp() public override {
        super.setUp();
        own = new StateTrie();
        own.setSlot(keccak256("a total supply"), 1e30);
    }

    function test_exitERC20_holder_isPaidOnce() public {
        prepareState();
        start();
        exitToken(alice, alice, alice, carol);
        vm.assertEq(token.balanceOf(carol), 500);
        vm.assertEq(vault.locked(address(token)), 0);
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, l2Token, alice));
        vm.prank(alice, alice);
        vault.exitERC20(address(token), alice, carol, p, account, balance, new bytes[](0));
    }

    function test_exitERC20_anotherTokensProof_reverts() public {
        PlainToken other = new PlainToken();
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.startPrank(alice, alice);
        vm.expectRevert();
        vault.exitERC20(address(other), alice, alice, p, account, balance, new bytes[](0));
        // Somebody else's balance.
        balance = balances.proveSlot(Hashing.tokenBalanceSlot(carol));
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), alice, alice, p, account, balance, new bytes[](0));
        vm.stopPrank();
    }

    /// @dev What L2 says that L1 never locked cannot be had.
    function test_exitERC20_moreThanLocked_reverts() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(carol));
        vm.expectRevert(
            abi.encodeWithSelector(InsufficientLocked.selector, address(token), 500, 0x1234567890)
        );
        vm.prank(carol, carol);
        vault.exitERC20(address(token), carol, carol, p, account, balance, new bytes[](0));
    }

    function test_exitERC20_contract_needsHolderProof() public {
        Caller wallet = new Caller();
        depositToken(bob, 70);
        balanceOf(balances, address(wallet), 70);
        state.setAccount(address(wallet), 0, NO_STORAGE, address(wallet).codehash);
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(address(wallet)));
        bytes[] memory holder = state.proveAccount(address(wallet));
        bytes[] memory others = state.proveAccount(alice);
        vm.startPrank(address(wallet), bob);
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, new bytes[](0));
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, others);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, holder);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(carol), 70);
    }

    function test_exitWETH_holder_isPaidInETH() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.WETH);
        bytes[] memory balance = weth.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.startPrank(alice, alice);
        vault.exitWETH(alice, carol, p, account, balance, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, Predeploys.WETH, alice));
        vault.exitWETH(alice, carol, p, account, balance, new bytes[](0));
        vm.stopPrank();
        vm.assertEq(carol.balance, 4 ether);
    }

    function test_exitFees_goToTheirRecipientOnce() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT);
        bytes[] memory slot = feeVault.proveSlot(0);
        uint256 before = bob.balance;
        vm.startPrank(carol, carol);
        vm.expectRevert(abi.encodeWithSelector(NotAFeeVault.selector, Predeploys.MESSAGE_PASSER));
        vault.exitFees(Predeploys.MESSAGE_PASSER, p, account, slot);
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, slot);
        vm.expectRevert(
            abi.encodeWithSelector(AlreadyExited.selector, address(0), Predeploys.SEQUENCER_FEE_VAULT)
        );
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, slot);
        vm.stopPrank();
        vm.assertEq(bob.balance - before, 5 ether);
    }

    /// @dev The slot that is proven is where the tokens of L2 really keep a balance.
    function test_balanceSlot_isThatOfTheTokensOnL2() public {
        vm.prank(aliasedVault());
        bridge.finalizeERC20Deposit(address(token), alice, bob, 123, "Plain", "PLAIN", 6, "");
        bytes32 slot = Hashing.tokenBalanceSlot(bob);
        vm.assertEq(uint256(vm.load(l2Token, slot)), 123);
        vm.prank(bob);
        WETH9(payable(Predeploys.WETH)).deposit{value: 7}();
        vm.assertEq(uint256(vm.load(Predeploys.WETH, slot)), 7);
        vm.store(Predeploys.SEQUENCER_FEE_VAULT, 0, bytes32(uint256(uint160(bob))));
        vm.assertEq(FeeVault(payable(Predeploys.SEQUENCER_FEE_VAULT)).recipient(), bob);
    }

    // --- tokens with manners of their own ---

    /// @dev A token with one holder on L2, alice, who has what its deposit was credited.
    function prepareToken(address l1Token, uint256 amount) internal {
        deposit(alice, 26 ether);
        address twin = vault.l2TokenAddress(l1Token);
        vm.startPrank(alice, alice);
        // Some tokens answer this with nothing.
        (bool approved,) = l1Token.call(abi.encodeCall(token.approve, (address(vault), amount)));
        vm.assertTrue(approved);
        vault.depositERC20To(l1Token, twin, alice, amount, 0, "");
        vm.stopPrank();
        balanceOf(own, alice, vault.locked(l1Token));
        state.setAccount(twin, 0, own.build(), keccak256("token"));
        state.setAccount(alice, 20 ether, NO_STORAGE, NO_CODE);
        settle();
        start();
    }

    function exitOwn(address l1Token, address to) internal {
        bytes[] memory account = state.proveAccount(vault.l2TokenAddress(l1Token));
        bytes[] memory balance = own.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.prank(alice, alice);
        vault.exitERC20(l1Token, alice, to, p, account, balance, new bytes[](0));
    }

    function test_exitERC20_feeOnTransfer_paysWhatArrived() public {
        FeeToken fee = new FeeToken();
        fee.mint(alice, 1000);
        prepareToken(address(fee), 1000);
        vm.assertEq(vault.locked(address(fee)), 990);
        exitOwn(address(fee), carol);
        vm.assertEq(vault.locked(address(fee)), 0);
        vm.assertEq(fee.balanceOf(address(vault)), 0);
        vm.assertEq(fee.balanceOf(carol), 981);
    }

    function test_exitERC20_noReturnValue_isPaid() public {
        NoReturnToken odd = new NoReturnToken();
        odd.mint(alice, 1000);
        prepareToken(address(odd), 1000);
        exitOwn(address(odd), carol);
        vm.assertEq(odd.balanceOf(carol), 1000);
    }

    function test_exitERC20_refusedByToken_isNotSpent() public {
        FalseToken odd = new FalseToken();
        odd.mint(alice, 1000);
        prepareToken(address(odd), 1000);
        odd.setRefuses(true);
        bytes[] memory account = state.proveAccount(vault.l2TokenAddress(address(odd)));
        bytes[] memory balance = own.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert();
        vm.prank(alice, alice);
        vault.exitERC20(address(odd), alice, carol, p, account, balance, new bytes[](0));
        vm.assertEq(vault.locked(address(odd)), 1000);
        odd.setRefuses(false);
        exitOwn(address(odd), carol);
        vm.assertEq(odd.balanceOf(carol), 1000);
    }

    function test_exitERC20_blockedHolder_namesAnother() public {
        BlacklistToken odd = new BlacklistToken();
        odd.mint(alice, 1000);
        prepareToken(address(odd), 1000);
        odd.setBlocked(alice, true);
        bytes[] memory account = state.proveAccount(vault.l2TokenAddress(address(odd)));
        bytes[] memory balance = own.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert("blocked");
        vm.prank(alice, alice);
        vault.exitERC20(address(odd), alice, alice, p, account, balance, new bytes[](0));
        exitOwn(address(odd), carol);
        vm.assertEq(odd.balanceOf(carol), 1000);
    }

    /// @dev A token that calls back finds every door of the Vault shut, also those that are its own: they open
    /// again when it is done.
    function test_exitERC20_hostileToken_entersNowhere() public {
        HookToken odd = new HookToken();
        odd.mint(alice, 1000);
        address onL2 = AddressAlias.toL2(address(odd));
        state.setAccount(onL2, 1 ether, NO_STORAGE, NO_CODE);
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)), 1);
        prepareToken(address(odd), 1000);
        bytes[] memory fees = state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT);
        bytes[] memory proof = sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)));
        address twin = vault.l2TokenAddress(address(odd));
        bytes[4] memory inputs = [
            abi.encodeCall(vault.exitETH, (onL2, carol, p, state.proveAccount(onL2))),
            abi.encodeCall(vault.exitFees, (Predeploys.SEQUENCER_FEE_VAULT, p, fees, feeVault.proveSlot(0))),
            abi.encodeCall(vault.release, (w, 1, p, proof)),
            abi.encodeCall(vault.depositERC20To, (address(odd), twin, carol, 1, 0, ""))
        ];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < inputs.length; ++i) {
            odd.setHook(address(vault), inputs[i]);
            uint256 lockedETH = vault.lockedETH();
            exitOwn(address(odd), carol);
            vm.assertFalse(odd.hookSucceeded());
            vm.assertEq(odd.balanceOf(carol), 1000);
            vm.assertEq(vault.lockedETH(), lockedETH);
            if (i < 3) {
                vm.prank(address(odd), alice);
                (bool success,) = address(vault).call(inputs[i]);
                vm.assertTrue(success);
            }
            vm.revertToState(snapshot);
        }
    }

    /// @dev A token that starts the exodus while it is being deposited: the deposit is not consumed, so it is
    /// refunded.
    function test_depositERC20_startingTheExodusWithin_isRefunded() public {
        HookToken odd = new HookToken();
        odd.mint(alice, 1000);
        prepareState();
        vm.warp(vault.exodusOpensAt() + 1);
        odd.setHook(address(vault), abi.encodeCall(vault.startExodus, ()));
        address twin = vault.l2TokenAddress(address(odd));
        vm.startPrank(alice, alice);
        odd.approve(address(vault), 1000);
        vm.recordLogs();
        vault.depositERC20(address(odd), twin, 1000, 0, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        vm.assertTrue(odd.hookSucceeded());
        vault.refund(3, m, carol);
        vm.stopPrank();
        vm.assertEq(odd.balanceOf(carol), 1000);
        vm.assertEq(vault.locked(address(odd)), 0);
    }

    /// @dev Balances that shrink by themselves leave the last one short, and nobody but the holders of that token.
    function test_exitERC20_shrunkToken_revertsAndHurtsNoOther() public {
        NoReturnToken odd = new NoReturnToken();
        odd.mint(alice, 1000);
        prepareToken(address(odd), 1000);
        vm.prank(address(vault));
        odd.transfer(address(0xdead), 1);
        bytes[] memory account = state.proveAccount(vault.l2TokenAddress(address(odd)));
        bytes[] memory balance = own.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert();
        vm.prank(alice, alice);
        vault.exitERC20(address(odd), alice, carol, p, account, balance, new bytes[](0));
        exitETH(alice, alice, alice, carol);
        vm.assertEq(carol.balance, 20 ether);
    }

    // --- WETH and fees ---

    function test_exitWETH_contract_needsHolderProof() public {
        Caller wallet = new Caller();
        deposit(bob, 2 ether);
        balanceOf(weth, address(wallet), 2 ether);
        state.setAccount(address(wallet), 0, NO_STORAGE, address(wallet).codehash);
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.WETH);
        bytes[] memory balance = weth.proveSlot(Hashing.tokenBalanceSlot(address(wallet)));
        bytes[] memory holder = state.proveAccount(address(wallet));
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, address(wallet), bob));
        vm.prank(bob, bob);
        vault.exitWETH(address(wallet), bob, p, account, balance, holder);
        vm.startPrank(address(wallet), bob);
        vm.expectRevert(InvalidProof.selector);
        vault.exitWETH(address(wallet), carol, p, account, balance, new bytes[](0));
        vault.exitWETH(address(wallet), carol, p, account, balance, holder);
        vm.stopPrank();
        vm.assertEq(carol.balance, 2 ether);
    }

    /// @dev A balance of a token of L2 that the Vault knows nothing of is not ETH.
    function test_exitWETH_ofAnotherToken_reverts() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert(InvalidProof.selector);
        vm.prank(alice, alice);
        vault.exitWETH(alice, alice, p, account, balance, new bytes[](0));
    }

    function test_exitFees_badProofs_revert() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT);
        bytes[] memory another = feeVault.proveSlot(bytes32(uint256(1)));
        bytes[] memory slot = feeVault.proveSlot(0);
        vm.startPrank(carol, carol);
        vm.expectRevert(InvalidProof.selector);
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, another);
        vm.expectRevert(InvalidProof.selector);
        vault.exitFees(Predeploys.BASE_FEE_VAULT, p, account, slot);
        vm.stopPrank();
    }

    function test_exitFees_allThreeVaults() public {
        deposit(bob, 3 ether);
        bytes32 root = feeVault.build();
        state.setAccount(Predeploys.BASE_FEE_VAULT, 1 ether, root, keccak256("fees"));
        state.setAccount(Predeploys.L1_FEE_VAULT, 2 ether, root, keccak256("fees"));
        prepareState();
        start();
        uint256 before = bob.balance;
        bytes[] memory slot = feeVault.proveSlot(0);
        vault.exitFees(Predeploys.BASE_FEE_VAULT, p, state.proveAccount(Predeploys.BASE_FEE_VAULT), slot);
        vault.exitFees(Predeploys.L1_FEE_VAULT, p, state.proveAccount(Predeploys.L1_FEE_VAULT), slot);
        bytes[] memory account = state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT);
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, slot);
        vm.assertEq(bob.balance - before, 8 ether);
    }
}
