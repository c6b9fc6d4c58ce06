// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RiscvStep} from "../src/L1/RiscvStep.sol";
import {IPreimageOracle} from "../src/interfaces/IPreimageOracle.sol";
import {moreVm} from "./utils/MoreVm.sol";
import {Test} from "./utils/Test.sol";

/// @notice Steps that the machine of the node took and proved (crates/vm): L1 comes to the same states, and refuses
/// the same proofs.
contract RiscvStepVectorsTest is Test {
    struct Part {
        uint64 kind;
        bytes32 key;
        uint64 offset;
        bytes32 data;
        uint64 length;
    }

    struct Vector {
        string name;
        bytes32 codeRoot;
        bytes32 statement;
        bytes state;
        bytes code;
        bytes mem;
        Part[] parts;
        string next;
    }

    /// @dev As EIP-712 writes types; fields are found by their names. `next` is a string because it may be null.
    string internal constant TYPE = "JsonVector(string name,bytes32 codeRoot,bytes32 statement,bytes state,bytes code,bytes memory,JsonPart[] parts,string next)"
        "JsonPart(uint64 kind,bytes32 key,uint64 offset,bytes32 data,uint64 length)";

    function test_step_vectors_areThoseOfTheNode() public {
        string memory json = vm.readFile("test/riscv-vectors.json");
        Vector[] memory vectors = abi.decode(moreVm.parseJsonTypeArray(json, "$", TYPE), (Vector[]));
        RiscvStep stepper = new RiscvStep();
        address oracle = user("oracle");
        uint256 refused;
        for (uint256 i; i < vectors.length; ++i) {
            Vector memory v = vectors[i];
            // Parts that a vector does not name are missing.
            vm.clearMockedCalls();
            vm.mockCallRevert(oracle, abi.encodePacked(IPreimageOracle.part.selector), "missing");
            for (uint256 k; k < v.parts.length; ++k) {
                Part memory p = v.parts[k];
                vm.mockCall(
                    oracle,
                    abi.encodeCall(IPreimageOracle.part, (p.kind, p.key, p.offset)),
                    abi.encode(p.data, p.length)
                );
            }
            string memory next = "null";
            try stepper.step(v.codeRoot, v.statement, oracle, v.state, v.code, v.mem) returns (
                bytes32 result
            ) {
                next = vm.toString(result);
            } catch {
                ++refused;
            }
            vm.assertTrue(
                keccak256(bytes(next)) == keccak256(bytes(v.next)),
                string.concat(v.name, ": ", next, " instead of ", v.next)
            );
        }
        vm.assertGe(refused, 1);
        vm.assertGe(vectors.length - refused, 1);
    }
}
