// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DevelopmentValidityVerifier} from "../../src/dev/DevelopmentValidityVerifier.sol";
import {ValidityVerifier} from "../../src/L1/ValidityVerifier.sol";
import {BatchHeader, OutputRootProof, Withdrawal} from "../../src/libraries/Types.sol";
import {Histories} from "./Histories.sol";
import {System} from "./System.sol";

/// @notice The chain of the sample (crates/program/tests/it/sample.rs): two batches of three blocks, and a real proof of what they
/// give, verified by the generated verifier.
abstract contract ProofSystem is System {
    using Histories for bytes32[];

    string private _sample;
    string private _proof;

    address internal proofVerifier;
    ValidityVerifier internal validityVerifier;
    bytes internal proof;
    bytes32 internal genesisRoot;
    /// @dev Output roots of the blocks.
    bytes32[] internal outputs;
    /// @dev For whom the proof was made.
    address internal prover;

    function setUp() public virtual override {
        _sample = vm.readFile("test/validity-sample.json");
        _proof = vm.readFile("test/validity-proof.json");
        proof = vm.parseJsonBytes(_proof, ".proof");
        genesisRoot = part(".genesisOutput");
        prover = vm.parseJsonAddress(_sample, ".prover");
        outputs = abi.decode(bytesOf(".outputs"), (bytes32[]));
        proofVerifier = deployProofVerifier();
        vm.roll(150);
        super.setUp();
    }

    /// @dev As it is deployed: compiled by itself.
    function deployProofVerifier() internal returns (address deployed) {
        bytes memory code =
            vm.parseJsonBytes(vm.readFile("artifacts/DevelopmentProofVerifier.json"), ".bytecode");
        assembly {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), "the verifier can be deployed");
    }

    function part(string memory name) internal view returns (bytes32) {
        return vm.parseJsonBytes32(_sample, name);
    }

    function bytesOf(string memory name) internal view returns (bytes memory) {
        return vm.parseJsonBytes(_sample, name);
    }

    function pin(string memory name) internal view returns (bytes32) {
        return vm.parseJsonBytes32(_proof, name);
    }

    function header(string memory name) internal view returns (BatchHeader memory) {
        return abi.decode(bytesOf(name), (BatchHeader));
    }

    function genesisBatch() internal override returns (BatchHeader memory genesis) {
        genesis = header(".genesis");
        canonise(genesis);
    }

    function genesisOutput() internal view override returns (bytes32) {
        return genesisRoot;
    }

    function configHash() internal view override returns (bytes32) {
        return part(".configHash");
    }

    function deployValidity() internal virtual override returns (address) {
        validityVerifier = createVerifier(address(inbox), configHash());
        return address(validityVerifier);
    }

    function validityCreations() internal pure virtual override returns (uint64) {
        return 1;
    }

    function createVerifier(address inbox_, bytes32 config) internal returns (ValidityVerifier) {
        return new DevelopmentValidityVerifier(
            inbox_, proofVerifier, config, pin(".programCommitment"), pin(".machineCommitment")
        );
    }

    /// @dev L1 has the block that the batch is anchored in.
    function canonise(BatchHeader memory batch) internal {
        vm.setBlockhash(batch.anchorNumber, batch.anchorHash);
    }

    function appendFirst() internal {
        BatchHeader memory batch = header(".first");
        canonise(batch);
        append(batch, bytesOf(".firstData"));
    }

    function appendLast() internal {
        BatchHeader memory batch = header(".last");
        canonise(batch);
        append(batch, bytesOf(".lastData"));
    }

    function appendBoth() internal {
        appendFirst();
        appendLast();
    }

    function lastOutput() internal view returns (bytes32) {
        return outputs[2];
    }

    function proposeProven() internal returns (uint64) {
        bytes32 hash = inbox.batchHash(2);
        vm.prank(prover);
        return settlement.proposeProven(0, genesisRoot, 2, hash, lastOutput(), prover, proof);
    }

    /// @dev The withdrawal in the sample's last block.
    function sampleWithdrawal()
        internal
        view
        returns (Withdrawal memory w, OutputRootProof memory p, bytes[] memory storageProof)
    {
        w = abi.decode(bytesOf(".withdrawal"), (Withdrawal));
        p = abi.decode(bytesOf(".output"), (OutputRootProof));
        storageProof = abi.decode(bytesOf(".proof"), (bytes[]));
    }
}
