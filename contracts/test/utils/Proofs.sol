// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProofReader} from "../../src/bridge/ProofReader.sol";
import {moreVm} from "./MoreVm.sol";
import {Test} from "./Test.sol";

/// @notice Proofs that `crates/spv` made, as long as those of Ethereum.
abstract contract Proofs is Test {
    struct Vector {
        string name;
        string kind;
        bytes32 blockHash;
        uint64 number;
        bytes header;
        uint64 index;
        bytes value;
        bytes[] proof;
        address account;
        bytes[] slotProof;
        bytes32 slot;
    }

    /// @dev As EIP-712 writes types; fields are found by their names.
    string internal constant TYPE =
        "JsonVector(string name,string kind,bytes32 blockHash,uint64 number,bytes header,uint64 index,bytes value,bytes[] proof,address account,bytes[] slotProof,bytes32 slot)";

    ProofReader internal reader;

    function setUp() public virtual {
        reader = new ProofReader();
    }

    function vectors() internal view returns (Vector[] memory) {
        string memory json = vm.readFile("test/proof-vectors.json");
        return abi.decode(moreVm.parseJsonTypeArray(json, "$", TYPE), (Vector[]));
    }

    /// @dev The one of this name.
    function vector(string memory name) internal view returns (Vector memory) {
        Vector[] memory all = vectors();
        for (uint256 i; i < all.length; ++i) {
            if (same(all[i].name, name)) return all[i];
        }
        revert(name);
    }

    function same(string memory a, string memory b) internal pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    /// @dev The call that reads a vector.
    function callOf(Vector memory v) internal view returns (bytes memory) {
        if (same(v.kind, "slot")) {
            return abi.encodeCall(reader.slot, (v.header, v.account, v.slot, v.proof, v.slotProof));
        }
        if (same(v.kind, "receipt")) return abi.encodeCall(reader.receipt, (v.header, v.index, v.proof));
        return abi.encodeCall(reader.transaction, (v.header, v.index, v.proof));
    }

    function read(Vector memory v) internal view returns (bool success, bytes memory result) {
        return address(reader).staticcall(callOf(v));
    }
}
