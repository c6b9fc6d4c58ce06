// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import {AlreadyExited, NotTheHolder, ZeroAmount} from "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {QueuedMessage, Withdrawal} from "../src/libraries/Types.sol";
import {ExodusSystem} from "./utils/ExodusSystem.sol";
import {Caller} from "./utils/Receivers.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {Log} from "./utils/Test.sol";
import {PlainToken} from "../src/dev/AwkwardTokens.sol";

/// @notice A thousand holders leave: accounts with keys, wallets on both layers, aliases of L1 contracts, with and
/// without ETH, tokens and WETH, besides withdrawals not yet released and deposits never consumed. Together they
/// get exactly what is locked.
contract ExodusManyTest is ExodusSystem {
    uint256 internal constant HOLDERS = 1000;
    uint256 internal constant OTHERS = 20;

    struct Holder {
        address caller;
        address onL2;
        uint256 eth;
        uint256 tokens;
        uint256 second;
        uint256 wrapped;
    }

    Holder[] internal holders;
    Withdrawal[] internal withdrawals;
    QueuedMessage[] internal unconsumed;
    PlainToken internal secondToken;
    address internal l2Second;
    StateTrie internal secondBalances;
    uint256 internal totalETH;
    uint256 internal totalTokens;
    uint256 internal totalSecond;

    address internal sink = address(0x5177);

    function test_thousandHolders_arePaidWhatIsLocked() public {
        secondToken = new PlainToken();
        l2Second = vault.l2TokenAddress(address(secondToken));
        secondBalances = new StateTrie();
        secondBalances.setSlot(keccak256("a total supply"), 1e30);
        makeHolders();
        makeWithdrawals();
        totalETH += 5 ether; // in a fee vault
        fund();
        state.setAccount(l2Second, 0, secondBalances.build(), keccak256("token"));
        uint64 claimId = settle();
        makeUnconsumed();
        start();
        uint256 lockedETH = vault.lockedETH();

        // In random order, each exit tried twice, and once by somebody else.
        uint256 seed = 77;
        for (uint256 left = HOLDERS; left > 0; --left) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 i = seed % left;
            Holder memory h = holders[i];
            holders[i] = holders[left - 1];
            holders[left - 1] = h;
            depart(h);
        }
        for (uint256 i; i < OTHERS; ++i) {
            Withdrawal memory w = withdrawals[i];
            vault.release(w, claimId, p, sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w))));
            uint64 index = uint64(queue.count() - OTHERS + i);
            vm.prank(bob, bob);
            vault.refund(index, unconsumed[i], sink);
        }
        vault.exitFees(
            Predeploys.SEQUENCER_FEE_VAULT,
            p,
            state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT),
            feeVault.proveSlot(0)
        );
        vm.assertEq(sink.balance + 5 ether, lockedETH);
        vm.assertEq(vault.lockedETH(), 0);
        vm.assertEq(address(vault).balance, 0);
        vm.assertEq(vault.locked(address(token)), 0);
        vm.assertEq(vault.locked(address(secondToken)), 0);
        vm.assertEq(token.balanceOf(address(vault)), 0);
        vm.assertEq(token.balanceOf(sink), totalTokens);
        vm.assertEq(secondToken.balanceOf(sink), totalSecond);
    }

    function makeHolders() internal {
        uint256 seed = 1;
        for (uint256 i; i < HOLDERS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            Holder memory h;
            bytes32 codeHash = NO_CODE;
            if (i % 10 == 0) {
                h.caller = address(new Caller());
                h.onL2 = h.caller;
                codeHash = h.caller.codehash;
            } else if (i % 10 == 1) {
                h.caller = address(new Caller());
                h.onL2 = AddressAlias.toL2(h.caller);
            } else {
                h.caller = address(uint160(seed));
                h.onL2 = h.caller;
            }
            h.eth = i % 7 == 0 ? 0 : seed % 10 ether + 1 ether;
            h.tokens = i % 3 == 0 ? 0 : (seed >> 64) % 1e12 + 1;
            h.second = i % 5 == 0 ? (seed >> 96) % 1e12 + 1 : 0;
            h.wrapped = i % 11 == 0 ? (seed >> 128) % 1 ether + 1 : 0;
            holders.push(h);
            state.setAccount(h.onL2, h.eth, NO_STORAGE, codeHash);
            if (h.tokens != 0) balanceOf(balances, h.onL2, h.tokens);
            if (h.second != 0) balanceOf(secondBalances, h.onL2, h.second);
            if (h.wrapped != 0) balanceOf(weth, h.onL2, h.wrapped);
            totalETH += h.eth + h.wrapped;
            totalTokens += h.tokens;
            totalSecond += h.second;
        }
    }

    function makeWithdrawals() internal {
        for (uint256 i; i < OTHERS; ++i) {
            Withdrawal memory w = i % 2 == 0
                ? ethWithdrawal(sink, 1 ether + i)
                : tokenWithdrawal(address(token), sink, 100 + i);
            w.nonce += i;
            withdrawals.push(w);
            sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)), 1);
            if (i % 2 == 0) totalETH += w.value;
            else totalTokens += 100 + i;
        }
    }

    /// @dev Locks what L2 has, less what the genesis locked.
    function fund() internal {
        deposit(alice, totalETH - GENESIS_ETH);
        depositToken(alice, totalTokens);
        secondToken.mint(alice, totalSecond);
        vm.startPrank(alice, alice);
        secondToken.approve(address(vault), totalSecond);
        vault.depositERC20To(address(secondToken), l2Second, alice, totalSecond, 0, "");
        vm.stopPrank();
    }

    function makeUnconsumed() internal {
        vm.recordLogs();
        for (uint256 i; i < OTHERS; ++i) {
            if (i % 3 == 0) depositToken(bob, 1000 + i);
            else deposit(bob, 1 ether + i);
            if (i % 3 == 0) totalTokens += 1000 + i;
        }
        Message[] memory messages = messagesIn(vm.getRecordedLogs());
        for (uint256 i; i < OTHERS; ++i) {
            Message memory m = messages[i];
            unconsumed.push(QueuedMessage(m.from, m.target, m.mint, m.value, m.gasLimit, m.data));
        }
    }

    function depart(Holder memory h) internal {
        bytes[] memory account = state.proveAccount(h.onL2);
        bytes[] memory none = new bytes[](0);
        bytes[] memory twin = h.caller == h.onL2 && h.caller.code.length != 0 ? account : none;
        bytes32 slot = Hashing.tokenBalanceSlot(h.onL2);
        checkExit(h, h.eth, address(0), abi.encodeCall(vault.exitETH, (h.onL2, sink, p, account)));
        if (h.tokens != 0) {
            bytes[] memory tokenProof = state.proveAccount(l2Token);
            bytes[] memory balance = balances.proveSlot(slot);
            bytes memory input =
                abi.encodeCall(vault.exitERC20, (address(token), h.onL2, sink, p, tokenProof, balance, twin));
            checkExit(h, h.tokens, l2Token, input);
        }
        if (h.second != 0) {
            bytes[] memory tokenProof = state.proveAccount(l2Second);
            bytes[] memory balance = secondBalances.proveSlot(slot);
            bytes memory input = abi.encodeCall(
                vault.exitERC20, (address(secondToken), h.onL2, sink, p, tokenProof, balance, twin)
            );
            checkExit(h, h.second, l2Second, input);
        }
        if (h.wrapped != 0) {
            bytes[] memory tokenProof = state.proveAccount(Predeploys.WETH);
            bytes[] memory balance = weth.proveSlot(slot);
            bytes memory input = abi.encodeCall(vault.exitWETH, (h.onL2, sink, p, tokenProof, balance, twin));
            checkExit(h, h.wrapped, Predeploys.WETH, input);
        }
    }

    /// @dev Not for a stranger, then for the holder, then never again.
    function checkExit(Holder memory h, uint256 amount, address asset, bytes memory input) internal {
        address origin = h.caller.code.length == 0 ? h.caller : bob;
        bytes memory refusal = attempt(sequencer, sequencer, input);
        vm.assertEq(refusal, abi.encodeWithSelector(NotTheHolder.selector, h.onL2, sequencer));
        refusal = attempt(h.caller, origin, input);
        if (amount == 0) {
            vm.assertEq(refusal, abi.encodeWithSelector(ZeroAmount.selector));
        } else {
            vm.assertEq(refusal, "");
            refusal = attempt(h.caller, origin, input);
            vm.assertEq(refusal, abi.encodeWithSelector(AlreadyExited.selector, asset, h.onL2));
        }
    }

    function attempt(address caller, address origin, bytes memory input)
        internal
        returns (bytes memory refusal)
    {
        vm.prank(caller, origin);
        (, refusal) = address(vault).call(input);
    }
}
