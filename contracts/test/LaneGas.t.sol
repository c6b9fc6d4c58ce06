// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputVerifier} from "../src/bridge/OutputVerifier.sol";
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
