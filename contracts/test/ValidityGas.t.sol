// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Histories} from "./utils/Histories.sol";
import {ProofSystem} from "./utils/ProofSystem.sol";

/// @notice Gas of whole transactions with a proof: written to and compared with snapshots/Validity.json, as
/// `GasSnapshotTest` does.
contract ValidityGasSnapshotTest is ProofSystem {
    using Histories for bytes32[];

    /// @dev What a proof may cost, with its calldata and all that Settlement does.
    uint256 internal constant MAX = 700_000;
    /// @dev What verifying alone may.
    uint256 internal constant MAX_VERIFY = 500_000;

    function setUp() public override {
        super.setUp();
        appendBoth();
    }

    function test_gas_proofs() public {
        validityVerifier.verify(0, 2, genesisRoot, lastOutput(), prover, proof);
        vm.assertLe(vm.snapshotGasLastCall("Validity", "verify, a transaction of its own"), MAX_VERIFY);

        uint256 before = vm.snapshotState();
        proposeProven();
        vm.assertLe(vm.snapshotGasLastCall("Validity", "proposeProven, of any number of batches"), MAX);
        vm.revertToState(before);

        bytes32[] memory nodes = Histories.build(outputs);
        uint64 id = proposeHistory(0, 2, nodes.root(), nodes.leaf(2), nodes.proof(2));
        vm.prank(prover);
        settlement.prove(id, prover, proof);
        vm.assertLe(vm.snapshotGasLastCall("Validity", "prove, a claim that waits"), MAX);

        bytes32[] memory lie = outputs;
        lie[2] = keccak256("lie");
        nodes = Histories.build(lie);
        vm.revertToState(before);
        uint64 rival = proposeHistory(0, 2, nodes.root(), nodes.leaf(2), nodes.proof(2));
        uint64 proven = proposeProven();
        settlement.refute(rival, proven, nodes.leaf(2), nodes.proof(2));
        vm.assertLe(vm.snapshotGasLastCall("Validity", "refute, a rival of a proven claim"), MAX);
    }
}
