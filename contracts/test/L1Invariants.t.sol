// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {BatchHeader, OutputRootProof, QueuedMessage, Withdrawal} from "../src/libraries/Types.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {System} from "./utils/System.sol";
import {Log} from "./utils/Test.sol";
import {PlainToken} from "./utils/Tokens.sol";

/// @notice The L1 side, driven at random, beside an honest L2 that is nothing but balances. Every batch executes
/// messages and moves balances; every claim is the truth after a batch. All calls here that should succeed must:
/// a revert fails the run. So "no valid exit is ever blocked" is what the handler does, and "never more than is
/// locked" is what the invariants say.
contract L1Handler is System {
    uint256 internal constant USERS = 5;

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

    uint256[USERS] internal eth;
    uint256[USERS] internal tokens;
    uint256 internal consumed;
    QueuedMessage[] internal messages;
    Withdrawal[] internal withdrawals;
    mapping(uint256 batch => Snapshot) internal snapshots;
    mapping(uint256 claim => uint256 batch) internal batchOf;
    mapping(bytes4 => uint256) public calls;

    bool internal left;
    mapping(uint256 => bool) internal released;

    constructor() payable {
        setUp();
        token = new PlainToken();
        l2Token = vault.l2TokenAddress(address(token));
        for (uint256 i; i < USERS; ++i) {
            users[i] = address(uint160(0xAA0000 + i));
            vm.deal(users[i], 1e6 ether);
            token.mint(users[i], 1e12);
            vm.prank(users[i], users[i]);
            token.approve(address(vault), type(uint256).max);
        }
        // What the genesis locked belongs to the first.
        eth[0] = GENESIS_ETH;
    }

    modifier counted() {
        ++calls[msg.sig];
        _;
    }

    function started() public view returns (bool yes) {
        (yes,,,) = vault.exodus();
    }

    function record(Log[] memory logs) internal {
        Message[] memory found = messagesIn(logs);
        for (uint256 i; i < found.length; ++i) {
            Message memory m = found[i];
            messages.push(QueuedMessage(m.from, m.target, m.mint, m.value, m.gasLimit, m.data));
        }
    }

    // --- in ---

    function depositETH(uint256 who, uint256 amount) external counted {
        if (started()) return;
        address user = users[who % USERS];
        amount = amount % 100 ether + 1;
        vm.recordLogs();
        vm.prank(user, user);
        vault.depositETHTo{value: amount}(user, 0, "");
        record(vm.getRecordedLogs());
    }

    function depositToken(uint256 who, uint256 amount) external counted {
        if (started()) return;
        address user = users[who % USERS];
        amount = amount % 1e6 + 1;
        if (token.balanceOf(user) < amount) return;
        vm.recordLogs();
        vm.prank(user, user);
        vault.depositERC20To(address(token), l2Token, user, amount, 0, "");
        record(vm.getRecordedLogs());
    }

    // --- the honest L2 ---

    function transferOnL2(uint256 from, uint256 to, uint256 amount) external counted {
        (from, to) = (from % USERS, to % USERS);
        amount = amount % (eth[from] + 1);
        eth[from] -= amount;
        eth[to] += amount;
        amount = amount % (tokens[from] + 1);
        tokens[from] -= amount;
        tokens[to] += amount;
    }

    function withdrawOnL2(uint256 who, uint256 amount, bool ofToken) external counted {
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
            w = ethWithdrawal(sink, amount);
        }
        w.nonce += withdrawals.length;
        withdrawals.push(w);
    }

    /// @dev Executes the next messages and appends a batch with them, as calldata or in a blob.
    function append(uint256 take, bool blob, uint256 wait) external counted {
        vm.warp(block.timestamp + wait % 30 minutes);
        vm.roll(block.number + 1);
        uint256 pending = messages.length - consumed;
        uint256 most = pending < 8 ? pending : 8;
        // What is overdue cannot be left out; a block of the model has room for all that a batch takes.
        uint256 count = most;
        if (most != 0) {
            (, uint64 sentAt,,) = queue.message(uint64(consumed));
            if (sentAt + 1 hours >= block.timestamp) count = take % (most + 1);
        }
        BatchHeader memory header = nextHeader("data");
        header.lastBlock = header.firstBlock + 3;
        for (uint256 i; i < count; ++i) {
            execute(messages[consumed++]);
        }
        header.messageCount = uint64(consumed);
        header.messageAcc = queue.accumulator(header.messageCount);
        if (blob) {
            bytes32[] memory hashes = new bytes32[](1);
            hashes[0] = bytes32(uint256(1) << 248 | uint256(header.index));
            vm.blobhashes(hashes);
            header.dataRoot = keccak256(abi.encodePacked(uint8(2), hashes));
            vm.prank(sequencer, sequencer);
            inbox.appendBlobs(header);
            last = header;
        } else {
            append(header, "data");
        }
        snapshot(header.index);
    }

    /// @dev The Vault's two messages, as the L2Bridge executes them.
    function execute(QueuedMessage memory m) internal {
        bytes memory data = new bytes(m.data.length - 4);
        for (uint256 i; i < data.length; ++i) {
            data[i] = m.data[i + 4];
        }
        if (m.mint != 0) {
            (, address to, uint256 amount) = abi.decode(data, (address, address, uint256));
            eth[indexOf(to)] += amount;
        } else {
            (,, address to, uint256 amount) = abi.decode(data, (address, address, address, uint256));
            tokens[indexOf(to)] += amount;
        }
    }

    function indexOf(address user) internal pure returns (uint256) {
        return uint160(user) - 0xAA0000;
    }

    function snapshot(uint256 batch) internal {
        Snapshot storage s = snapshots[batch];
        (s.eth, s.tokens) = (eth, tokens);
        (s.withdrawals, s.messages) = (withdrawals.length, consumed);
        (s.state, s.balances, s.sent) = (new StateTrie(), new StateTrie(), new StateTrie());
        s.balances.setSlot(keccak256("supply"), 1e30);
        s.sent.setSlot(keccak256("count"), 1e30);
        s.sent.setSlot(keccak256("other"), 1e30);
        s.balances.setSlot(keccak256("name"), 1e30);
        for (uint256 i; i < USERS; ++i) {
            s.state.setAccount(users[i], eth[i], keccak256(hex"80"), keccak256(""));
            if (tokens[i] != 0) s.balances.setSlot(Hashing.tokenBalanceSlot(users[i]), tokens[i]);
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

    function proposeNext(uint256 batch) external counted {
        uint64 parentId = settlement.lastFinalClaim();
        // On the newest claim, whether final or not, so that claims form one line.
        if (settlement.claimCount() > 1) parentId = settlement.claimCount() - 1;
        uint64 covered = settlement.claim(parentId).lastBatch;
        uint64 newest = inbox.batchCount() - 1;
        if (newest <= covered) return;
        uint64 lastBatch = uint64(covered + 1 + batch % (newest - covered));
        vm.deal(proposer, 100 ether);
        uint64 id = propose(parentId, lastBatch, Hashing.outputRoot(snapshots[lastBatch].p));
        batchOf[id] = lastBatch;
    }

    function finalizeNext(bool wait) external counted {
        uint64 id = settlement.lastFinalClaim() + 1;
        if (id >= settlement.claimCount()) return;
        uint256 end = uint256(settlement.claim(id).createdAt) + WINDOW;
        if (block.timestamp < end) {
            if (!wait) return;
            vm.warp(end);
        }
        settlement.finalize(id);
    }

    // --- out ---

    /// @dev Whatever the root that counts contains is paid, once.
    function release(uint256 which) external counted {
        (bool exodus, uint64 claimId,,) = vault.exodus();
        if (!exodus) claimId = settlement.lastFinalClaim();
        if (claimId == 0) return;
        Snapshot storage s = snapshots[batchOf[claimId]];
        if (s.withdrawals == 0) return;
        which %= s.withdrawals;
        if (released[which]) return;
        released[which] = true;
        Withdrawal memory w = withdrawals[which];
        vault.release(w, claimId, s.p, s.sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w))));
    }

    /// @dev Rare, so that runs see life before it.
    function startExodus(uint256 chance) external counted {
        if (started() || chance % 8 != 0) return;
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
    }

    function exit(uint256 who, bool ofToken) external counted {
        (bool exodus, uint64 claimId,,) = vault.exodus();
        if (!exodus || claimId == 0) return;
        who %= USERS;
        address user = users[who];
        Snapshot storage s = snapshots[batchOf[claimId]];
        if (ofToken) {
            if (s.tokens[who] == 0 || vault.hasExited(l2Token, user)) return;
            bytes[] memory account = s.state.proveAccount(l2Token);
            bytes[] memory balance = s.balances.proveSlot(Hashing.tokenBalanceSlot(user));
            vm.prank(user, user);
            vault.exitERC20(address(token), user, sink, s.p, account, balance, new bytes[](0));
        } else {
            if (s.eth[who] == 0 || vault.hasExited(address(0), user)) return;
            bytes[] memory account = s.state.proveAccount(user);
            vm.prank(user, user);
            vault.exitETH(user, sink, s.p, account);
        }
    }

    function refund(uint256 which) external counted {
        (bool exodus,,, uint64 count) = vault.exodus();
        if (!exodus || messages.length == count) return;
        which = count + which % (messages.length - count);
        if (vault.isRefunded(uint64(which))) return;
        refundOne(which);
    }

    function refundOne(uint256 which) internal {
        QueuedMessage memory m = messages[which];
        bytes memory data = new bytes(m.data.length - 4);
        for (uint256 i; i < data.length; ++i) {
            data[i] = m.data[i + 4];
        }
        address depositor;
        if (m.mint != 0) (depositor,,) = abi.decode(data, (address, address, uint256));
        else (, depositor,,) = abi.decode(data, (address, address, address, uint256));
        vm.prank(depositor, depositor);
        vault.refund(uint64(which), m, sink);
    }

    /// @dev At the end of a run everybody leaves. Nothing may be left behind.
    function everybodyLeaves() external {
        if (left) return;
        left = true;
        if (settlement.lastFinalClaim() == 0 && !started()) {
            // Genesis' root stands for a state that this model does not build.
            this.append(0, false, 0);
            this.proposeNext(0);
            for (uint64 id = 1; id < settlement.claimCount(); ++id) {
                this.finalizeNext(true);
            }
        }
        if (!started()) {
            vm.warp(vault.exodusOpensAt() + 1);
            vault.startExodus();
        }
        (, uint64 claimId,, uint64 count) = vault.exodus();
        if (claimId == 0) return;
        Snapshot storage s = snapshots[batchOf[claimId]];
        for (uint256 i; i < USERS; ++i) {
            this.exit(i, false);
            this.exit(i, true);
        }
        for (uint256 i; i < s.withdrawals; ++i) {
            this.release(i);
        }
        for (uint256 i = count; i < messages.length; ++i) {
            if (!vault.isRefunded(uint64(i))) refundOne(i);
        }
        vm.assertEq(vault.lockedETH(), 0);
        vm.assertEq(vault.locked(address(token)), 0);
    }

    function books() external view returns (uint256 lockedETH, uint256 heldETH, uint256 locked, uint256 held) {
        return (
            vault.lockedETH(),
            address(vault).balance,
            vault.locked(address(token)),
            token.balanceOf(address(vault))
        );
    }

    function bonds() external view returns (uint256 held, uint256 owed) {
        uint256 pending = settlement.claimCount() - 1 - settlement.credit(proposer) / BOND;
        return (address(settlement).balance, settlement.credit(proposer) + pending * BOND);
    }
}

contract L1InvariantsTest is System {
    L1Handler internal handler;

    function setUp() public override {
        vm.deal(address(this), GENESIS_ETH);
        handler = new L1Handler{value: GENESIS_ETH}();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = handler.depositETH.selector;
        selectors[1] = handler.depositToken.selector;
        selectors[2] = handler.transferOnL2.selector;
        selectors[3] = handler.withdrawOnL2.selector;
        selectors[4] = handler.append.selector;
        selectors[5] = handler.append.selector;
        selectors[6] = handler.proposeNext.selector;
        selectors[7] = handler.finalizeNext.selector;
        selectors[8] = handler.finalizeNext.selector;
        selectors[9] = handler.release.selector;
        selectors[10] = handler.startExodus.selector;
        selectors[11] = handler.exit.selector;
        selectors[12] = handler.exit.selector;
        selectors[13] = handler.refund.selector;
        targets[0].selectors = selectors;
    }

    function invariant_booksAreBacked() public view {
        (uint256 lockedETH, uint256 heldETH, uint256 locked, uint256 held) = handler.books();
        vm.assertEq(lockedETH, heldETH);
        vm.assertEq(locked, held);
        (uint256 bondsHeld, uint256 bondsOwed) = handler.bonds();
        vm.assertEq(bondsHeld, bondsOwed);
    }

    /// @dev Whatever happened before: everybody gets everything.
    function afterInvariant() public {
        handler.everybodyLeaves();
    }

    function test_handler_scenario_coversEveryPath() public {
        handler.depositETH(1, 5 ether);
        handler.depositToken(2, 700);
        handler.append(2, true, 0);
        handler.transferOnL2(0, 3, 9 ether);
        handler.withdrawOnL2(0, 4 ether, false);
        handler.withdrawOnL2(2, 300, true);
        handler.append(0, false, 0);
        handler.proposeNext(1);
        handler.finalizeNext(true);
        handler.release(0);
        handler.depositETH(4, 2 ether);
        handler.depositToken(4, 50);
        handler.append(1, false, 0);
        handler.startExodus(0);
        vm.assertTrue(handler.started());
        handler.release(1);
        handler.exit(0, false);
        handler.exit(2, true);
        handler.refund(1);
        invariant_booksAreBacked();
        handler.everybodyLeaves();
    }
}
