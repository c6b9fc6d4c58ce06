// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashing} from "../src/libraries/Hashing.sol";
import {BatchHeader, OutputRootProof, Withdrawal} from "../src/libraries/Types.sol";
import {DevToken} from "../src/dev/DevToken.sol";
import {System} from "./utils/System.sol";
import {Trie} from "./utils/Trie.sol";

/// @notice Gas of whole transactions, intrinsic and calldata cost included: `FOUNDRY_PROFILE=gas forge test`
/// writes snapshots/Gas.json, and with FORGE_SNAPSHOT_CHECK=true compares with it.
contract GasSnapshotTest is System {
    DevToken internal token;

    function setUp() public override {
        super.setUp();
        address[] memory holders = new address[](2);
        (holders[0], holders[1]) = (alice, bob);
        token = new DevToken("Dai Stablecoin", "DAI", 1e24, holders);
        vm.prank(alice);
        token.approve(address(vault), type(uint256).max);
        // What every run but the very first finds: counters that are not zero, tokens locked.
        vm.prank(alice, alice);
        queue.send(bob, 0, 21_000, "");
        address l2Token = vault.l2TokenAddress(address(token));
        vm.prank(alice, alice);
        vault.depositERC20(address(token), l2Token, 1e20, 0, "");
        appendNext();
    }

    function snapshot(string memory name) internal {
        vm.snapshotGasLastCall("Gas", name);
    }

    function noise(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i; i < length; ++i) {
            data[i] = bytes1(uint8(1 + (i * 31 + 7) % 255));
        }
    }

    function test_gas_send() public {
        vm.prank(alice, alice);
        queue.send(bob, 0, 50_000, "");
        snapshot("send, empty");
        vm.prank(alice, alice);
        queue.send{value: 1 ether}(bob, 1 ether, 50_000, "");
        snapshot("send, 1 ETH");
        bytes memory data = noise(1024);
        vm.prank(alice, alice);
        queue.send(bob, 0, 200_000, data);
        snapshot("send, 1 KiB");
    }

    function test_gas_deposit() public {
        vm.prank(alice, alice);
        vault.depositETH{value: 1 ether}(0, "");
        snapshot("depositETH");
        address l2Token = vault.l2TokenAddress(address(token));
        vm.prank(alice, alice);
        vault.depositERC20(address(token), l2Token, 1e18, 0, "");
        snapshot("depositERC20");
    }

    function checkAppend(uint256 length, string memory name) internal {
        bytes memory data = noise(length);
        vm.roll(block.number + 1);
        BatchHeader memory header = nextHeader(data);
        header.lastBlock += 9;
        header.messageCount = queue.count();
        header.messageAcc = queue.accumulator(header.messageCount);
        append(header, data);
        snapshot(name);
    }

    function test_gas_append() public {
        checkAppend(1024, "append, 1 KiB");
        checkAppend(32 * 1024, "append, 32 KiB");
        checkAppend(120 * 1024, "append, 120 KiB");
    }

    function test_gas_claims() public {
        propose(0, 1, keccak256("output"));
        snapshot("propose");
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        snapshot("finalize");
        vm.prank(proposer);
        settlement.withdrawCredit(proposer);
        snapshot("withdrawCredit");
    }

    function checkRelease(Withdrawal memory w, uint256 depth, string memory name) internal {
        OutputRootProof memory p;
        bytes[] memory proof;
        (p.messagePasserStorageRoot, proof) = Trie.prove(Hashing.withdrawalHash(w), depth);
        uint64 id = makeFinal(Hashing.outputRoot(p));
        vault.release(w, id, p, proof);
        snapshot(name);
    }

    function test_gas_release() public {
        checkRelease(ethWithdrawal(bob, 1 ether), 0, "release ETH, proof of 1 node");
        Withdrawal memory w = ethWithdrawal(bob, 2 ether);
        checkRelease(w, 4, "release ETH, proof of 5 nodes");
        checkRelease(tokenWithdrawal(address(token), bob, 1e18), 4, "release ERC20, proof of 5 nodes");
    }

    function test_gas_L2() public {
        vm.prank(alice, alice);
        bridge.withdraw{value: 1 ether}(0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000, 1 ether, 0, "");
        snapshot("L2 withdraw ETH, first");
        vm.prank(alice, alice);
        bridge.withdraw{value: 1 ether}(0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000, 1 ether, 0, "");
        snapshot("L2 withdraw ETH");
        vm.deal(aliasedVault(), 1 ether);
        vm.prank(aliasedVault());
        bridge.finalizeETHDeposit{value: 1 ether}(alice, user("carol"), 1 ether, "");
        snapshot("L2 finalizeETHDeposit");
        vm.prank(aliasedVault());
        bridge.finalizeERC20Deposit(address(token), alice, bob, 1e18, "Dai Stablecoin", "DAI", 18, "");
        snapshot("L2 finalizeERC20Deposit, first");
        vm.prank(aliasedVault());
        bridge.finalizeERC20Deposit(address(token), alice, bob, 1e18, "Dai Stablecoin", "DAI", 18, "");
        snapshot("L2 finalizeERC20Deposit");
        address l2Token = factory.tokenAddress(address(token));
        vm.prank(bob, bob);
        bridge.withdraw(l2Token, 1e18, 0, "");
        snapshot("L2 withdraw ERC20");
        address depositor = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
        vm.prank(depositor, depositor);
        l1Block.setAnchor(1, 2, 3, keccak256("anchor"), 4);
        snapshot("L2 setAnchor, first");
        vm.prank(depositor, depositor);
        l1Block.setAnchor(2, 4, 6, keccak256("anchor 2"), 5);
        snapshot("L2 setAnchor, new anchor");
        vm.prank(depositor, depositor);
        l1Block.setAnchor(2, 4, 6, keccak256("anchor 2"), 5);
        snapshot("L2 setAnchor, same anchor");
    }
}
