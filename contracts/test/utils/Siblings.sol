// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Endpoint} from "../../src/bridge/Endpoint.sol";
import {Messenger} from "../../src/bridge/Messenger.sol";
import {SiblingPort} from "../../src/bridge/SiblingPort.sol";
import {SiblingVerifier} from "../../src/bridge/SiblingVerifier.sol";
import {Hashing} from "../../src/libraries/Hashing.sol";
import {MessageProof} from "../../src/libraries/MessageProof.sol";
import {Message as Mail, OutputRootProof} from "../../src/libraries/Types.sol";
import {Lanes} from "./Lanes.sol";
import {StateTrie} from "./StateTrie.sol";

/// @notice Two L2s on one L1, in one EVM. Each takes this system's Settlement and Vault for those of the other.
abstract contract Siblings is Lanes {
    uint64 internal constant A = L2;
    uint64 internal constant B = 42_425;

    SiblingVerifier internal light;
    Endpoint internal endA;
    Endpoint internal endB;
    SiblingPort internal portA;
    SiblingPort internal portB;

    function setUp() public virtual override {
        super.setUp();
        light = new SiblingVerifier(address(vault), address(settlement));
        address endOfB = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 4);
        address portOfB = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 5);
        onChain(A);
        (endA, portA) = end(endOfB, B, portOfB);
        onChain(B);
        (endB, portB) = end(address(endA), A, address(portA));
        onChain(L1);
        vm.assertEq(address(endB), endOfB);
        vm.assertEq(address(portB), portOfB);
    }

    function end(address peer, uint64 peerChainId, address peerPort) private returns (Endpoint, SiblingPort) {
        uint64 nonce = vm.getNonce(address(this));
        Messenger messenger = new Messenger(vm.computeCreateAddress(address(this), nonce + 1));
        Endpoint endpoint = new Endpoint(peer, peerChainId, address(light), address(messenger), address(0));
        return (endpoint, new SiblingPort(address(endpoint), peerPort));
    }

    function chainOf(Endpoint endpoint) internal view returns (uint64) {
        return endpoint == endA ? A : B;
    }

    function other(Endpoint endpoint) internal view returns (Endpoint) {
        return endpoint == endA ? endB : endA;
    }

    function idAt(Endpoint from, Mail memory m) internal view returns (bytes32) {
        return Hashing.messageId(m, address(from), address(other(from)));
    }

    /// @dev A call from alice.
    function sendTo(Endpoint from, address target, uint64 deadline, bytes memory payload)
        internal
        returns (Mail memory m)
    {
        onChain(chainOf(from));
        vm.recordLogs();
        vm.prank(alice);
        from.send(target, 500_000, deadline, 0, payload);
        onChain(L1);
        return lastSent();
    }

    // --- L1, as an L2 knows it ---

    /// @dev An account's slots as they are, and others.
    function slotsOf(address account, uint256[4] memory slots) private returns (StateTrie trie) {
        trie = new StateTrie();
        for (uint256 i; i < slots.length; ++i) {
            uint256 value = uint256(vm.load(account, bytes32(slots[i])));
            if (value != 0) trie.setSlot(bytes32(slots[i]), value);
        }
        for (uint256 i; i < 20; ++i) {
            trie.setSlot(keccak256(abi.encode(account, i)), uint256(keccak256(abi.encode(i))));
        }
        trie.build();
    }

    function claimSlot(uint64 claimId) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(3))) + 4 * uint256(claimId);
    }

    /// @dev L1's state as it is, as far as a proof by this claim needs it: Vault and Settlement with their real slots.
    function proofBy(uint64 claimId, OutputRootProof memory output, MessageProof.Evidence memory e)
        internal
        returns (SiblingVerifier.Proof memory p)
    {
        uint256 slot = claimSlot(claimId);
        StateTrie vaults = slotsOf(address(vault), [uint256(0), 2, 3, 5]);
        StateTrie claims = slotsOf(address(settlement), [slot, slot + 1, slot + 2, slot + 3]);
        StateTrie state = new StateTrie();
        state.setAccount(address(vault), 1 ether, vaults.root(), address(vault).codehash);
        state.setAccount(address(settlement), 0, claims.root(), address(settlement).codehash);
        for (uint160 i = 1; i < 40; ++i) {
            state.setAccount(address(i), i, keccak256(abi.encode(i)), keccak256("other code"));
        }
        state.build();
        p.header = header(state.root(), keccak256("receipts"));
        p.anchor = anchor(p.header);
        p.vaultNodes = state.proveAccount(address(vault));
        p.exodusNodes = vaults.proveSlot(bytes32(uint256(2)));
        p.rootNodes = vaults.proveSlot(bytes32(uint256(3)));
        p.claimId = claimId;
        p.settlementNodes = state.proveAccount(address(settlement));
        p.statusNodes = claims.proveSlot(bytes32(slot + 1));
        p.outputNodes = claims.proveSlot(bytes32(slot + 3));
        p.output = output;
        e.header = "";
        p.evidence = e;
    }

    /// @dev A proof of a message in a claim that is final now.
    function proofOf(Endpoint from, Mail memory m) internal returns (SiblingVerifier.Proof memory) {
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(from, m);
        (uint64 claimId, OutputRootProof memory output) = finalState(stateRoot, keccak256("block"));
        return proofBy(claimId, output, e);
    }

    /// @dev Delivers what an end sent.
    function bring(Endpoint from, Mail memory m) internal {
        bytes memory proof = abi.encode(proofOf(from, m));
        onChain(chainOf(other(from)));
        vm.prank(relayer);
        other(from).deliver(m, proof, address(0));
        onChain(L1);
    }
}
