// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ValidityVerifier} from "../src/L1/ValidityVerifier.sol";
import {DevelopmentValidityVerifier} from "../src/dev/DevelopmentValidityVerifier.sol";
import "../src/libraries/Errors.sol";
import {ProofSystem} from "./utils/ProofSystem.sol";

/// @notice What a real proof shows, and that it shows nothing else.
contract ValidityVerifierTest is ProofSystem {
    function setUp() public override {
        super.setUp();
        appendBoth();
    }

    /// @dev What a precompile refuses costs all the gas that it is given.
    uint256 private constant GAS = 3_000_000;

    function refuses(ValidityVerifier verifier, bytes memory attempt) internal {
        bytes32 statement = verifier.statement(0, 2, genesisRoot, lastOutput(), prover);
        bytes32 output = lastOutput();
        vm.expectRevert(abi.encodeWithSelector(ProofRefused.selector, statement));
        verifier.verify{gas: GAS}(0, 2, genesisRoot, output, prover, attempt);
    }

    function test_theCommittedProof_isOfTheSample_andVerifies() public view {
        bytes32 statement = validityVerifier.statement(0, 2, genesisRoot, lastOutput(), prover);
        vm.assertEq(statement, part(".statement"));
        vm.assertEq(statement, pin(".statement"));
        validityVerifier.verify(0, 2, genesisRoot, lastOutput(), prover, proof);
    }

    function test_aBitOfAnyWord_changed_isRefused() public {
        for (uint256 word; word < 55; ++word) {
            bytes memory changed = bytes.concat(proof);
            changed[32 * word + 31] ^= 0x01;
            refuses(validityVerifier, changed);
        }
    }

    function testFuzz_aByteAnywhere_changed_isRefused(uint256 place, uint8 by) public {
        vm.assume(by != 0);
        bytes memory changed = bytes.concat(proof);
        place %= changed.length;
        changed[place] = bytes1(uint8(changed[place]) ^ by);
        refuses(validityVerifier, changed);
    }

    function testFuzz_whateverIsNoProof_isRefused(bytes32 seed) public {
        bytes memory made = new bytes(1760);
        for (uint256 i; i < 55; ++i) {
            bytes32 word = keccak256(abi.encode(seed, i));
            // Limbs of the accumulator are short.
            if (i < 12) word = word >> 168;
            assembly {
                mstore(add(made, add(0x20, mul(i, 0x20))), word)
            }
        }
        refuses(validityVerifier, made);
    }

    function test_zeros_areRefused() public {
        refuses(validityVerifier, new bytes(1760));
    }

    function test_anotherLength_isRefused() public {
        bytes[3] memory attempts = [bytes(""), bytes.concat(proof, hex"00"), new bytes(1759)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(InvalidProofLength.selector, attempts[i].length));
            validityVerifier.verify(0, 2, genesisRoot, lastOutput(), prover, attempts[i]);
        }
    }

    function refusesStatement(uint64 parentBatch, uint64 lastBatch, bytes32 parentOutput, bytes32 output) internal {
        bytes32 statement = validityVerifier.statement(parentBatch, lastBatch, parentOutput, output, prover);
        vm.assertTrue(statement != part(".statement"));
        vm.expectRevert(abi.encodeWithSelector(ProofRefused.selector, statement));
        validityVerifier.verify(parentBatch, lastBatch, parentOutput, output, prover, proof);
    }

    function test_ofAnythingElse_isRefused() public {
        (bytes32 from, bytes32 to) = (genesisRoot, lastOutput());
        refusesStatement(0, 2, from, outputs[1]);
        refusesStatement(0, 2, from, bytes32(uint256(to) ^ 1));
        refusesStatement(0, 2, outputs[0], to);
        refusesStatement(0, 2, to, from);
        // Fewer batches.
        refusesStatement(0, 1, from, outputs[1]);
        refusesStatement(0, 1, from, to);
        refusesStatement(1, 2, outputs[1], to);
        refusesStatement(1, 2, from, to);
    }

    /// @dev Who copies a proof cannot have it for themselves.
    function testFuzz_forAnybodyElse_isRefused(address other) public {
        vm.assume(other != prover);
        bytes32 statement = validityVerifier.statement(0, 2, genesisRoot, lastOutput(), other);
        bytes32 output = lastOutput();
        vm.expectRevert(abi.encodeWithSelector(ProofRefused.selector, statement));
        validityVerifier.verify{gas: GAS}(0, 2, genesisRoot, output, other, proof);
    }

    function test_noBatches_isNoStatement() public {
        vm.expectRevert(abi.encodeWithSelector(NoNewBatch.selector, 2));
        validityVerifier.verify(2, 2, genesisRoot, lastOutput(), prover, proof);
        vm.expectRevert(abi.encodeWithSelector(NoNewBatch.selector, 1));
        validityVerifier.verify(2, 1, genesisRoot, lastOutput(), prover, proof);
        vm.expectRevert(abi.encodeWithSelector(UnknownBatch.selector, 3));
        validityVerifier.verify(0, 3, genesisRoot, lastOutput(), prover, proof);
        vm.expectRevert();
        validityVerifier.verify(type(uint64).max, type(uint64).max, genesisRoot, lastOutput(), prover, proof);
    }

    function test_ofAnotherChain_program_orMachine_isRefused() public {
        (bytes32 config, bytes32 program, bytes32 machine) =
            (configHash(), pin(".programCommitment"), pin(".machineCommitment"));
        bytes32 other = bytes32(uint256(1));
        refuses(createVerifier(address(inbox), other), proof);
        refuses(new DevelopmentValidityVerifier(address(inbox), proofVerifier, config, other, machine), proof);
        refuses(new DevelopmentValidityVerifier(address(inbox), proofVerifier, config, program, other), proof);
        refuses(new DevelopmentValidityVerifier(address(inbox), proofVerifier, config, machine, program), proof);
        createVerifier(address(inbox), config).verify(0, 2, genesisRoot, lastOutput(), prover, proof);
    }

    // --- construction ---

    function test_constructor_badParameters_revert() public {
        (address i, address p, bytes32 one) = (address(inbox), proofVerifier, bytes32(uint256(1)));
        bytes32 order =
            bytes32(uint256(21888242871839275222246405745257275088548364400416034343698204186575808495617));
        // Where no code is, every call succeeds.
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, address(0xdead), one, one, one);
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(address(0xdead), p, one, one, one);
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, p, 0, one, one);
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, p, one, 0, one);
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, p, one, one, 0);
        // A commitment has one form.
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, p, one, order, one);
        vm.expectRevert(InvalidParameter.selector);
        new ValidityVerifier(i, p, one, one, order);
        new ValidityVerifier(i, p, one, bytes32(uint256(order) - 1), bytes32(uint256(order) - 1));
    }

    function test_constructor_keeps() public view {
        vm.assertEq(validityVerifier.inbox(), address(inbox));
        vm.assertEq(validityVerifier.proofVerifier(), proofVerifier);
        vm.assertEq(validityVerifier.configHash(), configHash());
        vm.assertEq(validityVerifier.programCommitment(), pin(".programCommitment"));
        vm.assertEq(validityVerifier.machineCommitment(), pin(".machineCommitment"));
    }

    function test_developmentParameters_onlyOnDevelopmentChains() public {
        uint64[4] memory chains = [uint64(1), 10, 11155111, 31338];
        for (uint256 i; i < 4; ++i) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(NotADevelopmentChain.selector, chains[i]));
            this.create();
        }
        vm.chainId(1337);
        this.create();
    }

    function create() external {
        createVerifier(address(inbox), configHash());
    }
}
