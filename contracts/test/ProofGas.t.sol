// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Proofs} from "./utils/Proofs.sol";

/// @notice Gas of whole transactions that read a proof: written to and compared with snapshots/Proof.json, as
/// `GasSnapshotTest` does.
contract ProofGasSnapshotTest is Proofs {
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
        vm.snapshotGasLastCall("Proof", "log, in a receipt of 250");
    }
}
