// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashing} from "../../src/libraries/Hashing.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {OutputRootProof, QueuedMessage} from "../../src/libraries/Types.sol";
import {StateTrie} from "./StateTrie.sol";
import {System} from "./System.sol";
import {Log} from "./Test.sol";
import {PlainToken} from "../../src/dev/AwkwardTokens.sol";

/// @notice An L2 whose state is built by hand, claimed, and left to the exodus.
abstract contract ExodusSystem is System {
    bytes32 internal constant NO_CODE = keccak256("");
    bytes32 internal constant NO_STORAGE = keccak256(hex"80");

    StateTrie internal state;
    StateTrie internal balances;
    StateTrie internal weth;
    StateTrie internal sent;
    StateTrie internal feeVault;
    PlainToken internal token;
    address internal l2Token;
    OutputRootProof internal p;
    address internal carol = address(0xCA401);

    function setUp() public virtual override {
        super.setUp();
        (state, balances, weth) = (new StateTrie(), new StateTrie(), new StateTrie());
        (sent, feeVault) = (new StateTrie(), new StateTrie());
        token = new PlainToken();
        l2Token = vault.l2TokenAddress(address(token));
        // So that no trie is a single leaf.
        sent.setSlot(keccak256("somebody's withdrawal"), 1);
        sent.setSlot(keccak256("somebody else's withdrawal"), 1);
        feeVault.setSlot(0, uint256(uint160(bob)));
        feeVault.setSlot(bytes32(uint256(1)), 7 << 248);
    }

    function balanceOf(StateTrie trie, address holder, uint256 amount) internal {
        trie.setSlot(Hashing.tokenBalanceSlot(holder), amount);
    }

    /// @dev Completes the state, claims it, makes it final.
    function settle() internal returns (uint64 claimId) {
        state.setAccount(l2Token, 0, balances.build(), keccak256("token"));
        state.setAccount(Predeploys.WETH, 0, weth.build(), keccak256("weth"));
        state.setAccount(Predeploys.SEQUENCER_FEE_VAULT, 5 ether, feeVault.build(), keccak256("fees"));
        p.messagePasserStorageRoot = sent.build();
        p.stateRoot = state.build();
        p.latestBlockhash = keccak256("the last block");
        claimId = makeFinal(Hashing.outputRoot(p));
    }

    function start() internal {
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
    }

    function deposit(address from, uint256 amount) internal {
        vm.deal(from, from.balance + amount);
        vm.prank(from, from);
        vault.depositETHTo{value: amount}(from, 0, "");
    }

    function depositToken(address from, uint256 amount) internal {
        token.mint(from, amount);
        vm.startPrank(from, from);
        token.approve(address(vault), amount);
        vault.depositERC20To(address(token), l2Token, from, amount, 0, "");
        vm.stopPrank();
    }

    function exitETH(address caller, address origin, address holder, address to) internal {
        bytes[] memory proof = state.proveAccount(holder);
        vm.prank(caller, origin);
        vault.exitETH(holder, to, p, proof);
    }

    function exitToken(address caller, address origin, address holder, address to) internal {
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(holder));
        vm.prank(caller, origin);
        vault.exitERC20(address(token), holder, to, p, account, balance, new bytes[](0));
    }

    /// @dev Alice has ETH, WETH and tokens; bob ETH.
    function prepareState() internal returns (uint64 claimId) {
        deposit(alice, 30 ether);
        deposit(bob, 10 ether);
        depositToken(alice, 500);
        state.setAccount(alice, 20 ether, NO_STORAGE, NO_CODE);
        state.setAccount(bob, 10 ether, NO_STORAGE, NO_CODE);
        balanceOf(balances, alice, 500);
        balanceOf(balances, carol, 0x1234567890);
        balanceOf(weth, alice, 4 ether);
        balanceOf(weth, bob, 1 ether);
        claimId = settle();
    }

    function queued(Log[] memory logs, uint256 i) internal view returns (QueuedMessage memory) {
        Message memory m = messagesIn(logs)[i];
        return QueuedMessage(m.from, m.target, m.mint, m.value, m.gasLimit, m.data);
    }
}
