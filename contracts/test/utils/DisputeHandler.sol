// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    BatchHeader,
    Challenge,
    ChallengeStatus,
    Claim,
    ClaimStatus,
    Commitment,
    Dispute,
    DisputeStatus,
    Move
} from "../../src/libraries/Types.sol";
import {Pieces, PiecesLib} from "./Pieces.sol";
import {System} from "./System.sol";
import {ToyMachine} from "./ToyMachine.sol";

/// @notice Settlement and Disputes, driven at random by a liar with many plans and by one honest account, which
/// challenges what is false and defends what is true. It does what it has to before any time passes, and its moves
/// must succeed: a revert fails the run. The outputs of all blocks but genesis are the same, and the machine stops
/// with its first step, so that histories are a few pieces each.
contract DisputeHandler is System {
    using PiecesLib for Pieces;

    bytes32 internal constant TRUE_OUTPUT = keccak256("true output");
    uint64 internal constant MOST_CLAIMS = 14;
    uint64 internal constant MOST_CHALLENGES = 24;
    uint64 internal constant MOST_DISPUTES = 40;
    uint256 internal constant FUNDS = 1000 ether;

    address public honest = user("honest");
    address public liar = user("liar");
    ToyMachine internal machine;

    /// @dev What is known of claims and challenges, and both histories of a dispute's present stage.
    mapping(uint64 claimId => Pieces) internal claimed;
    mapping(uint64 claimId => bool) public isTrue;
    mapping(uint64 claimId => uint64) public honestChallenge;
    mapping(uint64 challengeId => Pieces) internal challenged;
    mapping(uint64 challengeId => uint64) public honestDefence;
    mapping(uint64 disputeId => Pieces) internal challengers;
    mapping(uint64 disputeId => Pieces) internal defenders;

    constructor() payable {
        setUp();
        machine = ToyMachine(disputes.stepper());
        machine.setOracle(address(oracle));
        vm.deal(honest, FUNDS);
        vm.deal(liar, FUNDS);
        isTrue[0] = true;
    }

    function deployStepper() internal override returns (address) {
        return address(new ToyMachine());
    }

    function startState() internal pure override returns (bytes32) {
        return keccak256(new bytes(305));
    }

    function theDisputes() external view returns (address) {
        return address(disputes);
    }

    function theSettlement() external view returns (address) {
        return address(settlement);
    }

    // --- truth ---

    function truth(uint64 number) internal pure returns (bytes32) {
        return number == 0 ? GENESIS_OUTPUT : TRUE_OUTPUT;
    }

    function trueOutputs(uint256 count) internal pure returns (Pieces memory p) {
        p.ends = [count, count, count];
        p.values[0] = TRUE_OUTPUT;
    }

    /// @dev The true history of any stage of the machine: it stops at once.
    function trueStates(bytes32 statement) internal view returns (Pieces memory p) {
        bytes32 state = keccak256(machine.stateAt(statement, 1));
        p.values = [state, state, state, state];
    }

    function blocksOf(uint64 claimId) internal view returns (uint64 first, uint256 count) {
        uint64 lastBlock;
        (first, lastBlock) = settlement.blocksOf(claimId);
        count = lastBlock + 1 - first;
    }

    // --- what the liar may do ---

    function appendBlocks(uint64 blocks) public {
        if (inbox.batchCount() > 12) return;
        vm.roll(block.number + 1);
        BatchHeader memory header = nextHeader("batch");
        header.lastBlock = header.firstBlock + blocks % 200;
        append(header, "batch");
    }

    /// @dev Outputs that are true, false from some block on, false past the last one, or false in one place.
    function falseOutputs(uint256 count, uint256 seed) internal pure returns (Pieces memory p) {
        p = trueOutputs(count);
        bytes32 lie = keccak256(abi.encode("lie", seed));
        uint256 index = (seed >> 8) % count;
        if (seed % 4 == 0) {
            (p.ends[0], p.values[1]) = (index, lie);
        } else if (seed % 4 == 1) {
            (p.ends[2], p.values[2]) = (count + 1 + index % (4096 - count), lie);
        } else if (seed % 4 == 2) {
            (p.ends[0], p.ends[1], p.values[1], p.values[2]) = (index, index + 1, lie, TRUE_OUTPUT);
        }
    }

    /// @dev A claim on a parent that may be built on.
    function proposeClaim(uint256 parentSeed, uint256 batchSeed, uint256 seed) external {
        uint64 count = settlement.claimCount();
        if (count > MOST_CLAIMS) return;
        uint64 parentId = uint64(parentSeed % count);
        Claim memory parent = settlement.claim(parentId);
        bool open = parent.status == ClaimStatus.Pending || parentId == settlement.lastFinalClaim();
        uint64 newest = inbox.batchCount() - 1;
        if (!open || parent.lastBatch >= newest) return;
        uint64 lastBatch = uint64(parent.lastBatch + 1 + batchSeed % (newest - parent.lastBatch));
        uint256 blocks = inbox.batchLastBlock(lastBatch) - inbox.batchLastBlock(parent.lastBatch);
        if (blocks > 2000) return;

        Pieces memory p = falseOutputs(blocks, seed);
        bytes32 output = p.leaf(blocks - 1);
        uint64 same = settlement.claimIdOf(parentId, lastBatch, p.root(), output);
        if (same != 0 && settlement.claimStatus(same) != ClaimStatus.Rejected) return;
        vm.deal(proposer, 10 ether);
        uint64 id = proposeHistory(parentId, lastBatch, p.root(), output, p.proof(blocks - 1));
        claimed[id] = p;
        isTrue[id] = isTrue[parentId] && p.root() == trueOutputs(blocks).root();
    }

    function challengeAny(uint256 claimSeed, uint256 seed) external {
        uint64 id = uint64(claimSeed % settlement.claimCount());
        if (!canChallenge(id)) return;
        (, uint256 count) = blocksOf(id);
        Pieces memory p = falseOutputs(count, seed);
        if (p.root() == claimed[id].root()) return;
        challengeAs(liar, id, p);
    }

    function defendAny(uint256 seed) external {
        uint64 count = disputes.challengeCount();
        if (count == 0) return;
        uint64 id = uint64(1 + seed % count);
        if (!canDefend(id)) return;
        defendAs(liar, id);
    }

    /// @dev A move of the liar's, for one of its sides or for any other where that is allowed.
    function moveAny(uint256 disputeSeed, uint256 seed) external {
        uint64 count = disputes.disputeCount();
        if (count == 0) return;
        uint64 id = uint64(1 + disputeSeed % count);
        if (!isRunning(id) || block.timestamp > disputes.deadline(id)) return;
        Dispute memory d = disputes.disputeOf(id);
        Move next = d.next;
        if (next == Move.ChallengerCommits || next == Move.DefenderCommits) {
            if (owner(d) != liar) return;
            commitLie(id, d, seed);
        } else {
            moveFixed(id, d);
        }
    }

    function timeoutAny(uint256 seed) external {
        uint64 count = disputes.disputeCount();
        if (count == 0) return;
        tryTimeout(uint64(1 + seed % count));
    }

    function settleAny(uint256 seed) external {
        uint64 count = disputes.challengeCount();
        if (count == 0) return;
        try disputes.resolve(uint64(1 + seed % count)) {} catch {}
        count = disputes.disputeCount();
        if (count == 0) return;
        try disputes.settle(uint64(1 + seed % count)) {} catch {}
    }

    function finalizeAny(uint256 seed) external {
        uint64 id = uint64(seed % settlement.claimCount());
        try settlement.finalize(id) {} catch {}
        rejectChild(uint64((seed >> 64) % settlement.claimCount()));
    }

    /// @dev Time passes, after the honest account has done what it can.
    function pass(uint256 seconds_) external {
        beHonest();
        vm.warp(block.timestamp + seconds_ % (seconds_ % 3 == 0 ? 4 days : 6 hours));
    }

    // --- what the honest account does ---

    function beHonest() public {
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            // What builds on a lie falls with it.
            uint64 parentId = settlement.claim(id).parentId;
            if (isTrue[id] || !isTrue[parentId] || honestChallenge[id] != 0 || !canChallenge(id)) continue;
            (, uint256 count) = blocksOf(id);
            honestChallenge[id] = challengeAs(honest, id, trueOutputs(count));
        }
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (honestDefence[id] == 0 && isTrue[disputes.challengeOf(id).claimId] && canDefend(id)) {
                honestDefence[id] = defendAs(honest, id);
            }
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            while (isRunning(id)) {
                Dispute memory d = disputes.disputeOf(id);
                if (owner(d) != honest) break;
                if (d.next == Move.ChallengerCommits || d.next == Move.DefenderCommits) commitTruth(id, d);
                else moveFixed(id, d);
            }
        }
    }

    // --- challenges and defences ---

    function canChallenge(uint64 id) internal view returns (bool) {
        Claim memory c = settlement.claim(id);
        return c.status == ClaimStatus.Pending && block.timestamp < c.createdAt + WINDOW
            && settlement.claimStatus(c.parentId) != ClaimStatus.Rejected
            && disputes.challengeCount() < MOST_CHALLENGES;
    }

    function challengeAs(address sender, uint64 id, Pieces memory p) internal returns (uint64 challengeId) {
        bytes32 claimHash = settlement.claimHash(id);
        vm.prank(sender);
        challengeId = disputes.challenge{value: DISPUTE_BOND}(id, claimHash, p.root());
        challenged[challengeId] = p;
    }

    function canDefend(uint64 id) internal view returns (bool) {
        Challenge memory c = disputes.challengeOf(id);
        return c.status == ChallengeStatus.Open && block.timestamp <= c.openedAt + DEFENCE_PERIOD
            && settlement.claimStatus(c.claimId) == ClaimStatus.Pending
            && disputes.disputeCount() < MOST_DISPUTES;
    }

    function defendAs(address sender, uint64 challengeId) internal returns (uint64 id) {
        uint64 claimId = disputes.challengeOf(challengeId).claimId;
        bytes32 claimHash = settlement.claimHash(claimId);
        bytes32[16] memory opened = claimed[claimId].opened(1);
        vm.prank(sender);
        id = disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, opened);
        challengers[id] = challenged[challengeId];
        defenders[id] = claimed[claimId];
    }

    function isRunning(uint64 id) internal view returns (bool) {
        Dispute memory d = disputes.disputeOf(id);
        Challenge memory c = disputes.challengeOf(d.challengeId);
        return d.status == DisputeStatus.Open && c.status == ChallengeStatus.Open
            && settlement.claimStatus(c.claimId) == ClaimStatus.Pending;
    }

    /// @dev Whose turn it is.
    function owner(Dispute memory d) internal view returns (address) {
        if (d.next == Move.DefenderDescends || d.next == Move.DefenderCommits) return d.defender;
        return disputes.challengeOf(d.challengeId).challenger;
    }

    // --- moves ---

    function moveFixed(uint64 id, Dispute memory d) internal {
        Pieces memory c = challengers[id];
        Pieces memory f = defenders[id];
        if (d.next == Move.ChallengerDescends) {
            descend(id, 1, c, f);
        } else if (d.next == Move.DefenderDescends) {
            descend(id, 16 | d.position & 15, f, c);
        } else if (d.next == Move.ChallengerReachesLeaf) {
            descendToLeaf(id, d, c, f);
        } else {
            bytes memory state = machine.stateAt(d.statement, 0);
            bytes memory code = "code";
            if (keccak256(state) != d.agreed) (state, code) = (machine.stateAt(d.statement, 1), "");
            // Two liars may agree on a state that there is not.
            if (keccak256(state) != d.agreed) return;
            disputes.prove(id, state, code, code.length == 0 ? bytes("") : bytes("mem"));
        }
    }

    function firstDifference(bytes32[16] memory a, bytes32[16] memory b) internal pure returns (uint256 i) {
        while (a[i] == b[i]) ++i;
    }

    function descend(uint64 id, uint256 node, Pieces memory own, Pieces memory other) internal {
        bytes32[16] memory ours = own.opened(node);
        bytes32[16] memory theirs = other.opened(node);
        disputes.descend(id, theirs, ours, own.opened(16 * node + firstDifference(ours, theirs)));
    }

    function descendToLeaf(uint64 id, Dispute memory d, Pieces memory c, Pieces memory f) internal {
        uint256 node = 256 | d.position & 255;
        bytes32[16] memory ours = c.opened(node);
        bytes32[16] memory theirs = f.opened(node);
        uint256 leaf = 16 * node + firstDifference(ours, theirs) - 4096;
        uint64 claimId = disputes.challengeOf(d.challengeId).claimId;
        (uint64 first, uint256 count) = blocksOf(claimId);
        bytes32 agreed = d.agreed;
        if (d.stage == 0) agreed = settlement.claim(settlement.claim(claimId).parentId).outputRoot;
        if (leaf != 0) agreed = c.leaf(leaf - 1);
        bytes32[12] memory path = c.proof(leaf == 0 ? 0 : leaf - 1);
        uint64 batch;
        if (d.stage == 0 && leaf < count) {
            uint64 number = first + uint64(leaf);
            while (inbox.batchLastBlock(batch) < number) ++batch;
            if (agreed == truth(number - 1) && f.leaf(leaf) == truth(number)) {
                bytes32 hash = inbox.batchHash(batch);
                bytes32 statement = keccak256(abi.encode(agreed, TRUE_OUTPUT, hash, number, CONFIG_HASH));
                machine.set(statement, ToyMachine.Run(1, 1, 0));
            }
        }
        disputes.descendToLeaf(id, theirs, ours, agreed, path, batch);
    }

    function commitTruth(uint64 id, Dispute memory d) internal {
        bytes memory end = d.stage == 0 ? machine.stateAt(d.statement, 1) : bytes("");
        commitAs(id, d, trueStates(d.statement), end);
    }

    /// @dev True up to some leaf, then not. In the first stage the last leaf is a state that ends as it must.
    function commitLie(uint64 id, Dispute memory d, uint256 seed) internal {
        bool byDefender = d.next == Move.DefenderCommits;
        bytes memory end;
        bytes32 lastLeaf = byDefender ? d.defenderNode : d.challengerNode;
        if (d.stage == 0) {
            bytes32 noise = keccak256(abi.encode("memory", seed));
            end = abi.encodePacked(noise, uint128(0), byDefender ? 1 : uint8(seed), uint64(0), new bytes(248));
            if (!byDefender && uint8(seed) == 1) end[56] = 0x07;
            lastLeaf = keccak256(end);
        }
        Pieces memory p = trueStates(d.statement);
        uint256 from = seed % 5 == 0 ? 0 : seed % 5 == 1 ? 4095 : (seed >> 16) % 4096;
        p.ends = [from, 4095, 4095];
        p.values[1] = keccak256(abi.encode("state", seed));
        p.values[3] = lastLeaf;
        commitAs(id, d, p, end);
    }

    function commitAs(uint64 id, Dispute memory d, Pieces memory p, bytes memory end) internal {
        Commitment memory c = Commitment(d.statement, d.position, p.root(), end, p.proof(4095));
        address sender = owner(d);
        if (d.next == Move.ChallengerCommits) {
            challengers[id] = p;
            vm.prank(sender);
            disputes.commit(id, c);
        } else {
            defenders[id] = p;
            bytes32[16] memory opened = p.opened(1);
            vm.prank(sender);
            disputes.commitAndOpen(id, c, opened);
        }
    }

    function tryTimeout(uint64 id) internal {
        if (isRunning(id) && block.timestamp > disputes.deadline(id)) disputes.timeout(id);
    }

    function rejectChild(uint64 id) internal {
        uint64[] memory ids = new uint64[](1);
        ids[0] = id;
        try settlement.rejectChildren(ids) {} catch {}
    }

    // --- the end ---

    /// @dev Whatever was going on, the longest delay later all of it can be decided, by anyone and in one go. Then
    /// every lie is rejected, every truth final, and all bonds are somebody's or nobody's.
    function decideAll() external {
        beHonest();
        vm.warp(block.timestamp + settlement.maxDelay());
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            tryTimeout(id);
        }
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (disputes.challengeOf(id).status == ChallengeStatus.Open) disputes.resolve(id);
        }
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            rejectChild(id);
            if (settlement.claimStatus(id) == ClaimStatus.Pending) settlement.finalize(id);
        }
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (disputes.challengeOf(id).status == ChallengeStatus.Open) disputes.resolve(id);
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.disputeOf(id).status == DisputeStatus.Open) disputes.settle(id);
        }
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            ClaimStatus expected = isTrue[id] ? ClaimStatus.Final : ClaimStatus.Rejected;
            vm.assertEq(uint256(settlement.claimStatus(id)), uint256(expected));
        }
        address[3] memory accounts = [honest, liar, proposer];
        for (uint256 i; i < 3; ++i) {
            vm.startPrank(accounts[i]);
            if (settlement.credit(accounts[i]) != 0) settlement.withdrawCredit(accounts[i]);
            if (disputes.credit(accounts[i]) != 0) disputes.withdrawCredit(accounts[i]);
            vm.stopPrank();
        }
        vm.assertEq(address(settlement).balance, settlement.burnt());
        vm.assertEq(address(disputes).balance, disputes.burnt());
        vm.assertGe(honest.balance, FUNDS, "honesty costs nothing but gas");
    }

    // --- what the invariants look at ---

    function booksOfSettlement() external view returns (uint256 held, uint256 owed) {
        owed = settlement.credit(honest) + settlement.credit(liar) + settlement.credit(proposer);
        owed += settlement.burnt();
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            if (settlement.claimStatus(id) == ClaimStatus.Pending) owed += BOND;
        }
        held = address(settlement).balance;
    }

    function booksOfDisputes() external view returns (uint256 held, uint256 owed) {
        owed = disputes.credit(honest) + disputes.credit(liar) + disputes.burnt();
        for (uint64 id = 1; id <= disputes.challengeCount(); ++id) {
            if (disputes.challengeOf(id).status == ChallengeStatus.Open) owed += DISPUTE_BOND;
        }
        for (uint64 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.disputeOf(id).status == DisputeStatus.Open) owed += DISPUTE_BOND;
        }
        held = address(disputes).balance;
    }

    /// @dev No true claim is rejected, no false one final, and counts are what they count.
    function checkClaims() external view {
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            ClaimStatus status = settlement.claimStatus(id);
            vm.assertFalse(isTrue[id] ? status == ClaimStatus.Rejected : status == ClaimStatus.Final);
            if (status != ClaimStatus.Pending) continue;
            uint256 open;
            for (uint64 i = 1; i <= disputes.challengeCount(); ++i) {
                Challenge memory c = disputes.challengeOf(i);
                if (c.claimId == id && c.status == ChallengeStatus.Open) ++open;
            }
            vm.assertEq(settlement.claim(id).openChallenges, open);
        }
        for (uint64 i = 1; i <= disputes.challengeCount(); ++i) {
            uint256 open;
            for (uint64 k = 1; k <= disputes.disputeCount(); ++k) {
                Dispute memory d = disputes.disputeOf(k);
                if (d.challengeId == i && d.status == DisputeStatus.Open) ++open;
            }
            vm.assertEq(disputes.challengeOf(i).openDisputes, open);
        }
    }
}
