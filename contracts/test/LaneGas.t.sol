// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputVerifier} from "../src/bridge/OutputVerifier.sol";
import {PlainToken} from "../src/dev/AwkwardTokens.sol";
import {MessageProof} from "../src/libraries/MessageProof.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {Message as Mail} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";

/// @notice Gas of a lane's transactions: written to and compared with snapshots/Lane.json, as `GasSnapshotTest` does.
contract LaneGasSnapshotTest is Lanes {
    function test_gas_lane() public {
        vm.prank(alice);
        up.send{value: 1.01 ether}(bob, 50_000, NEVER, 0.01 ether, "");
        vm.prank(alice);
        up.send{value: 1.01 ether}(bob, 50_000, NEVER, 0.01 ether, "");
        vm.snapshotGasLastCall("Lane", "send ETH from L1");

        Mail memory m = plain(up);
        bytes memory proof = proveDown(m);
        onChain(L2);
        vm.prank(relayer);
        down.deliver(m, proof, address(0));
        vm.snapshotGasLastCall("Lane", "deliver ETH to L2, by slot (2 and 2 nodes)");
        onChain(L1);

        m = plain(up);
        proof = atAnchor(receiptEvidence(receiptOf(true, address(up), sentTopics(up, m))));
        onChain(L2);
        vm.prank(relayer);
        down.deliver(m, proof, address(0));
        vm.snapshotGasLastCall("Lane", "deliver ETH to L2, by receipt (1 node)");
        vm.prank(alice);
        down.send{value: 1.01 ether}(bob, 50_000, NEVER, 0.01 ether, "");
        vm.snapshotGasLastCall("Lane", "send ETH from L2");
        onChain(L1);

        m = plain(down);
        proof = proveUp(m);
        vm.prank(relayer);
        up.deliver(m, proof, address(0));
        vm.snapshotGasLastCall("Lane", "deliver ETH to L1, by slot (2 and 2 nodes)");

        PlainToken token = new PlainToken();
        token.mint(alice, 1000);
        vm.prank(alice);
        token.approve(address(vault), 1000);
        for (uint256 i; i < 2; ++i) {
            vm.recordLogs();
            vm.prank(alice);
            port.send{value: 0.01 ether}(address(token), bob, 100, 0, uint64(block.timestamp + 300 days));
            if (i == 1) vm.snapshotGasLastCall("Lane", "send tokens from L1");
            m = lastSent();
            proof = proveDown(m);
            onChain(L2);
            vm.prank(relayer);
            down.deliver(m, proof, address(0));
            vm.snapshotGasLastCall(
                "Lane",
                i == 0
                    ? "deliver tokens to L2, by slot (2 and 2 nodes), first"
                    : "deliver tokens to L2, by slot (2 and 2 nodes)"
            );
            onChain(L1);
        }
        address l2Token = vault.l2TokenAddress(address(token));
        onChain(L2);
        vm.recordLogs();
        vm.prank(bob);
        l2Port.send{value: 0}(l2Token, alice, 50, 0, uint64(block.timestamp + 300 days));
        vm.snapshotGasLastCall("Lane", "send tokens from L2");
        m = lastSent();
        onChain(L1);
        proof = proveUp(m);
        vm.prank(relayer);
        up.deliver(m, proof, address(0));
        vm.snapshotGasLastCall("Lane", "deliver tokens to L1, by slot (2 and 2 nodes)");

        m = sendFrom(up, bob, 1 ether, 50_000, uint64(block.timestamp + 1), 0.01 ether, "");
        vm.warp(block.timestamp + 2);
        vm.recordLogs();
        onChain(L2);
        down.expire(m);
        Mail memory back = lastSent();
        onChain(L1);
        proof = proveUp(back);
        vm.prank(relayer);
        up.deliver(back, proof, address(0));
        vm.snapshotGasLastCall("Lane", "refund on L1, by slot (2 and 2 nodes)");
    }
}
