// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Attestation, Message as Mail} from "../src/libraries/Types.sol";
import {Relayers} from "./utils/Relayers.sol";
import {Test} from "./utils/Test.sol";

/// @notice Relayers come and go, are summoned, answer or not, lie and are slashed, in any order.
contract RelayersHandler is Relayers {
    uint256 private constant PEOPLE = 7;
    uint64[] private _summoned;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 5; i < PEOPLE; ++i) {
            keys.push(uint256(keccak256(abi.encode("relayer", i))));
        }
        for (uint256 i; i < PEOPLE; ++i) {
            vm.deal(member(i), 10_000 ether);
        }
    }

    function _try(address from, uint256 value, bytes memory call) private returns (bool success) {
        vm.recordLogs();
        vm.prank(from);
        (success,) = address(registry).call{value: value}(call);
        tellL2();
    }

    function join(uint256 who) external {
        _try(member(who % PEOPLE), STAKE, abi.encodeCall(registry.join, ()));
    }

    function resign(uint256 who) external {
        _try(member(who % PEOPLE), 0, abi.encodeCall(registry.resign, ()));
    }

    function withdraw(uint256 who, bool long) external {
        address account = member(who % PEOPLE);
        if (long) vm.warp(block.timestamp + UNBONDING + 1);
        _try(account, 0, abi.encodeCall(registry.withdrawStake, ()));
        uint256 owed = registry.credit(account);
        if (owed == 0) return;
        vm.prank(account);
        registry.withdrawCredit(account);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 0, 2 days));
    }

    /// @dev In the same second as what came before.
    function summon(uint256 who, uint256 leaver) external {
        uint64 nonce = plain(up).nonce;
        if (leaver % 3 == 0) _try(member(leaver % PEOPLE), 0, abi.encodeCall(registry.resign, ()));
        if (_try(member(who % PEOPLE), 0.01 ether, abi.encodeCall(registry.summon, (nonce)))) {
            _summoned.push(nonce);
        }
    }

    function answer(uint256 which, uint256 signers) external {
        if (_summoned.length == 0) return;
        uint64 nonce = _summoned[which % _summoned.length];
        (, uint48 openedAt,,) = registry.summons(nonce);
        Attestation memory a = Attestation(L1, address(up), nonce, up.accumulator(nonce), openedAt);
        bytes memory signatures;
        for (uint256 i; i < PEOPLE; ++i) {
            if (signers >> i & 1 == 1) signatures = bytes.concat(signatures, sign(keys[i], a));
        }
        _try(member(0), 0, abi.encodeCall(registry.answer, (nonce, signatures)));
    }

    function reportAbsent(uint256 which, uint256 who) external {
        if (_summoned.length == 0) return;
        uint64 nonce = _summoned[which % _summoned.length];
        _try(member(0), 0, abi.encodeCall(registry.reportAbsent, (nonce, member(who % PEOPLE))));
    }

    function lie(uint256 signers, uint256 reporter) external {
        (, Attestation memory a) = forged(plain(up));
        bytes memory signatures;
        for (uint256 i; i < PEOPLE; ++i) {
            if (signers >> i & 1 == 1) signatures = bytes.concat(signatures, sign(keys[i], a));
        }
        _try(member(reporter % PEOPLE), 0, abi.encodeCall(registry.slashByL1, (a, signatures)));
    }

    /// @dev What is owed and staked is there; who may vouch has enough at stake; both layers know the same set.
    function check() external view {
        uint256 owed;
        for (uint256 i; i < PEOPLE; ++i) {
            (uint128 amount,, uint48 joinedAt, uint48 leftAt) = registry.relayer(member(i));
            owed += amount + registry.credit(member(i));
            // A stake is whole but for absences, or gone.
            vm.assertTrue(amount == 0 || amount >= uint256(STAKE) * 9 / 10);
            if (joinedAt == 0) vm.assertEq(amount, 0);
            if (joinedAt != 0 && leftAt == 0) vm.assertTrue(amount >= uint256(STAKE) * 9 / 10);
        }
        vm.assertGe(address(registry).balance, owed);
        vm.assertEq(address(vault).balance, vault.lockedETH());

        address[] memory list = registry.members();
        (bytes32 onOne,, uint64 until, uint8 threshold) = onL1.set(registry.setId());
        (bytes32 onOther,,,) = atL2.set(registry.setId());
        vm.assertEq(onOne, keccak256(abi.encode(list)));
        vm.assertEq(onOther, onOne);
        vm.assertEq(until, type(uint64).max);
        vm.assertEq(threshold, registry.thresholdOf(list.length));
        for (uint256 i; i < list.length; ++i) {
            (, uint32 index,, uint48 leftAt) = registry.relayer(list[i]);
            vm.assertEq(index, i);
            vm.assertEq(leftAt, 0);
        }
    }
}

contract RelayersInvariantsTest is Test {
    RelayersHandler private _handler;

    function setUp() public {
        _handler = new RelayersHandler();
        vm.deal(address(_handler), 1000 ether);
        _handler.setUp();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = RelayersHandler.join.selector;
        selectors[1] = RelayersHandler.join.selector;
        selectors[2] = RelayersHandler.resign.selector;
        selectors[3] = RelayersHandler.withdraw.selector;
        selectors[4] = RelayersHandler.wait.selector;
        selectors[5] = RelayersHandler.summon.selector;
        selectors[6] = RelayersHandler.summon.selector;
        selectors[7] = RelayersHandler.answer.selector;
        selectors[8] = RelayersHandler.reportAbsent.selector;
        selectors[9] = RelayersHandler.lie.selector;
        list[0] = FuzzSelector(address(_handler), selectors);
    }

    function invariant_stakes() external view {
        _handler.check();
    }
}
