// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Challenge,
    ChallengeStatus,
    Claim,
    ClaimStatus,
    Dispute,
    DisputeStatus,
    Move
} from "../../src/libraries/Types.sol";
import {Histories} from "./Histories.sol";
import {ProofSystem} from "./ProofSystem.sol";

/// @notice Settlement in hybrid mode, with the sample's chain and its real proof: a liar claims, challenges and defends at random; an
/// honest account challenges what is false, defends what is true, and has the proof before its clocks run out. Then it refutes what
/// contradicts that. Its moves must succeed: a revert fails the run.
contract HybridHandler is ProofSystem {
    using Histories for bytes32[];

    /// @dev A history of the blocks of a range, as far as it is needed.
    struct Told {
        uint64 lastBatch;
        bool isTrue;
        bytes32 root;
        bytes32 end;
        bytes32[12] endProof;
        /// Nodes under the root, and under the first of these.
        bytes32[16] top;
        bytes32[16] below;
    }

    uint256 internal constant FUNDS = 1000 ether;
    uint64 internal constant MOST_CLAIMS = 12;
    uint64 internal constant MOST_CHALLENGES = 20;
    uint64 internal constant MOST_DISPUTES = 30;
    /// @dev The proof comes before a clock runs out.
    uint256 internal constant PROVED_WITHIN = CLOCK - 1 hours;

    /// @dev Histories of both batches: a true one, one false from each block on, one false in the middle only; of the first batch,
    /// a true one, false ones, and one false in the middle only; and of the second.
    uint256 internal constant BOTH = 0;
    uint256 internal constant DENTED = 4;
    uint256 internal constant FIRST = 5;
    uint256 internal constant DENTED_FIRST = 8;
    uint256 internal constant SECOND = 9;
    uint256 internal constant KINDS = 11;
    Told[] internal told;

    address public honest = user("honest");
    address public liar = user("liar");
    bool public isProved;
    uint64 internal provenClaim;
    uint256 internal started;
    mapping(uint64 claimId => uint256 kind) internal claimed;
    mapping(uint64 challengeId => uint256 kind) internal challenged;
    mapping(uint64 id => bool) internal didChallenge;
    mapping(uint64 id => bool) internal didDefend;
    mapping(uint64 id => ClaimStatus) internal wasDecided;

    constructor() payable {
        setUp();
        appendBoth();
        vm.deal(honest, FUNDS);
        vm.deal(liar, FUNDS);
        vm.deal(proposer, FUNDS);
        started = block.timestamp;
        tell(outputs, 2, true);
        tell(lie(3, 0, 3), 2, false);
        tell(lie(3, 1, 3), 2, false);
        tell(lie(3, 2, 3), 2, false);
        tell(lie(3, 1, 2), 2, false);
        tell(lie(2, 0, 0), 1, true);
        tell(lie(2, 0, 2), 1, false);
        tell(lie(2, 1, 2), 1, false);
        tell(lie(2, 0, 1), 1, false);
        bytes32[] memory one = new bytes32[](1);
        one[0] = lastOutput();
        tell(one, 2, true);
        one[0] = keccak256("a lie");
        tell(one, 2, false);
        require(told.length == KINDS, "all kinds are told");
    }

    /// @dev The outputs of the first blocks, false from one to another.
    function lie(uint256 count, uint256 from, uint256 to) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = i >= from && i < to ? keccak256(abi.encode("lie", i)) : outputs[i];
        }
    }

    function tell(bytes32[] memory leaves, uint64 lastBatch, bool isTrue) internal {
        bytes32[] memory nodes = Histories.build(leaves);
        uint256 end = leaves.length - 1;
        told.push(
            Told(lastBatch, isTrue, nodes.root(), leaves[end], nodes.proof(end), nodes.opened(1), nodes.opened(16))
        );
    }

    /// @dev Another history of the same blocks.
    function another(uint256 kind, uint256 seed) internal pure returns (uint256) {
        if (kind >= SECOND) return SECOND + SECOND + 1 - kind;
        if (kind >= FIRST) return FIRST + (kind - FIRST + 1 + seed % 3) % 4;
        return (kind + 1 + seed % 4) % 5;
    }

    function isPending(uint64 id) internal view returns (bool) {
        return settlement.claimStatus(id) == ClaimStatus.Pending;
    }

    // --- what the fuzzer calls ---

    /// @dev Of the first batch only what ends in the truth is claimed: nothing else can decide about lies that end before the proven
    /// block than disputes, which `DisputeHandler` plays.
    function claimAny(uint256 seed) external {
        if (settlement.claimCount() >= MOST_CLAIMS) return;
        uint64 parentId;
        uint256 kind = uint8(seed) % 9;
        if (kind > FIRST + 1) {
            kind = SECOND + (seed >> 8) % 2;
            parentId = uint64(seed >> 16) % settlement.claimCount();
            if (parentId == 0 || (claimed[parentId] != FIRST && claimed[parentId] != DENTED_FIRST)) return;
        } else if (kind > FIRST) {
            kind = DENTED_FIRST;
        }
        ClaimStatus parent = settlement.claimStatus(parentId);
        bool isLast = parent == ClaimStatus.Final && parentId == settlement.lastFinalClaim();
        if (parent != ClaimStatus.Pending && !isLast) return;
        Told memory t = told[kind];
        uint64 same = settlement.claimIdOf(parentId, t.lastBatch, t.root, t.end);
        if (same != 0 && settlement.claimStatus(same) != ClaimStatus.Rejected) return;
        claimed[proposeHistory(parentId, t.lastBatch, t.root, t.end, t.endProof)] = kind;
    }

    function challengeAny(uint256 claimSeed, uint256 seed) external {
        uint64 id = uint64(claimSeed % settlement.claimCount());
        if (disputes.challengeCount() >= MOST_CHALLENGES) return;
        if (canChallenge(id)) challengeAs(liar, id, another(claimed[id], seed));
    }

    function defendAny(uint256 seed) external {
        uint64 count = disputes.challengeCount();
        if (count == 0 || disputes.disputeCount() >= MOST_DISPUTES) return;
        if (canDefend(uint64(1 + seed % count))) defendAs(liar, uint64(1 + seed % count));
    }

    function descendAny(uint256 seed) external {
        uint64 count = disputes.disputeCount();
        if (count != 0) descendIf(uint64(1 + seed % count), liar);
    }

    function timeoutAny(uint256 seed) external {
        uint64 count = disputes.disputeCount();
        if (count != 0) tryTimeout(uint64(1 + seed % count));
    }

    function settleAny(uint256 seed) external {
        uint64 count = disputes.challengeCount();
        if (count != 0) {
            tryAgree(uint64(1 + (seed >> 128) % count));
            try disputes.resolve(uint64(1 + seed % count)) {} catch {}
        }
        count = disputes.disputeCount();
        if (count == 0) return;
        try disputes.settle(uint64(1 + seed % count)) {} catch {}
    }

    function finalizeAny(uint256 seed) external {
        uint64 id = uint64(seed % settlement.claimCount());
        try settlement.finalize(id) {} catch {}
        rejectChild(uint64((seed >> 64) % settlement.claimCount()));
    }

    /// @dev Not at once.
    function proveAny(uint256 seed) external {
        if (seed % 4 == 0) proveNow(seed >> 8);
    }

    /// @dev The proof, as a claim of its own, or for one that waits.
    function proveNow(uint256 seed) public {
        if (isProved) return;
        uint64 id = uint64(seed % settlement.claimCount());
        if (id != 0 && isPending(id) && canProve(id)) {
            settlement.prove(id, prover, proof);
            provenClaim = id;
        } else {
            provenClaim = proposeProven();
        }
        isProved = true;
        vm.assertEq(settlement.lastFinalClaim(), provenClaim);
        beHonest();
    }

    /// @dev What the proof is not of is not proved with it, by whomever.
    function misuseProof(uint256 seed) external {
        uint64 id = uint64(seed % settlement.claimCount());
        if (id == 0 || !isPending(id) || canProve(id)) return;
        vm.prank(liar);
        try settlement.prove(id, prover, proof) {
            revert("proved without a proof");
        } catch {}
        vm.prank(liar);
        try settlement.prove(id, liar, proof) {
            revert("proved for somebody else");
        } catch {}
    }

    /// @dev Nothing that says the same is refuted, nor by what is not proved.
    function misuseRefute(uint256 seed) external {
        uint64 id = uint64(seed % settlement.claimCount());
        uint64 by = uint64((seed >> 64) % settlement.claimCount());
        Told memory t = told[claimed[id]];
        if (settlement.proverOf(by) != address(0) && t.end != lastOutput() && t.lastBatch == 2) return;
        try settlement.refute(id, by, t.end, t.endProof) {
            revert("refuted without a contradiction");
        } catch {}
    }

    /// @dev Time passes, after the honest account has done what it can.
    function pass(uint256 seconds_) external {
        beHonest();
        uint256 step = seconds_ % (seconds_ % 3 == 0 ? 4 days : 6 hours);
        if (!isProved && block.timestamp + step > started + PROVED_WITHIN) proveNow(seconds_ >> 32);
        vm.warp(block.timestamp + step);
    }

    // --- the honest account ---

    function beHonest() public {
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            Told memory t = told[claimed[id]];
            if (!isPending(id)) continue;
            if (isProved && t.lastBatch == 2 && t.end != lastOutput()) {
                settlement.refute(id, provenClaim, t.end, t.endProof);
            } else if (isProved && canProve(id)) {
                settlement.prove(id, prover, proof);
            } else if (!t.isTrue && !endsInTruth(id) && !didChallenge[id] && canChallenge(id)) {
                // Whatever it builds on: what ends in the truth can be final before this has fallen with it.
                didChallenge[id] = true;
                challengeAs(honest, id, claimed[id] >= SECOND ? SECOND : BOTH);
            }
        }
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            tryAgree(id);
            uint64 claimId = disputes.challengeOf(id).claimId;
            if (!didDefend[id] && told[claimed[claimId]].isTrue && stands(claimId) && canDefend(id)) {
                didDefend[id] = true;
                defendAs(honest, id);
            }
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            descendIf(id, honest);
        }
    }

    function endsInTruth(uint64 id) internal view returns (bool) {
        Told memory t = told[claimed[id]];
        return id == provenClaim || t.end == told[t.lastBatch == 1 ? FIRST : BOTH].end;
    }

    /// @dev Whether it cannot fall with what it builds on: a defence of it would be lost then.
    function stands(uint64 id) internal view returns (bool) {
        return !isOnDent(id) || settlement.claimStatus(settlement.claim(id).parentId) == ClaimStatus.Final;
    }

    /// @dev Whether it falls if somebody shows that what it builds on is false in the middle. Nobody has to.
    function isOnDent(uint64 id) internal view returns (bool) {
        uint64 parentId = settlement.claim(id).parentId;
        return parentId != 0 && claimed[parentId] == DENTED_FIRST;
    }

    function canProve(uint64 id) internal view returns (bool) {
        return settlement.claim(id).parentId == 0 && settlement.claim(id).lastBatch == 2
            && settlement.claim(id).outputRoot == lastOutput();
    }

    function canChallenge(uint64 id) internal view returns (bool) {
        Claim memory c = settlement.claim(id);
        return c.status == ClaimStatus.Pending && block.timestamp < c.createdAt + WINDOW
            && settlement.claimStatus(c.parentId) != ClaimStatus.Rejected;
    }

    function challengeAs(address sender, uint64 id, uint256 kind) internal {
        bytes32 claimHash = settlement.claimHash(id);
        vm.prank(sender);
        uint64 challengeId = disputes.challenge{value: DISPUTE_BOND}(id, claimHash, told[kind].root);
        challenged[challengeId] = kind;
    }

    function canDefend(uint64 id) internal view returns (bool) {
        Challenge memory c = disputes.challengeOf(id);
        return c.status == ChallengeStatus.Open && block.timestamp <= c.openedAt + DEFENCE_PERIOD
            && isPending(c.claimId);
    }

    function defendAs(address sender, uint64 challengeId) internal {
        uint64 claimId = disputes.challengeOf(challengeId).claimId;
        bytes32 claimHash = settlement.claimHash(claimId);
        bytes32[16] memory top = told[claimed[claimId]].top;
        vm.prank(sender);
        disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, top);
    }

    function isRunning(uint64 id) internal view returns (bool) {
        Dispute memory d = disputes.disputeOf(id);
        Challenge memory c = disputes.challengeOf(d.challengeId);
        return d.status == DisputeStatus.Open && c.status == ChallengeStatus.Open && isPending(c.claimId);
    }

    /// @dev Both sides' first moves: the proof comes before the others, or a liar's clock runs out. Three blocks are all under the
    /// first node.
    function descendIf(uint64 id, address mover) internal {
        if (!isRunning(id) || block.timestamp > disputes.deadline(id)) return;
        Dispute memory d = disputes.disputeOf(id);
        Challenge memory c = disputes.challengeOf(d.challengeId);
        Told memory mine = told[challenged[d.challengeId]];
        Told memory theirs = told[claimed[c.claimId]];
        if (d.next == Move.ChallengerDescends && c.challenger == mover) {
            disputes.descend(id, theirs.top, mine.top, mine.below);
        } else if (d.next == Move.DefenderDescends && d.defender == mover) {
            bytes32[16] memory next = Histories.build(leavesOf(claimed[c.claimId])).opened(256);
            disputes.descend(id, mine.below, theirs.below, next);
        }
    }

    function leavesOf(uint256 kind) internal view returns (bytes32[] memory leaves) {
        if (kind >= SECOND) {
            leaves = new bytes32[](1);
            leaves[0] = told[kind].end;
        } else if (kind >= FIRST) {
            leaves = kind == DENTED_FIRST ? lie(2, 0, 1) : lie(2, kind == FIRST ? 2 : kind - FIRST - 1, 2);
        } else {
            leaves = kind == DENTED ? lie(3, 1, 2) : lie(3, kind == BOTH ? 3 : kind - 1, 3);
        }
    }

    function tryTimeout(uint64 id) internal {
        if (isRunning(id) && block.timestamp > disputes.deadline(id)) disputes.timeout(id);
    }

    /// @dev Of a claim that was proved: a challenge that ends as it does has its bond back.
    function tryAgree(uint64 challengeId) internal {
        Challenge memory c = disputes.challengeOf(challengeId);
        if (c.status != ChallengeStatus.Open || settlement.claimStatus(c.claimId) != ClaimStatus.Final) return;
        Told memory t = told[challenged[challengeId]];
        if (t.end == told[claimed[c.claimId]].end) disputes.agree(challengeId, t.endProof);
    }

    function rejectChild(uint64 id) internal {
        uint64[] memory ids = new uint64[](1);
        ids[0] = id;
        try settlement.rejectChildren(ids) {} catch {}
    }

    // --- the end ---

    /// @dev With the proof all of it can be decided, by anyone: every lie is rejected, every truth final, all bonds are somebody's or
    /// nobody's, and honesty costs nothing.
    function decideAll() external {
        beHonest();
        proveNow(0);
        vm.warp(block.timestamp + settlement.maxDelay());
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            tryTimeout(id);
        }
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (disputes.challengeOf(id).status == ChallengeStatus.Open) disputes.resolve(id);
        }
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            rejectChild(id);
            if (isPending(id)) settlement.finalize(id);
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.disputeOf(id).status == DisputeStatus.Open) disputes.settle(id);
        }
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            bool isTrue = id == provenClaim || told[claimed[id]].isTrue;
            ClaimStatus expected = isTrue ? ClaimStatus.Final : ClaimStatus.Rejected;
            // Who challenged a dent may have won before the proof, or nobody did.
            bool mayBeEither = claimed[id] == DENTED || claimed[id] == DENTED_FIRST || (isTrue && isOnDent(id));
            if (mayBeEither && !isPending(id)) expected = settlement.claimStatus(id);
            vm.assertEq(uint256(settlement.claimStatus(id)), uint256(expected));
        }
        address[4] memory accounts = [honest, liar, proposer, prover];
        for (uint256 i; i < 4; ++i) {
            vm.startPrank(accounts[i]);
            if (settlement.credit(accounts[i]) != 0) settlement.withdrawCredit(accounts[i]);
            if (disputes.credit(accounts[i]) != 0) disputes.withdrawCredit(accounts[i]);
            vm.stopPrank();
        }
        vm.assertEq(address(settlement).balance, settlement.burnt());
        vm.assertEq(address(disputes).balance, disputes.burnt());
        vm.assertGe(honest.balance, FUNDS, "honesty costs nothing but gas");
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            Dispute memory d = disputes.disputeOf(id);
            vm.assertFalse(d.defender == honest && d.status == DisputeStatus.DefenceLost);
        }
    }

    // --- what the invariants look at ---

    function booksOfSettlement() external view returns (uint256 held, uint256 owed) {
        owed = settlement.credit(honest) + settlement.credit(liar) + settlement.credit(proposer);
        owed += settlement.credit(prover) + settlement.burnt();
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            if (isPending(id)) owed += BOND;
        }
        held = address(settlement).balance;
    }

    function booksOfDisputes() external view returns (uint256 held, uint256 owed) {
        owed = disputes.credit(honest) + disputes.credit(liar) + disputes.credit(prover) + disputes.burnt();
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (disputes.challengeOf(id).status == ChallengeStatus.Open) owed += DISPUTE_BOND;
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.disputeOf(id).status == DisputeStatus.Open) owed += DISPUTE_BOND;
        }
        held = address(disputes).balance;
    }

    /// @dev No claim that ends in a lie is final, no true one rejected, and what was decided stays as it is.
    function checkClaims() external {
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            Told memory t = told[claimed[id]];
            ClaimStatus status = settlement.claimStatus(id);
            vm.assertFalse(status == ClaimStatus.Final && !endsInTruth(id));
            vm.assertFalse(status == ClaimStatus.Rejected && (t.isTrue || id == provenClaim) && !isOnDent(id));
            if (wasDecided[id] != ClaimStatus.None) {
                vm.assertEq(uint256(status), uint256(wasDecided[id]), "decided once");
            } else if (status != ClaimStatus.Pending) {
                wasDecided[id] = status;
            }
        }
    }
}
