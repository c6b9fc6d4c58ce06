// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IExodus} from "../interfaces/IExodus.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IL2Bridge} from "../interfaces/IL2Bridge.sol";
import {IMessageQueue} from "../interfaces/IMessageQueue.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {AddressAlias} from "../libraries/AddressAlias.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {OutputRootProof, QueuedMessage} from "../libraries/Types.sol";

/// @title Exodus
/// @notice See {IExodus}. The books of what is locked are here, because both ways out draw on them.
abstract contract Exodus is IExodus, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    address internal immutable _queue;
    address internal immutable _settlement;
    /// @inheritdoc IExodus
    uint64 public immutable exodusDelay;

    uint256 internal _lockedETH;
    mapping(address l1Token => uint256) internal _locked;

    bool private _started;
    uint64 private _claimId;
    uint64 private _messageCount;
    bytes32 private _root;
    /// @inheritdoc IExodus
    mapping(address l2Asset => mapping(address holder => bool)) public hasExited;
    /// @inheritdoc IExodus
    mapping(uint64 index => bool) public isRefunded;

    constructor(address queue, address settlement_, uint64 exodusDelay_) {
        if (queue == address(0) || settlement_ == address(0)) revert ZeroAddress();
        // Shorter than this, an honest claim, challenged for as long as that can last, might not become final in time
        // after another one that took as long and was rejected.
        uint256 least = 2 * uint256(ISettlement(settlement_).maxDelay());
        if (exodusDelay_ == 0 || exodusDelay_ < least) revert InvalidParameter();
        _queue = queue;
        _settlement = settlement_;
        exodusDelay = exodusDelay_;
    }

    modifier beforeExodus() {
        if (_started) revert InExodus();
        _;
    }

    /// @inheritdoc IExodus
    function startExodus() external beforeExodus {
        uint256 opensAt = exodusOpensAt();
        if (block.timestamp <= opensAt) revert ExodusTooEarly(opensAt);
        uint64 claimId = ISettlement(_settlement).lastFinalClaim();
        bytes32 root = ISettlement(_settlement).finalOutputRoot(claimId);
        uint64 lastBatch = ISettlement(_settlement).claim(claimId).lastBatch;
        uint64 messageCount = IInbox(ISettlement(_settlement).inbox()).batch(lastBatch).messageCount;
        (_started, _claimId, _messageCount, _root) = (true, claimId, messageCount, root);
        emit ExodusStarted(claimId, root, messageCount);
    }

    /// @inheritdoc IExodus
    function exitETH(address holder, address to, OutputRootProof calldata p, bytes[] calldata accountProof)
        external
        nonReentrant
    {
        _checkRoot(p);
        StateProof.Account memory account = StateProof.account(p.stateRoot, holder, accountProof);
        if (!_isAliasOrKey(holder)) _checkTwin(holder, account.codeHash);
        _markExit(address(0), holder);
        emit Exited(address(0), address(0), holder, to, account.balance);
        _payETH(to, account.balance);
    }

    /// @inheritdoc IExodus
    function exitERC20(
        address l1Token,
        address holder,
        address to,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata balanceProof,
        bytes[] calldata holderProof
    ) external nonReentrant {
        _checkRoot(p);
        address l2Token = _l2TokenAddress(l1Token);
        _checkHolder(holder, p.stateRoot, holderProof);
        uint256 amount = _balance(p.stateRoot, l2Token, holder, accountProof, balanceProof);
        _markExit(l2Token, holder);
        emit Exited(l1Token, l2Token, holder, to, amount);
        _payERC20(l1Token, to, amount);
    }

    /// @inheritdoc IExodus
    function exitWETH(
        address holder,
        address to,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata balanceProof,
        bytes[] calldata holderProof
    ) external nonReentrant {
        _checkRoot(p);
        _checkHolder(holder, p.stateRoot, holderProof);
        uint256 amount = _balance(p.stateRoot, Predeploys.WETH, holder, accountProof, balanceProof);
        _markExit(Predeploys.WETH, holder);
        emit Exited(address(0), Predeploys.WETH, holder, to, amount);
        _payETH(to, amount);
    }

    /// @inheritdoc IExodus
    function exitFees(
        address feeVault,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata recipientProof
    ) external nonReentrant {
        _checkRoot(p);
        if (
            feeVault != Predeploys.SEQUENCER_FEE_VAULT && feeVault != Predeploys.BASE_FEE_VAULT
                && feeVault != Predeploys.L1_FEE_VAULT
        ) revert NotAFeeVault(feeVault);
        StateProof.Account memory account = StateProof.account(p.stateRoot, feeVault, accountProof);
        uint256 recipient = StateProof.slot(account.storageRoot, bytes32(0), recipientProof);
        address to = address(uint160(recipient));
        _markExit(address(0), feeVault);
        emit Exited(address(0), address(0), feeVault, to, account.balance);
        _payETH(to, account.balance);
    }

    /// @inheritdoc IExodus
    function refund(uint64 index, QueuedMessage calldata m, address to) external nonReentrant {
        if (!_started) revert NotInExodus();
        if (index < _messageCount) revert MessageConsumed(index);
        bytes32 hash = Hashing.messageHash(m.from, m.target, m.mint, m.value, m.gasLimit, m.data);
        bytes32 acc = Hashing.extend(IMessageQueue(_queue).accumulator(index), hash);
        if (acc != IMessageQueue(_queue).accumulator(index + 1)) revert UnexpectedMessage(index);
        if (isRefunded[index]) revert AlreadyRefunded(index);
        isRefunded[index] = true;

        if (m.from != AddressAlias.toL2(address(this))) {
            if (!_isAliasOrKey(m.from)) revert NotTheHolder(m.from, msg.sender);
            emit MessageRefunded(index, address(0), to, m.mint);
            _payETH(to, m.mint);
            return;
        }
        // Only the Vault speaks with this voice, and only to deposit.
        (address l1Token, address depositor, uint256 amount) = _deposit(m.data);
        if (msg.sender != depositor) revert NotTheHolder(depositor, msg.sender);
        emit MessageRefunded(index, l1Token, to, amount);
        if (l1Token == address(0)) _payETH(to, amount);
        else _payERC20(l1Token, to, amount);
    }

    /// @inheritdoc IExodus
    function finalizedAt() external view returns (uint256) {
        return _started ? 0 : ISettlement(_settlement).lastFinalizedAt();
    }

    /// @inheritdoc IExodus
    function exodusOpensAt() public view returns (uint256) {
        return uint256(ISettlement(_settlement).lastFinalizedAt()) + exodusDelay;
    }

    /// @inheritdoc IExodus
    function exodus()
        external
        view
        returns (bool started, uint64 claimId, bytes32 outputRoot, uint64 messageCount)
    {
        return (_started, _claimId, _root, _messageCount);
    }

    /// @dev The output root that withdrawals against `claimId` are proven under. In exodus only the one root
    /// counts, which contains all that earlier ones do: a later claim could pay what exits pay, too.
    function _releaseRoot(uint64 claimId) internal view returns (bytes32) {
        if (_started) {
            if (claimId != _claimId) revert NotTheExodusClaim(_claimId, claimId);
            return _root;
        }
        return ISettlement(_settlement).finalOutputRoot(claimId);
    }

    function _l2TokenAddress(address l1Token) internal pure returns (address) {
        return Clones.predictDeterministicAddress(
            Predeploys.BRIDGED_TOKEN, bytes32(uint256(uint160(l1Token))), Predeploys.BRIDGED_TOKEN_FACTORY
        );
    }

    function _checkRoot(OutputRootProof calldata p) private view {
        if (!_started) revert NotInExodus();
        bytes32 actual = Hashing.outputRoot(p);
        if (actual != _root) revert UnexpectedOutputRoot(_root, actual);
    }

    function _markExit(address l2Asset, address holder) private {
        if (hasExited[l2Asset][holder]) revert AlreadyExited(l2Asset, holder);
        hasExited[l2Asset][holder] = true;
    }

    /// @dev Whether the caller is the L2 account `holder` beyond doubt.
    function _isAliasOrKey(address holder) private view returns (bool) {
        if (AddressAlias.isKeyed(msg.sender)) return msg.sender == holder;
        return AddressAlias.toL2(msg.sender) == holder;
    }

    function _checkHolder(address holder, bytes32 stateRoot, bytes[] calldata holderProof) private view {
        if (_isAliasOrKey(holder)) return;
        if (msg.sender != holder) revert NotTheHolder(holder, msg.sender);
        _checkTwin(holder, StateProof.account(stateRoot, holder, holderProof).codeHash);
    }

    /// @dev The caller is a contract at the address of `holder` and must have its code.
    function _checkTwin(address holder, bytes32 codeHash) private view {
        if (msg.sender != holder) revert NotTheHolder(holder, msg.sender);
        // A contract under construction has no code yet.
        if (msg.sender.code.length == 0 || msg.sender.codehash != codeHash) {
            revert OtherCode(codeHash, msg.sender.codehash);
        }
    }

    function _balance(
        bytes32 stateRoot,
        address l2Token,
        address holder,
        bytes[] calldata accountProof,
        bytes[] calldata balanceProof
    ) private pure returns (uint256) {
        StateProof.Account memory token = StateProof.account(stateRoot, l2Token, accountProof);
        return StateProof.slot(token.storageRoot, Hashing.tokenBalanceSlot(holder), balanceProof);
    }

    /// @dev What the Vault locked for a deposit message of its own, and for whom. Token zero is ETH.
    function _deposit(bytes calldata data)
        private
        pure
        returns (address l1Token, address depositor, uint256 amount)
    {
        if (bytes4(data) == IL2Bridge.finalizeETHDeposit.selector) {
            (depositor,, amount) = abi.decode(data[4:], (address, address, uint256));
        } else {
            (l1Token, depositor,, amount) = abi.decode(data[4:], (address, address, address, uint256));
        }
    }

    function _payETH(address to, uint256 amount) internal {
        _checkPayment(to, amount);
        uint256 available = _lockedETH;
        if (available < amount) revert InsufficientLocked(address(0), available, amount);
        unchecked {
            _lockedETH = available - amount;
        }
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }

    function _payERC20(address l1Token, address to, uint256 amount) internal {
        _checkPayment(to, amount);
        uint256 available = _locked[l1Token];
        if (available < amount) revert InsufficientLocked(l1Token, available, amount);
        unchecked {
            _locked[l1Token] = available - amount;
        }
        IERC20(l1Token).safeTransfer(to, amount);
    }

    function _checkPayment(address to, uint256 amount) private pure {
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
    }
}
