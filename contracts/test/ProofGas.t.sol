// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Proofs} from "./utils/Proofs.sol";

/// @notice Gas of whole transactions that read a proof: written to and compared with snapshots/Proof.json, as
/// `GasSnapshotTest` does.
contract ProofGasSnapshotTest is Proofs {
    /// @dev What a receipt and a slot may cost.
    uint256 internal constant MAX_RECEIPT = 260_000;
    uint256 internal constant MAX_SLOT = 310_000;

    function assertWithin(string memory name, uint256 limit) internal {
        (bool success,) = address(reader).call(callOf(vector(name)));
        vm.assertTrue(success, name);
        vm.assertLe(vm.snapshotGasLastCall("Proof", name), limit);
    }

    function test_gas_limits() public {
        assertWithin("receipt, alone in its block", MAX_RECEIPT);
        assertWithin("receipt, one of 250", MAX_RECEIPT);
        assertWithin("slot, 3 and 2 nodes deep", MAX_SLOT);
        assertWithin("slot, 8 and 5 nodes deep", MAX_SLOT);
    }

    function test_gas_proofs() public {
        Vector[] memory all = vectors();
        for (uint256 i; i < all.length; ++i) {
            Vector memory v = all[i];
            (bool success,) = address(reader).call(callOf(v));
            vm.assertTrue(success, v.name);
            vm.snapshotGasLastCall("Proof", v.name);
        }
        Vector memory r = vector("receipt, one of 250");
        (bool done,) = address(reader).call(abi.encodeCall(reader.log, (r.header, r.index, r.proof, 0)));
        vm.assertTrue(done);
        vm.assertLe(vm.snapshotGasLastCall("Proof", "log, in a receipt of 250"), MAX_RECEIPT);
    }
}
