// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgedToken} from "../src/L2/BridgedToken.sol";
import {IL2Bridge} from "../src/interfaces/IL2Bridge.sol";
import {IBridgedTokenFactory} from "../src/interfaces/IBridgedTokenFactory.sol";
import {ILegacyMintableERC20, IOptimismMintableERC20} from "../src/interfaces/IBridgedToken.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import "../src/libraries/Errors.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {Withdrawal} from "../src/libraries/Types.sol";
import {Bomb, GasEater, Hook, Switch} from "./utils/Receivers.sol";
import {Log} from "./utils/Test.sol";
import {System} from "./utils/System.sol";

contract L2BridgeTest is System {
    address internal constant ETH = Predeploys.ETH;
    address internal constant L1_TOKEN = address(0x70cE7);

    address internal carol = user("carol on L2");

    function depositETH(address to, uint256 amount, uint32 minGasLimit) internal returns (bool) {
        vm.recordLogs();
        vm.prank(alice, alice);
        vault.depositETHTo{value: amount}(to, minGasLimit, "");
        return executeOnL2(messagesIn(vm.getRecordedLogs())[0]);
    }

    function mint(address to, uint256 amount) internal returns (BridgedToken token) {
        vm.prank(aliasedVault());
        bridge.finalizeERC20Deposit(L1_TOKEN, alice, to, amount, "Token", "TKN", 6, "");
        return BridgedToken(factory.tokenAddress(L1_TOKEN));
    }

    function passed() internal returns (Withdrawal memory) {
        return withdrawalsIn(vm.getRecordedLogs())[0];
    }

    // --- deposits of ETH ---

    function test_finalizeETHDeposit_account_isPaid() public {
        vm.assertTrue(depositETH(carol, 2 ether, 0));
        vm.assertEq(carol.balance, 2 ether);
        vm.assertEq(aliasedVault().balance, 0);
    }

    function test_finalizeETHDeposit_emits() public {
        vm.deal(aliasedVault(), 1 ether);
        vm.expectEmit();
        emit IL2Bridge.DepositFinalized(address(0), ETH, alice, carol, 1 ether, "x");
        vm.prank(aliasedVault());
        bridge.finalizeETHDeposit{value: 1 ether}(alice, carol, 1 ether, "x");
    }

    function checkReturned(address to, uint32 minGasLimit) internal {
        vm.recordLogs();
        vm.assertTrue(depositETH(to, 2 ether, minGasLimit));
        Withdrawal memory w = passed();
        vm.assertEq(w.sender, Predeploys.L2_BRIDGE);
        vm.assertEq(w.target, alice);
        vm.assertEq(w.value, 2 ether);
        vm.assertEq(w.data.length, 0);
        vm.assertEq(aliasedVault().balance, 0);
        vm.assertEq(address(bridge).balance, 0);
        vm.assertEq(address(passer).balance, 2 ether);
    }

    function test_finalizeETHDeposit_refused_returns() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        checkReturned(address(receiver), 0);
    }

    function test_finalizeETHDeposit_gasEater_returns() public {
        checkReturned(address(new GasEater()), 3_000_000);
    }

    function test_finalizeETHDeposit_bomb_returns() public {
        checkReturned(address(new Bomb()), 3_000_000);
    }

    function test_finalizeETHDeposit_bridgeOrPasser_returns() public {
        checkReturned(Predeploys.L2_BRIDGE, 0);
        vm.deal(address(passer), 0);
        checkReturned(Predeploys.MESSAGE_PASSER, 0);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_finalizeETHDeposit_minGasLimit_isMet(uint32 minGasLimit) public {
        minGasLimit = uint32(bound(minGasLimit, 0, 9_000_000));
        GasMeter meter = new GasMeter();
        vm.assertTrue(depositETH(address(meter), 1 ether, minGasLimit));
        vm.assertGe(meter.got() + 100, minGasLimit);
        vm.assertEq(address(meter).balance, 1 ether);
    }

    function test_finalizeETHDeposit_receiverWithdrawsAgain_balances() public {
        Hook hook = new Hook();
        hook.set(address(bridge), abi.encodeCall(bridge.withdraw, (ETH, 0, 0, "")));
        vm.assertTrue(depositETH(address(hook), 1 ether, 500_000));
        vm.assertTrue(hook.called());
        vm.assertFalse(hook.succeeded());
        vm.assertEq(address(hook).balance, 1 ether);
    }

    function test_finalizeETHDeposit_notVault_reverts() public {
        vm.deal(address(vault), 10 ether);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(vault)));
        vm.prank(address(vault));
        bridge.finalizeETHDeposit{value: 1}(alice, carol, 1, "");
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        bridge.finalizeETHDeposit{value: 1}(alice, carol, 1, "");
    }

    function test_finalizeETHDeposit_wrongValue_reverts() public {
        vm.deal(aliasedVault(), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 2, 1));
        vm.prank(aliasedVault());
        bridge.finalizeETHDeposit{value: 1}(alice, carol, 2, "");
    }

    // --- deposits of tokens ---

    function test_finalizeERC20Deposit_first_createsToken() public {
        address expected = factory.tokenAddress(L1_TOKEN);
        vm.expectEmit();
        emit IBridgedTokenFactory.TokenCreated(L1_TOKEN, expected, "Token", "TKN", 6);
        vm.expectEmit();
        emit IL2Bridge.DepositFinalized(L1_TOKEN, expected, alice, carol, 500, "");
        BridgedToken token = mint(carol, 500);
        vm.assertEq(token.name(), "Token");
        vm.assertEq(token.symbol(), "TKN");
        vm.assertEq(token.decimals(), 6);
        vm.assertEq(token.l1Token(), L1_TOKEN);
        vm.assertEq(token.balanceOf(carol), 500);
        vm.assertEq(token.totalSupply(), 500);
        vm.assertTrue(factory.isBridged(address(token)));
        vm.assertEq(factory.l1TokenOf(address(token)), L1_TOKEN);
        vm.assertFalse(factory.isBridged(L1_TOKEN));
    }

    function test_finalizeERC20Deposit_second_keepsMetadata() public {
        mint(carol, 500);
        vm.prank(aliasedVault());
        bridge.finalizeERC20Deposit(L1_TOKEN, alice, carol, 1, "Other", "OTH", 18, "");
        BridgedToken token = BridgedToken(factory.tokenAddress(L1_TOKEN));
        vm.assertEq(token.name(), "Token");
        vm.assertEq(token.totalSupply(), 501);
    }

    function test_finalizeERC20Deposit_supplyOverflow_returns() public {
        mint(carol, type(uint256).max);
        vm.recordLogs();
        mint(carol, 7);
        Withdrawal memory w = passed();
        vm.assertEq(w.target, address(vault));
        vm.assertEq(w.sender, Predeploys.L2_BRIDGE);
        vm.assertEq(w.value, 0);
        vm.assertEq(w.data, abi.encodeCall(IVault.finalizeWithdrawal, (L1_TOKEN, carol, alice, 7, "")));
    }

    function test_finalizeERC20Deposit_longestMetadata_fitsItsGas() public {
        string memory text = "0123456789012345678901234567890123456789012345678901234567890123";
        bytes memory data = abi.encodeCall(
            IL2Bridge.finalizeERC20Deposit, (L1_TOKEN, alice, carol, 1, text, text, 6, new bytes(1000))
        );
        uint64 gasLimit = vault.erc20DepositGas(0, data.length);
        vm.assertTrue(executeOnL2(Message(aliasedVault(), address(bridge), 0, 0, gasLimit, data)));
        vm.assertEq(BridgedToken(factory.tokenAddress(L1_TOKEN)).name(), text);
    }

    function test_finalizeERC20Deposit_longestMetadataAndReturn_fitsItsGas() public {
        // Creating the token and, as if minting failed, returning the deposit.
        string memory text = "0123456789012345678901234567890123456789012345678901234567890123";
        vm.mockCallRevert(
            factory.tokenAddress(L1_TOKEN), abi.encodeCall(ILegacyMintableERC20.mint, (carol, 1)), "no"
        );
        bytes memory data = abi.encodeCall(
            IL2Bridge.finalizeERC20Deposit, (L1_TOKEN, alice, carol, 1, text, text, 6, new bytes(1000))
        );
        vm.etch(factory.tokenAddress(L1_TOKEN), "");
        uint64 gasLimit = vault.erc20DepositGas(0, data.length);
        vm.recordLogs();
        vm.assertTrue(executeOnL2(Message(aliasedVault(), address(bridge), 0, 0, gasLimit, data)));
        vm.assertEq(passed().target, address(vault));
    }

    function test_finalizeERC20Deposit_notVault_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        bridge.finalizeERC20Deposit(L1_TOKEN, alice, carol, 1, "", "", 0, "");
    }

    // --- withdrawals ---

    function test_withdraw_ETH_passesMessage() public {
        vm.deal(carol, 3 ether);
        vm.recordLogs();
        vm.prank(carol);
        bridge.withdraw{value: 3 ether}(ETH, 3 ether, 70_000, "extra");
        Withdrawal memory w = passed();
        vm.assertEq(w.sender, Predeploys.L2_BRIDGE);
        vm.assertEq(w.target, carol);
        vm.assertEq(w.value, 3 ether);
        vm.assertEq(w.gasLimit, 70_000);
        vm.assertEq(w.data.length, 0);
    }

    function test_withdrawTo_emits() public {
        vm.deal(carol, 3 ether);
        vm.expectEmit();
        emit IL2Bridge.WithdrawalInitiated(address(0), ETH, carol, bob, 3 ether, "extra");
        vm.prank(carol);
        bridge.withdrawTo{value: 3 ether}(ETH, bob, 3 ether, 0, "extra");
    }

    function test_withdraw_token_burnsAndPassesMessage() public {
        BridgedToken token = mint(carol, 500);
        vm.recordLogs();
        vm.prank(carol);
        bridge.withdrawTo(address(token), bob, 200, 1000, "memo");
        Withdrawal memory w = passed();
        vm.assertEq(token.balanceOf(carol), 300);
        vm.assertEq(token.totalSupply(), 300);
        vm.assertEq(w.sender, Predeploys.L2_BRIDGE);
        vm.assertEq(w.target, address(vault));
        vm.assertEq(w.value, 0);
        vm.assertEq(w.gasLimit, 201_000 + 16 * 4);
        vm.assertEq(w.data, abi.encodeCall(IVault.finalizeWithdrawal, (L1_TOKEN, carol, bob, 200, "memo")));
    }

    function test_withdraw_badArguments_revert() public {
        BridgedToken token = mint(carol, 500);
        vm.deal(carol, 3 ether);
        vm.startPrank(carol);
        vm.expectRevert(ZeroAmount.selector);
        bridge.withdraw(ETH, 0, 0, "");
        vm.expectRevert(ZeroAddress.selector);
        bridge.withdrawTo{value: 1}(ETH, address(0), 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 2, 1));
        bridge.withdraw{value: 1}(ETH, 2, 0, "");
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 0, 1));
        bridge.withdraw{value: 1}(address(token), 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(NotBridged.selector, L1_TOKEN));
        bridge.withdraw(L1_TOKEN, 1, 0, "");
        vm.expectRevert();
        bridge.withdraw(address(token), 501, 0, "");
        vm.expectRevert(abi.encodeWithSelector(WithdrawalGasTooHigh.selector, 10_000_001, 10_000_000));
        bridge.withdraw{value: 1}(ETH, 1, 10_000_001, "");
    }

    function test_withdraw_fakeToken_reverts() public {
        BridgedToken fake = new BridgedToken();
        vm.expectRevert(abi.encodeWithSelector(NotBridged.selector, address(fake)));
        vm.prank(carol);
        bridge.withdraw(address(fake), 1, 0, "");
    }

    // --- the token and its factory ---

    function test_initialize_misuse_reverts() public {
        BridgedToken token = mint(carol, 1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        token.initialize(L1_TOKEN, "", "", 0);
        vm.startPrank(Predeploys.BRIDGED_TOKEN_FACTORY);
        vm.expectRevert(AlreadyInitialized.selector);
        token.initialize(L1_TOKEN, "", "", 0);
        vm.expectRevert(AlreadyInitialized.selector);
        BridgedToken(Predeploys.BRIDGED_TOKEN).initialize(L1_TOKEN, "", "", 0);
    }

    function test_create_notBridge_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        factory.create(L1_TOKEN, "", "", 0);
        vm.startPrank(Predeploys.L2_BRIDGE);
        vm.expectRevert(ZeroAddress.selector);
        factory.create(address(0), "", "", 0);
        factory.create(L1_TOKEN, "", "", 0);
        vm.expectRevert();
        factory.create(L1_TOKEN, "", "", 0);
    }

    function test_mintBurn_notBridge_reverts() public {
        BridgedToken token = mint(carol, 1);
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, carol));
        token.mint(carol, 1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, carol));
        token.burn(carol, 1);
    }

    function test_token_interfaces() public {
        BridgedToken token = mint(carol, 1);
        vm.assertEq(token.remoteToken(), L1_TOKEN);
        vm.assertEq(token.bridge(), Predeploys.L2_BRIDGE);
        vm.assertEq(token.l2Bridge(), Predeploys.L2_BRIDGE);
        vm.assertTrue(token.supportsInterface(0x01ffc9a7));
        vm.assertTrue(token.supportsInterface(type(ILegacyMintableERC20).interfaceId));
        vm.assertTrue(token.supportsInterface(type(IOptimismMintableERC20).interfaceId));
        vm.assertTrue(token.supportsInterface(0xec4fc8e3));
        vm.assertTrue(token.supportsInterface(0x1d1d8b63));
        vm.assertFalse(token.supportsInterface(0xffffffff));
        vm.assertEq(token.allowance(carol, 0x000000000022D473030F116dDEE9F6B43aC78BA3), 0);
    }

    function test_permit_signed_approves() public {
        uint256 key = uint256(keccak256("permit"));
        address owner = vm.addr(key);
        BridgedToken token = mint(owner, 100);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Token"),
                keccak256("1"),
                block.chainid,
                address(token)
            )
        );
        vm.assertEq(token.DOMAIN_SEPARATOR(), domain);
        bytes32 permit = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                carol,
                60,
                0,
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, permit)));
        token.permit(owner, carol, 60, block.timestamp, v, r, s);
        vm.assertEq(token.allowance(owner, carol), 60);
        vm.expectRevert();
        token.permit(owner, carol, 60, block.timestamp, v, r, s);
    }
}

contract GasMeter {
    uint256 public got;

    receive() external payable {
        uint256 left = gasleft();
        if (left > 30_000) got = left;
        else got = type(uint32).max;
    }
}
