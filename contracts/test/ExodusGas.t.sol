// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashing} from "../src/libraries/Hashing.sol";
import {QueuedMessage} from "../src/libraries/Types.sol";
import {ExodusSystem} from "./utils/ExodusSystem.sol";
import {Caller} from "./utils/Receivers.sol";
import {Log} from "./utils/Test.sol";

/// @notice Gas of whole transactions in an exodus, with proofs as in a state of some thousand accounts: written to
/// and compared with snapshots/Exodus.json, as `GasSnapshotTest` does.
contract ExodusGasSnapshotTest is ExodusSystem {
    address internal wallet;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 2000; ++i) {
            address holder = address(uint160(uint256(keccak256(abi.encode(i)))));
            state.setAccount(holder, 1 ether, NO_STORAGE, NO_CODE);
            balanceOf(balances, holder, 1e18);
        }
        wallet = address(new Caller());
        state.setAccount(wallet, 1 ether, NO_STORAGE, wallet.codehash);
        balanceOf(balances, wallet, 10);
    }

    function snapshot(string memory name) internal {
        vm.snapshotGasLastCall("Exodus", name);
    }

    function test_gas_exodus() public {
        prepareState();
        // So that what is measured leaves some behind.
        depositToken(bob, 50);
        vm.recordLogs();
        deposit(alice, 1 ether);
        depositToken(alice, 10);
        Log[] memory logs = vm.getRecordedLogs();
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        snapshot("startExodus");

        QueuedMessage memory eth = queued(logs, 0);
        QueuedMessage memory tokens = queued(logs, 1);
        bytes[] memory none = new bytes[](0);
        bytes[] memory account = state.proveAccount(alice);
        bytes[] memory tokenProof = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.prank(alice, alice);
        vault.exitETH(alice, alice, p, account);
        snapshot("exitETH");
        vm.prank(alice, alice);
        vault.exitERC20(address(token), alice, alice, p, tokenProof, balance, none);
        snapshot("exitERC20");
        balance = balances.proveSlot(Hashing.tokenBalanceSlot(wallet));
        account = state.proveAccount(wallet);
        vm.prank(wallet, bob);
        vault.exitERC20(address(token), wallet, bob, p, tokenProof, balance, account);
        snapshot("exitERC20, a wallet on both layers");
        vm.prank(alice, alice);
        vault.refund(4, eth, alice);
        snapshot("refund, ETH");
        vm.prank(alice, alice);
        vault.refund(5, tokens, alice);
        snapshot("refund, ERC20");
    }
}
