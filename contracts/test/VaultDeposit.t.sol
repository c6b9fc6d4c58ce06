// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vault} from "../src/L1/Vault.sol";
import {BridgedToken} from "../src/L2/BridgedToken.sol";
import {IL2Bridge} from "../src/interfaces/IL2Bridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import "../src/libraries/Errors.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {TokenMetadata} from "../src/libraries/TokenMetadata.sol";
import {Test} from "./utils/Test.sol";
import {Caller} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";
import "../src/dev/AwkwardTokens.sol";

contract VaultDepositTest is System {
    PlainToken internal token;
    address internal l2Token;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        token.mint(alice, 1e12);
        vm.prank(alice);
        token.approve(address(vault), type(uint256).max);
        l2Token = vault.l2TokenAddress(address(token));
    }

    function deposited() internal returns (Message memory) {
        return messagesIn(vm.getRecordedLogs())[0];
    }

    function depositToken(address l1Token, uint256 amount) internal {
        address expected = vault.l2TokenAddress(l1Token);
        vm.prank(alice, alice);
        vault.depositERC20(l1Token, expected, amount, 0, "");
    }

    function test_constructor_badParameters_revert() public {
        (address q, address c) = (address(queue), address(settlement));
        vm.expectRevert(ZeroAddress.selector);
        new Vault(address(0), c, address(1), address(0), address(0), EXODUS_DELAY);
        vm.expectRevert(ZeroAddress.selector);
        new Vault(q, address(0), address(1), address(0), address(0), EXODUS_DELAY);
        vm.expectRevert(ZeroAddress.selector);
        new Vault(q, c, address(0), address(0), address(0), EXODUS_DELAY);
        vm.expectRevert(InvalidParameter.selector);
        new Vault(q, c, address(1), address(0), address(0), 2 * MAX_DELAY - 1);
        new Vault(q, c, address(1), address(0), address(0), 2 * MAX_DELAY);
    }

    function test_constructor_value_isLocked() public view {
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
        vm.assertEq(address(vault).balance, GENESIS_ETH);
    }

    // --- ETH ---

    function checkETHMessage(Message memory m, address from, address to, uint256 amount, bytes memory extra)
        internal
        view
    {
        vm.assertEq(m.from, aliasedVault());
        vm.assertEq(m.target, Predeploys.L2_BRIDGE);
        vm.assertEq(m.mint, amount);
        vm.assertEq(m.value, amount);
        vm.assertEq(m.data, abi.encodeCall(IL2Bridge.finalizeETHDeposit, (from, to, amount, extra)));
    }

    function test_depositETH_keyedAccount_sendsMessage() public {
        vm.recordLogs();
        vm.prank(alice, alice);
        vault.depositETH{value: 2 ether}(70_000, "hi");
        Message memory m = deposited();
        checkETHMessage(m, alice, alice, 2 ether, "hi");
        vm.assertEq(m.gasLimit, vault.ethDepositGas(70_000, m.data.length));
        vm.assertEq(vault.lockedETH(), GENESIS_ETH + 2 ether);
        vm.assertEq(address(vault).balance, GENESIS_ETH + 2 ether);
    }

    function test_depositETHTo_anyone_emits() public {
        vm.expectEmit();
        emit IVault.ETHDepositInitiated(alice, bob, 1 ether, "x", 0);
        vm.prank(alice, alice);
        vault.depositETHTo{value: 1 ether}(bob, 0, "x");
    }

    function test_receive_keyedAccount_deposits() public {
        vm.recordLogs();
        vm.prank(alice, alice);
        (bool success,) = address(vault).call{value: 1 ether}("");
        vm.assertTrue(success);
        checkETHMessage(deposited(), alice, alice, 1 ether, "");
    }

    function test_depositETH_contract_reverts() public {
        Caller caller = new Caller();
        vm.expectRevert(abi.encodeWithSelector(OnlyEOA.selector, address(caller)));
        vm.prank(alice, alice);
        caller.call{value: 1 ether}(address(vault), abi.encodeCall(vault.depositETH, (0, "")));
        vm.expectRevert(abi.encodeWithSelector(OnlyEOA.selector, address(caller)));
        vm.prank(alice, alice);
        caller.call{value: 1 ether}(address(vault), "");
    }

    function test_depositETHTo_contract_keepsRealSender() public {
        Caller caller = new Caller();
        vm.recordLogs();
        vm.prank(alice, alice);
        caller.call{value: 1 ether}(address(vault), abi.encodeCall(vault.depositETHTo, (bob, 0, "")));
        checkETHMessage(deposited(), address(caller), bob, 1 ether, "");
    }

    function test_depositETH_delegatedAccount_succeeds() public {
        vm.etch(alice, abi.encodePacked(hex"ef0100", address(new Caller())));
        vm.prank(alice, bob);
        vault.depositETH{value: 1 ether}(0, "");
        vm.assertEq(queue.count(), 1);
    }

    function test_depositETH_nothing_reverts() public {
        vm.expectRevert(ZeroAmount.selector);
        vm.prank(alice, alice);
        vault.depositETH(0, "");
    }

    function test_depositETHTo_zeroAddress_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        vm.prank(alice, alice);
        vault.depositETHTo{value: 1}(address(0), 0, "");
    }

    function test_lock_notQueue_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        vault.lock{value: 1}();
    }

    // --- tokens ---

    function test_depositERC20_plainToken_sendsMessage() public {
        vm.recordLogs();
        vm.prank(alice, alice);
        vault.depositERC20(address(token), l2Token, 5e6, 1234, "memo");
        Message memory m = deposited();
        vm.assertEq(m.from, aliasedVault());
        vm.assertEq(m.target, Predeploys.L2_BRIDGE);
        vm.assertEq(m.mint, 0);
        vm.assertEq(m.value, 0);
        vm.assertEq(m.gasLimit, vault.erc20DepositGas(1234, m.data.length));
        vm.assertEq(
            m.data,
            abi.encodeCall(
                IL2Bridge.finalizeERC20Deposit,
                (address(token), alice, alice, 5e6, "Plain Token", "PLAIN", 6, "memo")
            )
        );
        vm.assertEq(vault.locked(address(token)), 5e6);
        vm.assertEq(token.balanceOf(address(vault)), 5e6);
    }

    function test_depositERC20To_emits() public {
        vm.expectEmit();
        emit IVault.ERC20DepositInitiated(address(token), l2Token, alice, bob, 5e6, "memo", 0);
        vm.prank(alice, alice);
        vault.depositERC20To(address(token), l2Token, bob, 5e6, 0, "memo");
    }

    function test_depositERC20_contract_reverts() public {
        Caller caller = new Caller();
        bytes memory input = abi.encodeCall(vault.depositERC20, (address(token), l2Token, 1, 0, ""));
        vm.expectRevert(abi.encodeWithSelector(OnlyEOA.selector, address(caller)));
        vm.prank(alice, alice);
        caller.call(address(vault), input);
    }

    function test_depositERC20_badArguments_revert() public {
        vm.startPrank(alice, alice);
        vm.expectRevert(ZeroAddress.selector);
        vault.depositERC20To(address(token), l2Token, address(0), 1, 0, "");
        vm.expectRevert(ZeroAmount.selector);
        vault.depositERC20(address(token), l2Token, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(NotAToken.selector, bob));
        vault.depositERC20(bob, l2Token, 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(UnexpectedL2Token.selector, l2Token, bob));
        vault.depositERC20(address(token), bob, 1, 0, "");
    }

    function test_depositERC20_feeOnTransfer_creditsWhatArrived() public {
        FeeToken fee = new FeeToken();
        fee.mint(alice, 1000);
        vm.prank(alice);
        fee.approve(address(vault), 1000);
        vm.recordLogs();
        depositToken(address(fee), 1000);
        vm.assertEq(vault.locked(address(fee)), 990);
        vm.assertEq(fee.balanceOf(address(vault)), 990);
        vm.assertEq(
            deposited().data,
            abi.encodeCall(
                IL2Bridge.finalizeERC20Deposit,
                (address(fee), alice, alice, 990, "Plain Token", "PLAIN", 6, "")
            )
        );
    }

    function test_depositERC20_noReturn_succeeds() public {
        NoReturnToken odd = new NoReturnToken();
        odd.mint(alice, 100);
        vm.prank(alice);
        odd.approve(address(vault), 100);
        depositToken(address(odd), 100);
        vm.assertEq(vault.locked(address(odd)), 100);
    }

    function test_depositERC20_falseReturn_reverts() public {
        FalseToken odd = new FalseToken();
        odd.mint(alice, 100);
        vm.prank(alice);
        odd.approve(address(vault), 100);
        odd.setRefuses(true);
        address expected = vault.l2TokenAddress(address(odd));
        vm.expectRevert();
        vm.prank(alice, alice);
        vault.depositERC20(address(odd), expected, 100, 0, "");
    }

    function test_depositERC20_reentered_creditsOnce() public {
        HookToken odd = new HookToken();
        odd.mint(alice, 100);
        odd.mint(address(odd), 100);
        vm.prank(alice);
        odd.approve(address(vault), 100);
        vm.prank(address(odd));
        odd.approve(address(vault), 100);
        address expected = vault.l2TokenAddress(address(odd));
        odd.setHook(
            address(vault), abi.encodeCall(vault.depositERC20To, (address(odd), expected, bob, 100, 0, ""))
        );
        depositToken(address(odd), 100);
        vm.assertFalse(odd.hookSucceeded());
        vm.assertEq(vault.locked(address(odd)), 100);
        vm.assertEq(odd.balanceOf(address(vault)), 100);
        vm.assertEq(queue.count(), 1);
    }

    function test_depositERC20_hugeName_isCut() public {
        HugeNameToken odd = new HugeNameToken();
        odd.mint(alice, 100);
        vm.prank(alice);
        odd.approve(address(vault), 100);
        vm.recordLogs();
        depositToken(address(odd), 100);
        vm.assertEq(
            deposited().data,
            abi.encodeCall(
                IL2Bridge.finalizeERC20Deposit,
                (
                    address(odd),
                    alice,
                    alice,
                    100,
                    string(new bytes(64)),
                    "0123456789012345678901234567890123456789012345678901234567890123",
                    6,
                    ""
                )
            )
        );
    }

    function testFuzz_depositERC20_starvedOfGas_neverLosesTheName(uint256 gasLimit) public {
        vm.recordLogs();
        bytes memory input = abi.encodeCall(vault.depositERC20, (address(token), l2Token, 1, 0, ""));
        vm.prank(alice, alice);
        (bool success,) = address(vault).call{gas: bound(gasLimit, 100_000, 500_000)}(input);
        if (!success) return;
        vm.assertEq(
            deposited().data,
            abi.encodeCall(
                IL2Bridge.finalizeERC20Deposit,
                (address(token), alice, alice, 1, "Plain Token", "PLAIN", 6, "")
            )
        );
    }

    function test_l2TokenAddress_matchesFactory() public view {
        vm.assertEq(l2Token, factory.tokenAddress(address(token)));
    }
}

/// @notice Answers every call with the same bytes.
contract MetadataStub {
    bytes internal _answer;
    uint256 internal _mode;

    constructor(bytes memory answer, uint256 mode) {
        (_answer, _mode) = (answer, mode);
    }

    fallback() external {
        bytes memory answer = _answer;
        if (_mode == 1) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        if (_mode == 2) while (true) {}
        assembly {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

contract TokenMetadataTest is Test {
    function stub(bytes memory answer, uint256 mode) internal returns (address) {
        return address(new MetadataStub(answer, mode));
    }

    function readName(address token) external view returns (string memory) {
        return TokenMetadata.name(token);
    }

    function test_name_bytes32_isTrimmed() public {
        vm.assertEq(TokenMetadata.name(stub(abi.encode(bytes32("Maker")), 0)), "Maker");
        vm.assertEq(TokenMetadata.name(stub(abi.encode(bytes32(0)), 0)), "");
        bytes32 full = "01234567890123456789012345678901";
        vm.assertEq(TokenMetadata.symbol(stub(abi.encode(full), 0)), "01234567890123456789012345678901");
    }

    function test_name_string_lengths() public {
        for (uint256 length; length < 130; length += 16) {
            bytes memory text = new bytes(length);
            for (uint256 i; i < length; ++i) {
                text[i] = bytes1(uint8(65 + i % 26));
            }
            bytes memory kept = text;
            if (length > 64) {
                kept = new bytes(64);
                for (uint256 i; i < 64; ++i) {
                    kept[i] = text[i];
                }
            }
            vm.assertEq(bytes(TokenMetadata.name(stub(abi.encode(text), 0))), kept);
        }
    }

    function test_name_missingOrBroken_isEmpty() public {
        vm.assertEq(TokenMetadata.name(stub("", 0)), "");
        vm.assertEq(TokenMetadata.name(stub(hex"01", 0)), "");
        vm.assertEq(TokenMetadata.name(stub(abi.encode("reason"), 1)), "");
        vm.assertEq(TokenMetadata.name(stub("", 2)), "");
        vm.assertEq(TokenMetadata.name(stub(abi.encode(uint256(0x40), uint256(4), "text"), 0)), "");
        // A length that promises more than there is.
        vm.assertEq(TokenMetadata.name(stub(abi.encode(uint256(0x20), type(uint256).max), 0)), "");
        bytes memory short = abi.encodePacked(uint256(0x20), uint256(9), "abc");
        vm.assertEq(TokenMetadata.name(stub(short, 0)), "abc");
    }

    function test_decimals_cases() public {
        vm.assertEq(TokenMetadata.decimals(stub(abi.encode(uint256(6)), 0)), 6);
        vm.assertEq(TokenMetadata.decimals(stub(abi.encode(uint256(0)), 0)), 0);
        vm.assertEq(TokenMetadata.decimals(stub(abi.encode(uint256(255)), 0)), 255);
        vm.assertEq(TokenMetadata.decimals(stub(abi.encode(uint256(256)), 0)), 18);
        vm.assertEq(TokenMetadata.decimals(stub("", 0)), 18);
        vm.assertEq(TokenMetadata.decimals(stub(abi.encode(uint256(6)), 1)), 18);
    }

    function test_name_tooLittleGas_reverts() public {
        address token = stub(abi.encode("Token"), 0);
        vm.expectRevert(InsufficientGas.selector);
        this.readName{gas: 60_000}(token);
    }

    function testFuzz_name_anyAnswer_neverReverts(bytes memory answer) public {
        vm.assertLe(bytes(TokenMetadata.name(stub(answer, 0))).length, 64);
    }
}
