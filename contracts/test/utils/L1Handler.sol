// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../../src/libraries/AddressAlias.sol";
import {Hashing} from "../../src/libraries/Hashing.sol";
import {
    BatchHeader,
    Claim,
    ClaimStatus,
    OutputRootProof,
    QueuedMessage,
    Withdrawal,
    WithdrawalState
} from "../../src/libraries/Types.sol";
import {Pieces, PiecesLib} from "./Pieces.sol";
import {Caller, Switch} from "./Receivers.sol";
import {StateTrie} from "./StateTrie.sol";
import {System} from "./System.sol";
import {Log} from "./Test.sol";
import {PlainToken} from "../../src/dev/AwkwardTokens.sol";

/// @notice The L1 side, driven at random, beside an honest L2 that is nothing but balances. Every batch executes
/// messages and moves balances; every claim is the truth after a batch. All calls here that should succeed must:
/// a revert fails the run. So "no valid exit is ever blocked" is what the handler does, "nothing is paid twice" is
/// what `tryAgain` asks for, and "never more than is locked" is what the invariants say.
contract L1Handler is System {
    using PiecesLib for Pieces;

    uint256 internal constant USERS = 5;
    /// @dev The user that is a wallet at one address on both layers, and the contract that L2 knows by its alias.
    uint256 internal constant WALLET = 3;
    uint256 internal constant ALIASED = 4;

    struct Snapshot {
        uint256[USERS] eth;
        uint256[USERS] tokens;
        uint256 withdrawals;
        uint256 messages;
        OutputRootProof p;
        StateTrie state;
        StateTrie balances;
        StateTrie sent;
    }

    address[USERS] internal users;
    PlainToken public token;
    address internal l2Token;
    address internal sink = address(0x51);
    Switch internal picky;

    uint256[USERS] internal eth;
    uint256[USERS] internal tokens;
    uint256 internal consumed;
    QueuedMessage[] internal messages;
    Withdrawal[] internal withdrawals;
    mapping(uint256 batch => Snapshot) internal snapshots;
    mapping(uint256 claim => uint256 batch) internal batchOf;

    mapping(uint256 claim => uint64[]) internal openDisputes;

    bool internal left;
    mapping(uint256 which => bool) internal released;
    uint256 internal ethIn;
    uint256 internal tokensIn;

    constructor() payable {
        setUp();
        token = new PlainToken();
        l2Token = vault.l2TokenAddress(address(token));
        picky = new Switch();
        for (uint256 i; i < USERS; ++i) {
            users[i] = i < WALLET ? address(uint160(0xAA0000 + i)) : address(new Caller());
            vm.deal(users[i], 1e6 ether);
            token.mint(users[i], 1e12);
            vm.prank(users[i], users[0]);
            token.approve(address(vault), type(uint256).max);
        }
        // What the genesis locked belongs to the first.
        eth[0] = GENESIS_ETH;
        ethIn = GENESIS_ETH;
    }

    // --- who is who ---

    function onL2(uint256 who) internal view returns (address) {
        return who == ALIASED ? AddressAlias.toL2(users[who]) : users[who];
    }

    function indexOf(address holder) internal view returns (uint256 who) {
        while (onL2(who) != holder) ++who;
    }

    /// @dev The next call comes from this user; contracts are called by the first.
    function act(uint256 who) internal {
        vm.prank(users[who], who < WALLET ? users[who] : users[0]);
    }

    function started() public view returns (bool yes) {
        (yes,,,) = vault.exodus();
    }

    /// @dev The state that withdrawals and exits are proven against.
    function counts() internal view returns (uint64 claimId, Snapshot storage s) {
        bool exodus;
        (exodus, claimId,,) = vault.exodus();
        if (!exodus) claimId = settlement.lastFinalClaim();
        s = snapshots[batchOf[claimId]];
    }

    function record(Log[] memory logs) internal {
        Message[] memory found = messagesIn(logs);
        for (uint256 i; i < found.length; ++i) {
            Message memory m = found[i];
            messages.push(QueuedMessage(m.from, m.target, m.mint, m.value, m.gasLimit, m.data));
        }
    }

    /// @dev The arguments of a message's call.
    function arguments(QueuedMessage memory m) internal pure returns (bytes memory data) {
        data = new bytes(m.data.length - 4);
        for (uint256 i; i < data.length; ++i) {
            data[i] = m.data[i + 4];
        }
    }

    // --- in ---

    function depositETH(uint256 who, uint256 to, uint256 amount) external {
        if (started()) return;
        amount = amount % 100 ether + 1;
        ethIn += amount;
        vm.recordLogs();
        act(who % USERS);
        vault.depositETHTo{value: amount}(onL2(to % USERS), 0, "");
        record(vm.getRecordedLogs());
    }

    function depositToken(uint256 who, uint256 to, uint256 amount) external {
        if (started()) return;
        amount = amount % 1e6 + 1;
        tokensIn += amount;
        vm.recordLogs();
        act(who % USERS);
        vault.depositERC20To(address(token), l2Token, onL2(to % USERS), amount, 0, "");
        record(vm.getRecordedLogs());
    }

    /// @dev A transfer on L2 through the queue, with ETH from L1. The wallet's alias is nobody in this model.
    function send(uint256 who, uint256 to, uint256 amount) external {
        who %= USERS;
        if (started() || who == WALLET) return;
        amount = amount % 10 ether;
        ethIn += amount;
        vm.recordLogs();
        act(who);
        queue.send{value: amount}(onL2(to % USERS), amount / 3, 100_000, "");
        record(vm.getRecordedLogs());
    }

    // --- the honest L2 ---

    function transferOnL2(uint256 from, uint256 to, uint256 amount) external {
        (from, to) = (from % USERS, to % USERS);
        amount = amount % (eth[from] + 1);
        eth[from] -= amount;
        eth[to] += amount;
        amount = amount % (tokens[from] + 1);
        tokens[from] -= amount;
        tokens[to] += amount;
    }

    /// @dev ETH goes to a recipient that sometimes refuses.
    function withdrawOnL2(uint256 who, uint256 amount, bool ofToken) external {
        who %= USERS;
        Withdrawal memory w;
        if (ofToken) {
            amount = amount % (tokens[who] + 1);
            if (amount == 0) return;
            tokens[who] -= amount;
            w = tokenWithdrawal(address(token), sink, amount);
        } else {
            amount = amount % (eth[who] + 1);
            eth[who] -= amount;
            w = ethWithdrawal(address(picky), amount);
        }
        w.nonce += withdrawals.length;
        withdrawals.push(w);
    }

    /// @dev Executes the next messages and appends a batch with them, as calldata or in a blob.
    function append(uint256 take, bool blob, uint256 wait) public {
        vm.warp(block.timestamp + wait % 30 minutes);
        appendAs(sequencer, take, blob);
    }

    /// @dev The sequencer is gone; whoever comes must take what is overdue.
    function appendByAnyone(uint256 take, bool blob) external {
        if (messages.length == consumed) return;
        (, uint64 sentAt,,) = queue.message(uint64(consumed));
        if (block.timestamp <= sentAt + 12 hours) vm.warp(sentAt + 12 hours + 1);
        appendAs(alice, take, blob);
    }

    function appendAs(address sender, uint256 take, bool blob) internal {
        vm.roll(block.number + 1);
        uint256 next = consumed + take % (messages.length - consumed + 1);
        // What is overdue cannot be left out; a batch of this model has room for all of it.
        while (next < messages.length) {
            (, uint64 sentAt,,) = queue.message(uint64(next));
            if (sentAt + 1 hours >= block.timestamp) break;
            ++next;
        }
        BatchHeader memory header = nextHeader("data");
        header.lastBlock = header.firstBlock + 9;
        while (consumed < next) {
            execute(messages[consumed++]);
        }
        header.messageCount = uint64(consumed);
        header.messageAcc = queue.accumulator(header.messageCount);
        if (blob) {
            bytes32[] memory hashes = new bytes32[](1);
            hashes[0] = bytes32(uint256(1) << 248 | uint256(header.index));
            vm.blobhashes(hashes);
            header.dataRoot = keccak256(abi.encodePacked(uint8(2), hashes));
            vm.prank(sender, sender);
            inbox.appendBlobs(header);
            last = header;
        } else {
            appendFrom(sender, header, "data");
        }
        snapshot(header.index);
    }

    /// @dev A deposit as the L2Bridge executes it, or a transfer.
    function execute(QueuedMessage memory m) internal {
        if (m.from != aliasedVault()) {
            eth[indexOf(m.from)] += m.mint - m.value;
            eth[indexOf(m.target)] += m.value;
        } else if (m.mint != 0) {
            (, address to, uint256 amount) = abi.decode(arguments(m), (address, address, uint256));
            eth[indexOf(to)] += amount;
        } else {
            (,, address to, uint256 amount) = abi.decode(arguments(m), (address, address, address, uint256));
            tokens[indexOf(to)] += amount;
        }
    }

    function snapshot(uint256 batch) internal {
        Snapshot storage s = snapshots[batch];
        (s.eth, s.tokens) = (eth, tokens);
        (s.withdrawals, s.messages) = (withdrawals.length, consumed);
        (s.state, s.balances, s.sent) = (new StateTrie(), new StateTrie(), new StateTrie());
        s.balances.setSlot(keccak256("supply"), 1e30);
        s.balances.setSlot(keccak256("name"), 1e30);
        s.sent.setSlot(keccak256("count"), 1e30);
        s.sent.setSlot(keccak256("other"), 1e30);
        for (uint256 i; i < USERS; ++i) {
            bytes32 codeHash = i == WALLET ? users[i].codehash : keccak256("");
            s.state.setAccount(onL2(i), eth[i], keccak256(hex"80"), codeHash);
            if (tokens[i] != 0) s.balances.setSlot(Hashing.tokenBalanceSlot(onL2(i)), tokens[i]);
        }
        for (uint256 i; i < withdrawals.length; ++i) {
            s.sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(withdrawals[i])), 1);
        }
        s.state.setAccount(l2Token, 0, s.balances.build(), keccak256("token"));
        s.p.stateRoot = s.state.build();
        s.p.messagePasserStorageRoot = s.sent.build();
        s.p.latestBlockhash = bytes32(batch);
    }

    // --- settlement ---

    function proposeNext(uint256 batch) public {
        // On the newest claim, whether final or not, so that claims form one line.
        uint64 parentId = settlement.claimCount() - 1;
        uint64 covered = settlement.claim(parentId).lastBatch;
        uint64 newest = inbox.batchCount() - 1;
        if (newest <= covered) return;
        uint64 lastBatch = uint64(covered + 1 + batch % (newest - covered));
        vm.deal(proposer, 100 ether);
        uint64 id = propose(parentId, lastBatch, Hashing.outputRoot(snapshots[lastBatch].p));
        batchOf[id] = lastBatch;
    }

    /// @dev Somebody challenges the newest claim, which is true; its proposer defends it.
    function challengeNewest(bytes32 outputsRoot) external {
        uint64 id = settlement.claimCount() - 1;
        Claim memory c = settlement.claim(id);
        if (c.status != ClaimStatus.Pending || block.timestamp >= c.createdAt + WINDOW) return;
        bytes32 claimHash = settlement.claimHash(id);
        address liar = address(0x11A4);
        vm.deal(liar, DISPUTE_BOND);
        vm.prank(liar);
        uint64 challengeId = disputes.challenge{value: DISPUTE_BOND}(id, claimHash, outputsRoot);
        (Pieces memory p,) = outputsOf(c.parentId, c.lastBatch, c.outputRoot);
        vm.deal(proposer, DISPUTE_BOND);
        vm.prank(proposer);
        openDisputes[id].push(disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, p.opened(1)));
    }

    function finalizeNext(bool wait) public {
        uint64 id = settlement.lastFinalClaim() + 1;
        if (id >= settlement.claimCount()) return;
        uint256 end = uint256(settlement.claim(id).createdAt) + WINDOW;
        // Challenges hold a claim up until their authors have had their time.
        uint64[] storage open = openDisputes[id];
        for (uint256 i; i < open.length; ++i) {
            uint256 until = disputes.deadline(open[i]) + 1;
            if (until > end) end = until;
        }
        if (block.timestamp < end) {
            if (!wait) return;
            vm.warp(end);
        }
        while (open.length != 0) {
            disputes.timeout(open[open.length - 1]);
            open.pop();
        }
        settlement.finalize(id);
        vm.assertLe(end, uint256(settlement.claim(id).createdAt) + settlement.maxDelay());
    }

    // --- out ---

    function setRefuses(bool refuses) external {
        picky.setRefuses(refuses);
    }

    /// @dev Whatever the root that counts contains is delivered, once.
    function release(uint256 which) public {
        (uint64 claimId, Snapshot storage s) = counts();
        if (s.withdrawals == 0) return;
        which %= s.withdrawals;
        if (released[which]) return;
        released[which] = true;
        Withdrawal memory w = withdrawals[which];
        vault.release(w, claimId, s.p, s.sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w))));
    }

    function retry(uint256 which) public {
        if (withdrawals.length == 0) return;
        Withdrawal memory w = withdrawals[which % withdrawals.length];
        if (vault.withdrawalState(Hashing.withdrawalHash(w)) == WithdrawalState.Failed) vault.retry(w);
    }

    /// @dev Rare, so that runs see life before it.
    function startExodus(uint256 chance) external {
        if (started() || chance % 8 != 0) return;
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
    }

    function exit(uint256 who, bool ofToken) public {
        (, Snapshot storage s) = counts();
        who %= USERS;
        address asset = ofToken ? l2Token : address(0);
        uint256 balance = ofToken ? s.tokens[who] : s.eth[who];
        if (!started() || balance == 0 || vault.hasExited(asset, onL2(who))) return;
        bytes memory input = exitInput(s, who, ofToken);
        act(who);
        call(input, true);
    }

    function refund(uint256 which) public {
        (bool exodus,,, uint64 count) = vault.exodus();
        if (!exodus || messages.length == count) return;
        which = count + which % (messages.length - count);
        QueuedMessage memory m = messages[which];
        if (vault.isRefunded(uint64(which)) || worth(m) == 0) return;
        actAsSender(m);
        vault.refund(uint64(which), m, sink);
    }

    /// @dev What was paid is asked for again, what is somebody else's is asked for by another: never a wei.
    function tryAgain(uint256 which, uint256 who) external {
        (uint64 claimId, Snapshot storage s) = counts();
        if (withdrawals.length != 0) {
            which %= withdrawals.length;
            Withdrawal memory w = withdrawals[which];
            bytes[] memory proof = s.withdrawals == 0
                ? new bytes[](0)
                : s.sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)));
            if (released[which] || which >= s.withdrawals) {
                call(abi.encodeCall(vault.release, (w, claimId, s.p, proof)), false);
            }
            if (vault.withdrawalState(Hashing.withdrawalHash(w)) != WithdrawalState.Failed) {
                call(abi.encodeCall(vault.retry, (w)), false);
            }
        }
        if (!started() || claimId == 0) return;
        who %= USERS;
        for (uint256 i; i < 2; ++i) {
            bytes memory input = exitInput(s, who, i == 1);
            act((who + 1) % USERS);
            call(input, false);
            if (!vault.hasExited(i == 1 ? l2Token : address(0), onL2(who))) continue;
            act(who);
            call(input, false);
        }
        for (uint64 i; i < messages.length; ++i) {
            bytes memory input = abi.encodeCall(vault.refund, (i, messages[i], sink));
            vm.prank(bob, bob);
            call(input, false);
            if (i >= s.messages && !vault.isRefunded(i)) continue;
            actAsSender(messages[i]);
            call(input, false);
        }
    }

    function exitInput(Snapshot storage s, uint256 who, bool ofToken) internal view returns (bytes memory) {
        address holder = onL2(who);
        bytes[] memory account = s.state.proveAccount(holder);
        if (!ofToken) return abi.encodeCall(vault.exitETH, (holder, sink, s.p, account));
        bytes[] memory balance = s.balances.proveSlot(Hashing.tokenBalanceSlot(holder));
        return abi.encodeCall(
            vault.exitERC20,
            (
                address(token),
                holder,
                sink,
                s.p,
                s.state.proveAccount(l2Token),
                balance,
                who == WALLET ? account : new bytes[](0)
            )
        );
    }

    function call(bytes memory input, bool expected) internal {
        (bool success,) = address(vault).call(input);
        require(success == expected, expected ? "a valid exit was refused" : "paid what is not owed");
    }

    /// @dev What came with a message.
    function worth(QueuedMessage memory m) internal view returns (uint256 amount) {
        if (m.from != aliasedVault() || m.mint != 0) return m.mint;
        (,,, amount) = abi.decode(arguments(m), (address, address, address, uint256));
    }

    /// @dev The next call comes from who sent this message.
    function actAsSender(QueuedMessage memory m) internal {
        if (m.from != aliasedVault()) {
            act(indexOf(m.from));
            return;
        }
        address depositor;
        if (m.mint != 0) (depositor,,) = abi.decode(arguments(m), (address, address, uint256));
        else (, depositor,,) = abi.decode(arguments(m), (address, address, address, uint256));
        vm.prank(depositor, depositor.code.length == 0 ? depositor : users[0]);
    }

    /// @dev At the end of a run everybody leaves. Nothing may be left behind.
    function everybodyLeaves() external {
        if (left) return;
        left = true;
        picky.setRefuses(false);
        if (settlement.lastFinalClaim() == 0 && !started()) {
            // Genesis' root stands for a state that this model does not build.
            append(0, false, 0);
            proposeNext(0);
            for (uint64 id = 1; id < settlement.claimCount(); ++id) {
                finalizeNext(true);
            }
        }
        if (!started()) {
            vm.warp(vault.exodusOpensAt() + 1);
            vault.startExodus();
        }
        (uint64 claimId, Snapshot storage s) = counts();
        for (uint256 i; i < USERS; ++i) {
            exit(i, false);
            exit(i, true);
        }
        for (uint256 i; i < s.withdrawals; ++i) {
            release(i);
            retry(i);
        }
        for (uint256 i; i < messages.length; ++i) {
            refund(i);
        }
        vm.assertEq(vault.lockedETH(), claimId == 0 ? GENESIS_ETH : 0);
        vm.assertEq(vault.locked(address(token)), 0);
    }

    // --- what the invariants look at ---

    /// @notice What came in, what the books say, what is there, what was paid; of ETH.
    function booksOfETH() external view returns (uint256 came, uint256 locked, uint256 held, uint256 paid) {
        return (ethIn, vault.lockedETH(), address(vault).balance, sink.balance + address(picky).balance);
    }

    /// @notice The same of the token.
    function booksOfToken() external view returns (uint256 came, uint256 locked, uint256 held, uint256 paid) {
        return
            (tokensIn, vault.locked(address(token)), token.balanceOf(address(vault)), token.balanceOf(sink));
    }

    function bonds() external view returns (uint256 held, uint256 owed) {
        uint256 pending = settlement.claimCount() - 1 - settlement.credit(proposer) / BOND;
        return (address(settlement).balance, settlement.credit(proposer) + pending * BOND);
    }

    /// @notice The same of challenges and defences. What the proposer won is half of what was lost.
    function disputeBonds() external view returns (uint256 held, uint256 owed) {
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            owed += 2 * DISPUTE_BOND * openDisputes[id].length;
        }
        return (address(disputes).balance, owed + disputes.credit(proposer) + disputes.burnt());
    }
}
