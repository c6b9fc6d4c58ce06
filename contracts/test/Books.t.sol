// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {BridgedToken} from "../src/L2/BridgedToken.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {OutputRootProof, Withdrawal, WithdrawalState} from "../src/libraries/Types.sol";
import {Switch} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";
import {Log} from "./utils/Test.sol";
import "../src/dev/AwkwardTokens.sol";
import {Trie} from "./utils/Trie.sol";

/// @notice Random users of both layers. Counts what is on the way, so that the books can be checked at any time.
contract BooksHandler is System {
    uint256 internal constant ACTORS = 3;

    /// @dev On L2, and for each token on L1.
    address[] internal l1Actors;
    address[] internal l2Actors;
    address[] public tokens;
    HookToken internal hookToken;
    FalseToken internal falseToken;
    BlacklistToken internal blacklistToken;
    Switch internal l1Switch;
    Switch internal l2Switch;

    Message[] internal inbound;
    Withdrawal[] internal outbound;
    Withdrawal[] internal failed;
    bytes32[] internal done;

    uint256 public inboundETH;
    uint256 public outboundETH;
    mapping(address => uint256) public inboundTokens;
    mapping(address => uint256) public outboundTokens;
    mapping(bytes4 => uint256) public calls;

    constructor() payable {
        setUp();
        l1Switch = new Switch();
        l2Switch = new Switch();
        hookToken = new HookToken();
        falseToken = new FalseToken();
        blacklistToken = new BlacklistToken();
        tokens = [
            address(new PlainToken()),
            address(new FeeToken()),
            address(new NoReturnToken()),
            address(hookToken),
            address(falseToken),
            address(blacklistToken),
            address(new HugeNameToken())
        ];
        for (uint256 i; i < ACTORS; ++i) {
            l1Actors.push(user(string.concat("L1 actor ", vm.toString(i))));
            l2Actors.push(user(string.concat("L2 actor ", vm.toString(i))));
            vm.deal(l1Actors[i], 1e6 ether);
            for (uint256 j; j < tokens.length; ++j) {
                PlainToken(tokens[j]).mint(l1Actors[i], 1e30);
                vm.prank(l1Actors[i]);
                NoReturnToken(tokens[j]).approve(address(vault), type(uint256).max);
            }
        }
        l1Actors.push(address(l1Switch));
        l2Actors.push(address(l2Switch));
        // Genesis ETH of L2.
        vm.deal(l2Actors[0], GENESIS_ETH);
    }

    // --- actions ---

    function depositETH(uint256 actor, uint256 to, uint256 amount, bool reject) external {
        l2Switch.setRefuses(reject);
        address sender = l1Actors[actor % ACTORS];
        vm.recordLogs();
        vm.prank(sender, sender);
        vault.depositETHTo{value: bound(amount, 1, 100 ether)}(l2Actors[to % l2Actors.length], 0, "");
        collect();
        ++calls[this.depositETH.selector];
    }

    function sendMessage(uint256 actor, uint256 to, uint256 amount) external {
        address sender = l1Actors[actor % ACTORS];
        amount = bound(amount, 1, 100 ether);
        vm.recordLogs();
        vm.prank(sender, sender);
        queue.send{value: amount}(l2Actors[to % ACTORS], amount, 50_000, "");
        collect();
    }

    function depositToken(uint256 actor, uint256 token, uint256 to, uint256 amount) external {
        address sender = l1Actors[actor % ACTORS];
        address l1Token = tokens[token % tokens.length];
        address l2Token = vault.l2TokenAddress(l1Token);
        if (l1Token == address(hookToken)) {
            bytes memory again = abi.encodeCall(vault.depositERC20To, (l1Token, l2Token, sender, 5, 0, ""));
            hookToken.setHook(address(vault), again);
        }
        vm.recordLogs();
        vm.prank(sender, sender);
        try vault.depositERC20To(l1Token, l2Token, l2Actors[to % ACTORS], bound(amount, 200, 1e24), 0, "") {
            ++calls[this.depositToken.selector];
        } catch {
            // Only tokens that were told to refuse.
            require(l1Token == address(falseToken) || l1Token == address(blacklistToken), "deposit failed");
        }
        collect();
    }

    function toggleTokens(bool refuses, bool blocked, uint256 actor) external {
        falseToken.setRefuses(refuses);
        blacklistToken.setBlocked(l1Actors[actor % ACTORS], blocked);
    }

    function deliverMessage() external {
        if (inbound.length == 0) return;
        Message memory m = inbound[inbound.length - 1];
        inbound.pop();
        inboundETH -= m.mint;
        address l1Token;
        uint256 amount;
        if (m.mint == 0) {
            (l1Token, amount) = tokenOf(m.data);
            inboundTokens[l1Token] -= amount;
        }
        // On L2 the sender of a plain message is the same account as on L1; here it pays from elsewhere.
        if (m.from != aliasedVault()) m.from = address(0xbeef);
        vm.recordLogs();
        require(executeOnL2(m), "a deposit reverted on L2");
        require(m.from.balance == 0, "ETH stuck with the sender on L2");
        collect();
        ++calls[this.deliverMessage.selector];
    }

    function withdrawETH(uint256 actor, uint256 to, uint256 amount) external {
        address sender = l2Actors[actor % ACTORS];
        if (sender.balance == 0) return;
        amount = bound(amount, 1, sender.balance);
        vm.recordLogs();
        vm.prank(sender);
        bridge.withdrawTo{value: amount}(Predeploys.ETH, l1Actors[to % l1Actors.length], amount, 50_000, "");
        collect();
        ++calls[this.withdrawETH.selector];
    }

    function withdrawToken(uint256 actor, uint256 token, uint256 to, uint256 amount) external {
        address sender = l2Actors[actor % ACTORS];
        address l2Token = vault.l2TokenAddress(tokens[token % tokens.length]);
        if (l2Token.code.length == 0) return;
        uint256 balance = BridgedToken(l2Token).balanceOf(sender);
        if (balance == 0) return;
        vm.recordLogs();
        vm.prank(sender);
        bridge.withdrawTo(l2Token, l1Actors[to % ACTORS], bound(amount, 1, balance), 0, "");
        collect();
        ++calls[this.withdrawToken.selector];
    }

    function releaseNext(uint256 seed, bool reject) external {
        if (outbound.length == 0) return;
        l1Switch.setRefuses(reject);
        Withdrawal memory w = take(outbound, seed);
        (OutputRootProof memory p, bytes[] memory proof) = outputFor(w);
        vm.mockCall(
            address(settlement),
            abi.encodeCall(ISettlement.finalOutputRoot, (7)),
            abi.encode(Hashing.outputRoot(p))
        );
        vm.recordLogs();
        vault.release(w, 7, p, proof);
        settle(w);
        try vault.release(w, 7, p, proof) {
            revert("released twice");
        } catch {}
        ++calls[this.releaseNext.selector];
    }

    function retryFailed(uint256 seed, bool reject) external {
        if (failed.length == 0) return;
        l1Switch.setRefuses(reject);
        Withdrawal memory w = take(failed, seed);
        vm.recordLogs();
        vault.retry(w);
        settle(w);
        ++calls[this.retryFailed.selector];
    }

    function retryDone(uint256 seed) external {
        if (done.length == 0) return;
        require(vault.withdrawalState(done[seed % done.length]) == WithdrawalState.Done, "done is for good");
    }

    function burnOnL2() external {
        passer.burn();
    }

    // --- books ---

    function l2ETH() external view returns (uint256 sum) {
        for (uint256 i; i < l2Actors.length; ++i) {
            sum += l2Actors[i].balance;
        }
        sum += address(bridge).balance + aliasedVault().balance;
    }

    function books()
        external
        view
        returns (uint256 lockedETH, uint256 vaultETH, uint256 courierETH, uint256 queueETH)
    {
        return (vault.lockedETH(), address(vault).balance, address(courier).balance, address(queue).balance);
    }

    function tokenBooks(uint256 i)
        external
        view
        returns (address l1Token, uint256 locked, uint256 held, uint256 supply)
    {
        l1Token = tokens[i];
        locked = vault.locked(l1Token);
        held = PlainToken(l1Token).balanceOf(address(vault));
        address l2Token = vault.l2TokenAddress(l1Token);
        if (l2Token.code.length != 0) supply = BridgedToken(l2Token).totalSupply();
    }

    function tokenCount() external view returns (uint256) {
        return tokens.length;
    }

    // --- internals ---

    /// @dev Puts what the last action sent on its way.
    function collect() internal {
        Log[] memory logs = vm.getRecordedLogs();
        Message[] memory messages = messagesIn(logs);
        for (uint256 i; i < messages.length; ++i) {
            inbound.push(messages[i]);
            inboundETH += messages[i].mint;
            if (messages[i].mint == 0) {
                (address l1Token, uint256 amount) = tokenOf(messages[i].data);
                inboundTokens[l1Token] += amount;
            }
        }
        Withdrawal[] memory withdrawals = withdrawalsIn(logs);
        for (uint256 i; i < withdrawals.length; ++i) {
            outbound.push(withdrawals[i]);
            count(withdrawals[i], true);
        }
    }

    function settle(Withdrawal memory w) internal {
        bytes32 hash = Hashing.withdrawalHash(w);
        if (vault.withdrawalState(hash) == WithdrawalState.Failed) {
            failed.push(w);
        } else {
            done.push(hash);
            count(w, false);
        }
        collect();
    }

    function count(Withdrawal memory w, bool sent) internal {
        if (w.data.length == 0) {
            outboundETH = sent ? outboundETH + w.value : outboundETH - w.value;
        } else {
            (address l1Token,,, uint256 amount,) =
                abi.decode(tail(w.data), (address, address, address, uint256, bytes));
            outboundTokens[l1Token] =
                sent ? outboundTokens[l1Token] + amount : outboundTokens[l1Token] - amount;
        }
    }

    function take(Withdrawal[] storage list, uint256 seed) internal returns (Withdrawal memory w) {
        uint256 i = seed % list.length;
        w = list[i];
        list[i] = list[list.length - 1];
        list.pop();
    }

    /// @dev Token and amount of a token deposit.
    function tokenOf(bytes memory data) internal pure returns (address l1Token, uint256 amount) {
        (l1Token,,, amount) = abi.decode(tail(data), (address, address, address, uint256));
    }

    /// @dev Without the selector.
    function tail(bytes memory data) internal pure returns (bytes memory rest) {
        rest = new bytes(data.length - 4);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = data[i + 4];
        }
    }
}

contract BooksTest is System {
    BooksHandler internal handler;

    function setUp() public override {
        vm.deal(address(this), GENESIS_ETH);
        handler = new BooksHandler{value: GENESIS_ETH}();
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
        selectors[1] = handler.sendMessage.selector;
        selectors[2] = handler.depositToken.selector;
        selectors[3] = handler.depositToken.selector;
        selectors[4] = handler.toggleTokens.selector;
        selectors[5] = handler.deliverMessage.selector;
        selectors[6] = handler.deliverMessage.selector;
        selectors[7] = handler.deliverMessage.selector;
        selectors[8] = handler.withdrawETH.selector;
        selectors[9] = handler.withdrawToken.selector;
        selectors[10] = handler.releaseNext.selector;
        selectors[11] = handler.retryFailed.selector;
        selectors[12] = handler.retryDone.selector;
        selectors[13] = handler.burnOnL2.selector;
        targets[0].selectors = selectors;
    }

    /// @dev Locked on L1 = what L2 holds, and what is on its way in either direction.
    function invariant_ETH_lockedEqualsMinted() public view {
        (uint256 locked, uint256 held, uint256 courierETH, uint256 queueETH) = handler.books();
        vm.assertEq(locked, handler.l2ETH() + handler.inboundETH() + handler.outboundETH());
        vm.assertGe(held, locked);
        vm.assertEq(courierETH, 0);
        vm.assertEq(queueETH, 0);
    }

    function invariant_tokens_lockedEqualsMinted() public view {
        for (uint256 i; i < handler.tokenCount(); ++i) {
            (address l1Token, uint256 locked, uint256 held, uint256 supply) = handler.tokenBooks(i);
            vm.assertEq(locked, supply + handler.inboundTokens(l1Token) + handler.outboundTokens(l1Token));
            vm.assertGe(held, locked);
        }
    }

    /// @dev The handler reaches every path it is meant to.
    function test_handler_scenario_coversEveryPath() public {
        handler.depositETH(0, 3, 5 ether, true);
        handler.deliverMessage();
        handler.releaseNext(0, false);
        handler.withdrawETH(0, 3, 1 ether);
        handler.releaseNext(0, true);
        handler.retryFailed(0, false);
        for (uint256 i; i < handler.tokenCount(); ++i) {
            handler.depositToken(0, i, 1, 1000);
            handler.deliverMessage();
            handler.withdrawToken(1, i, 0, 500);
            handler.toggleTokens(true, true, 0);
            handler.releaseNext(0, false);
            handler.toggleTokens(false, false, 0);
            handler.retryFailed(0, false);
        }
        vm.assertEq(handler.calls(handler.releaseNext.selector), 2 + handler.tokenCount());
        vm.assertEq(handler.calls(handler.retryFailed.selector), 3);
        invariant_ETH_lockedEqualsMinted();
        invariant_tokens_lockedEqualsMinted();
    }
}
