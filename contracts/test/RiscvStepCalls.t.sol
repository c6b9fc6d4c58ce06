// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PreimageOracle} from "../src/L1/PreimageOracle.sol";
import {IPreimageOracle} from "../src/interfaces/IPreimageOracle.sol";
import "../src/libraries/Errors.sol";
import {Hart, RiscvModel} from "./utils/RiscvModel.sol";
import {RiscvSystem, Witness} from "./utils/RiscvSystem.sol";

/// @notice What the machine asks of the outside: to exit, and parts of preimages.
contract RiscvStepCallsTest is RiscvSystem {
    uint32 internal constant ECALL = 0x73;

    PreimageOracle internal store;

    function setUp() public override {
        super.setUp();
        store = new PreimageOracle();
        oracle = store;
        model = new RiscvModel(STATEMENT, address(store));
    }

    function reads(uint64 kind, bytes32 key, uint64 offset) internal pure returns (Hart memory hart) {
        hart = newHart();
        (hart.x[14], hart.x[15], hart.x[17]) = (kind, offset, 0x2000);
        setWords(hart, key);
    }

    /// @dev a0 to a3, the first byte lowest in a0.
    function setWords(Hart memory hart, bytes32 value) internal pure {
        for (uint256 i; i < 32; ++i) {
            if (i % 8 == 0) hart.x[10 + i / 8] = 0;
            hart.x[10 + i / 8] |= uint64(uint8(value[i])) << uint64(8 * (i % 8));
        }
    }

    function checkRead(uint64 kind, bytes32 key, uint64 offset, bytes32 data, uint64 length) internal view {
        Hart memory hart = reads(kind, key, offset);
        Hart memory next = copy(hart);
        setWords(next, data);
        next.x[14] = length;
        next.pc += 4;
        checkStep(hart, ECALL, next, "read");
    }

    // --- exit ---

    function test_exit_keepsAnyCode() public view {
        uint64[5] memory codes = [uint64(0), 1, 2, 256, MAX];
        for (uint256 i; i < codes.length; ++i) {
            Hart memory hart = newHart();
            (hart.x[17], hart.x[10]) = (93, codes[i]);
            Hart memory next = copy(hart);
            (next.status, next.exitCode) = (1, codes[i]);
            checkStep(hart, ECALL, next, vm.toString(uint256(codes[i])));
        }
    }

    function test_ecall_unknownNumber_panics() public view {
        uint64[14] memory numbers = [
            uint64(0),
            1,
            63, // read of Linux
            64, // write
            92,
            94, // exit_group
            222, // mmap
            0x1fff,
            0x2001,
            93 + (1 << 8),
            93 + (1 << 32),
            0x2000 + (1 << 16),
            0x2000 + (1 << 63),
            MAX
        ];
        for (uint256 i; i < numbers.length; ++i) {
            Hart memory hart = reads(0, 0, 0);
            hart.x[17] = numbers[i];
            checkPanic(hart, ECALL, vm.toString(uint256(numbers[i])));
        }
    }

    // --- read ---

    function test_read_statement() public view {
        checkRead(0, 0, 0, STATEMENT, 32);
        checkRead(0, keccak256("any key"), 0, STATEMENT, 32);
        checkRead(0, 0, 32, 0, 32);
        checkRead(0, 0, 1 << 63, 0, 32);
        checkRead(0, 0, MAX - 31, 0, 32);
    }

    function test_read_unknownKind_panics() public view {
        uint64[6] memory kinds = [uint64(3), 4, 255, 1 << 8, 1 << 32, MAX];
        for (uint256 i; i < kinds.length; ++i) {
            checkPanic(reads(kinds[i], 0, 0), ECALL, vm.toString(uint256(kinds[i])));
        }
    }

    /// @dev Whatever the kind, and whether or not the part is there: the oracle is not even asked.
    function test_read_unalignedOffset_panics() public view {
        for (uint64 kind; kind < 3; ++kind) {
            for (uint64 offset = 1; offset < 32; ++offset) {
                checkPanic(reads(kind, 0, offset), ECALL, "unaligned");
                checkPanic(reads(kind, 0, MAX - 31 - offset), ECALL, "unaligned, far");
            }
        }
    }

    function test_read_keccak_upToPastTheEnd() public {
        bytes memory preimage = new bytes(72);
        for (uint256 i; i < 72; ++i) {
            preimage[i] = bytes1(uint8(i + 1));
        }
        bytes32 key = keccak256(preimage);
        for (uint64 offset; offset <= 160; offset += 32) {
            store.loadKeccak(preimage, offset);
        }
        checkRead(1, key, 0, 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20, 72);
        checkRead(1, key, 32, 0x2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40, 72);
        checkRead(1, key, 64, 0x4142434445464748000000000000000000000000000000000000000000000000, 72);
        checkRead(1, key, 96, 0, 72);
        checkRead(1, key, 160, 0, 72);
    }

    function test_read_empty() public {
        store.loadKeccak("", 0);
        checkRead(1, keccak256(""), 0, 0, 0);
    }

    function test_read_missing_reverts() public {
        store.loadKeccak("there", 0);
        bytes32 key = keccak256("there");
        checkMissing(1, key, 32);
        checkMissing(1, keccak256("not there"), 0);
        checkMissing(2, key, 0);
        checkMissing(2, key, 131072 - 32);
    }

    function checkMissing(uint64 kind, bytes32 key, uint64 offset) internal {
        Hart memory hart = reads(kind, key, offset);
        Witness memory w = witnessOfCall(hart);
        vm.expectRevert(abi.encodeWithSelector(PartMissing.selector, uint256(kind), key, offset));
        stepper.step(w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem);
    }

    function witnessOfCall(Hart memory hart) internal view returns (Witness memory) {
        return witness(hart, ECALL);
    }

    /// @dev There is nothing to load past the end of a blob.
    function test_read_pastTheEndOfABlob_isZero() public view {
        checkRead(2, keccak256("any blob"), 131072, 0, 131072);
        checkRead(2, keccak256("any blob"), 1 << 40, 0, 131072);
        checkRead(2, keccak256("any blob"), MAX - 31, 0, 131072);
    }

    /// @dev The kind, key and offset asked for are those of the registers, and no other register changes.
    function testFuzz_read_asksForWhatTheRegistersSay(
        bool blob,
        bytes32 key,
        uint64 offset,
        bytes32 data,
        uint64 length
    ) public {
        offset -= offset % 32;
        uint64 kind = blob ? 2 : 1;
        vm.mockCall(address(store), abi.encodeCall(store.part, (kind, key, offset)), abi.encode(data, length));
        checkRead(kind, key, offset, data, length);
    }

    /// @dev An oracle that is none cannot make a step.
    function test_read_withoutOracle_reverts() public {
        Witness memory w = witnessOfCall(reads(1, 0, 0));
        vm.expectRevert();
        stepper.step(w.codeRoot, STATEMENT, user("nobody"), w.state, w.code, w.mem);
        // It is not asked where it is not needed.
        w = witnessOfCall(reads(0, 0, 0));
        stepper.step(w.codeRoot, STATEMENT, user("nobody"), w.state, w.code, w.mem);
    }
}
