//! Calls and events of the contracts. The meaning of each is in `contracts/src/interfaces`.
#![allow(missing_docs, clippy::too_many_arguments)]

use alloy_sol_types::sol;

pub use duplex_primitives::Withdrawal;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface IMessageQueue {
        event MessageSent(
            uint64 indexed index, address indexed from, address indexed target,
            uint256 mint, uint256 value, uint64 gasLimit, bytes data, bytes32 acc
        );
        function send(address target, uint256 value, uint64 gasLimit, bytes calldata data) external payable returns (uint64 index);
        function count() external view returns (uint64);
        function accumulator(uint64 messageCount) external view returns (bytes32);
        function message(uint64 index) external view returns (bytes32 acc, uint64 timestamp, uint64 blockNumber, uint128 cumulativeGas);
        function maxMessageGas() external view returns (uint64);
        function maxMessageData() external view returns (uint64);
        function gasBurnDivisor() external view returns (uint256);
        function vault() external view returns (address);
        function minimumGas(uint256 dataLength) external pure returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Batch {
        uint64 index;
        bytes32 parentHash;
        bytes32 dataRoot;
        uint64 firstBlock;
        uint64 lastBlock;
        uint64 timestamp;
        uint64 anchorNumber;
        bytes32 anchorHash;
        uint64 messageCount;
        bytes32 messageAcc;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct BatchRecord {
        bytes32 hash;
        uint64 lastBlock;
        uint64 timestamp;
        uint64 anchorNumber;
        uint64 messageCount;
    }

    struct InboxParams {
        uint64 sequencerTimeout;
        uint64 forcedInclusionDelay;
        uint64 maxDrift;
        uint64 maxBatchBlocks;
        uint64 messageGasPerBlock;
        uint64 maxBatchData;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IInbox {
        event BatchAppended(uint64 indexed index, bytes32 indexed batchHash, Batch header, address appender);
        function append(Batch calldata header, bytes calldata data) external;
        function appendBlobs(Batch calldata header) external;
        function isOpen() external view returns (bool);
        function messageQueue() external view returns (address);
        function batchHash(uint64 index) external view returns (bytes32);
        function sequencerTimeout() external view returns (uint64);
        function forcedInclusionDelay() external view returns (uint64);
        function maxDrift() external view returns (uint64);
        function batchCount() external view returns (uint64);
        function lastBatch() external view returns (uint64 index, BatchRecord memory record);
        function batch(uint64 index) external view returns (BatchRecord memory);
        function sequencer() external view returns (address);
        function maxBatchData() external view returns (uint64);
        function maxBatchBlocks() external view returns (uint64);
        function messageGasPerBlock() external view returns (uint64);
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Claim {
        uint64 parentId;
        uint64 lastBatch;
        uint64 createdAt;
        uint64 finalizedAt;
        address proposer;
        uint8 status;
        uint64 openChallenges;
        uint8 shares;
        bytes32 blockOutputsRoot;
        bytes32 outputRoot;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ISettlement {
        event ClaimProposed(
            uint64 indexed id, uint64 indexed parentId, uint64 indexed lastBatch, bytes32 lastBatchHash,
            bytes32 blockOutputsRoot, bytes32 outputRoot, address proposer, uint256 bond
        );
        event ClaimFinalized(uint64 indexed id, bytes32 indexed outputRoot, uint64 lastBatch);
        event ClaimRejected(uint64 indexed id, address indexed winner, bool withParent);
        function propose(
            uint64 parentId, bytes32 parentOutputRoot, uint64 lastBatch, bytes32 lastBatchHash,
            bytes32 blockOutputsRoot, bytes32 outputRoot, bytes32[12] calldata lastLeafProof
        ) external payable returns (uint64 id);
        event ClaimProven(uint64 indexed id, address indexed prover);
        function proposeProven(
            uint64 parentId, bytes32 parentOutputRoot, uint64 lastBatch, bytes32 lastBatchHash,
            bytes32 outputRoot, address prover, bytes calldata proof
        ) external returns (uint64 id);
        function prove(uint64 id, address prover, bytes calldata proof) external;
        function refute(uint64 id, uint64 provenId, bytes32 leaf, bytes32[12] calldata leafProof) external;
        function finalize(uint64 id) external;
        function rejectChildren(uint64[] calldata ids) external;
        function withdrawCredit(address to) external;
        function claim(uint64 id) external view returns (Claim memory);
        function claimStatus(uint64 id) external view returns (uint8);
        function claimCount() external view returns (uint64);
        function isFinal(uint64 id) external view returns (bool);
        function winnerOf(uint64 id) external view returns (address);
        function proverOf(uint64 id) external view returns (address);
        function blocksOf(uint64 id) external view returns (uint64 firstBlock, uint64 lastBlock);
        function lastFinalClaim() external view returns (uint64);
        function lastFinalizedAt() external view returns (uint64);
        function finalOutputRoot(uint64 id) external view returns (bytes32);
        function inbox() external view returns (address);
        function disputes() external view returns (address);
        function validity() external view returns (address);
        function credit(address account) external view returns (uint256);
        function burnt() external view returns (uint256);
        function bond() external view returns (uint256);
        function challengeWindow() external view returns (uint64);
        function maxClaimBlocks() external view returns (uint64);
    }

    interface IValidityVerifier {
        function statement(
            uint64 parentBatch, uint64 lastBatch, bytes32 parentOutput, bytes32 output, address prover
        ) external view returns (bytes32);
        function verify(
            uint64 parentBatch, uint64 lastBatch, bytes32 parentOutput, bytes32 output, address prover,
            bytes calldata proof
        ) external view;
        function inbox() external view returns (address);
        function proofVerifier() external view returns (address);
        function configHash() external view returns (bytes32);
        function programCommitment() external view returns (bytes32);
        function machineCommitment() external view returns (bytes32);
    }

    #[derive(Debug, PartialEq, Eq)]
    enum ChallengeStatus { None, Open, Won, Lost, Moot }

    #[derive(Debug, PartialEq, Eq)]
    struct Challenge {
        address challenger;
        ChallengeStatus status;
        uint64 openDisputes;
        uint64 claimId;
        uint64 openedAt;
        bytes32 outputsRoot;
    }

    #[derive(Debug, PartialEq, Eq)]
    enum DisputeStatus { None, Open, DefenceLost, ChallengeLost, Moot }

    #[derive(Debug, PartialEq, Eq)]
    enum Move {
        ChallengerDescends, DefenderDescends, ChallengerReachesLeaf, ChallengerCommits, DefenderCommits,
        ChallengerProves
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Dispute {
        uint64 challengeId;
        address defender;
        DisputeStatus status;
        uint8 stage;
        Move next;
        uint64 turnStart;
        uint64 challengerTime;
        uint64 defenderTime;
        uint64 position;
        bytes32 challengerNode;
        bytes32 defenderNode;
        bytes32 challengerHistory;
        bytes32 agreed;
        bytes32 statement;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Commitment {
        bytes32 statement;
        uint64 position;
        bytes32 history;
        bytes finalState;
        bytes32[12] lastProof;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IDisputes {
        event ChallengeOpened(uint64 indexed id, uint64 indexed claimId, address indexed challenger, bytes32 outputsRoot);
        event ChallengeClosed(uint64 indexed id, uint64 indexed claimId, ChallengeStatus status);
        event DisputeOpened(uint64 indexed id, uint64 indexed challengeId, address indexed defender, bytes32[16] opened);
        event Descended(
            uint64 indexed id, uint64 position, Move next, bytes32 challengerNode, bytes32 defenderNode,
            bytes32[16] opened
        );
        event LeafReached(
            uint64 indexed id, uint64 position, bytes32 challengerLeaf, bytes32 defenderLeaf, bytes32 agreed,
            bytes32 statement
        );
        event ChallengerCommitted(uint64 indexed id, uint8 stage, bytes32 history);
        event DefenderCommitted(uint64 indexed id, uint8 stage, bytes32 history, bytes32[16] opened);
        event DisputeClosed(uint64 indexed id, uint64 indexed challengeId, DisputeStatus status);

        function challenge(uint64 claimId, bytes32 claimHash, bytes32 outputsRoot)
            external payable returns (uint64 id);
        function defend(uint64 challengeId, bytes32 claimHash, bytes32[16] calldata opened)
            external payable returns (uint64 id);
        function descend(uint64 id, bytes32[16] calldata theirs, bytes32[16] calldata ours, bytes32[16] calldata next)
            external;
        function descendToLeaf(
            uint64 id, bytes32[16] calldata theirs, bytes32[16] calldata ours, bytes32 agreed,
            bytes32[12] calldata agreedProof, uint64 batch
        ) external;
        function commit(uint64 id, Commitment calldata commitment) external;
        function commitAndOpen(uint64 id, Commitment calldata commitment, bytes32[16] calldata opened) external;
        function prove(uint64 id, bytes calldata state, bytes calldata code, bytes calldata mem) external;
        function timeout(uint64 id) external;
        function resolve(uint64 challengeId) external;
        function agree(uint64 challengeId, bytes32[12] calldata lastLeafProof) external;
        function settle(uint64 id) external;
        function withdrawCredit(address to) external;
        function challengeOf(uint64 id) external view returns (Challenge memory);
        function disputeOf(uint64 id) external view returns (Dispute memory);
        function deadline(uint64 id) external view returns (uint256);
        function challengeCount() external view returns (uint64);
        function disputeCount() external view returns (uint64);
        function maxDuration() external view returns (uint64);
        function credit(address account) external view returns (uint256);
        function settlement() external view returns (address);
        function inbox() external view returns (address);
        function oracle() external view returns (address);
        function stepper() external view returns (address);
        function codeRoot() external view returns (bytes32);
        function startState() external view returns (bytes32);
        function configHash() external view returns (bytes32);
        function bond() external view returns (uint256);
        function defencePeriod() external view returns (uint64);
        function clock() external view returns (uint64);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IPreimageOracle {
        function loadKeccak(bytes calldata preimage, uint64 offset) external returns (bytes32 key);
        function loadBlob(
            bytes32 versionedHash, uint64 index, bytes32 value, bytes calldata commitment, bytes calldata proof
        ) external;
        function part(uint256 kind, bytes32 key, uint64 offset) external view returns (bytes32 data, uint64 length);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IRiscvStep {
        function step(
            bytes32 codeRoot, bytes32 statement, address oracle, bytes calldata state, bytes calldata code,
            bytes calldata mem
        ) external view returns (bytes32 next);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IProofReader {
        function transaction(bytes calldata header, uint256 index, bytes[] calldata proof)
            external pure returns (bytes32 blockHash, bytes memory raw);
        function receipt(bytes calldata header, uint256 index, bytes[] calldata proof)
            external pure returns (bytes32 blockHash, bytes memory raw);
        function log(bytes calldata header, uint256 index, bytes[] calldata proof, uint256 logIndex)
            external pure returns (
                bytes32 blockHash, bool success, address emitter, bytes32[] memory topics, bytes memory data
            );
        function slot(
            bytes calldata header, address account, bytes32 key, bytes[] calldata accountProof,
            bytes[] calldata slotProof
        ) external pure returns (bytes32 blockHash, uint256 value);
    }

    #[derive(Debug, Default, PartialEq, Eq)]
    struct OutputRootProof {
        bytes32 version;
        bytes32 stateRoot;
        bytes32 messagePasserStorageRoot;
        bytes32 latestBlockhash;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct WithdrawalTx {
        uint256 nonce;
        address sender;
        address target;
        uint256 value;
        uint256 gasLimit;
        bytes data;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IVault {
        event ETHDepositInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData, uint64 messageIndex);
        event ERC20DepositInitiated(
            address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount,
            bytes extraData, uint64 messageIndex
        );
        event WithdrawalReleased(bytes32 indexed withdrawalHash, bool success);
        event WithdrawalRetried(bytes32 indexed withdrawalHash, bool success);
        function depositETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable;
        function depositERC20To(address l1Token, address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData) external;
        function release(WithdrawalTx calldata w, uint64 claimId, OutputRootProof calldata p, bytes[] calldata storageProof) external;
        function retry(WithdrawalTx calldata w) external;
        function l2TokenAddress(address l1Token) external pure returns (address);
        function lockedETH() external view returns (uint256);
        function locked(address l1Token) external view returns (uint256);
        function withdrawalState(bytes32 withdrawalHash) external view returns (uint8);
        function messageQueue() external view returns (address);
        function settlement() external view returns (address);
        function courier() external view returns (address);
        function endpoint() external view returns (address);
        function tokenPort() external view returns (address);
    }

    /// A message between the endpoints of two chains.
    #[derive(Debug, PartialEq, Eq)]
    struct Message {
        uint16 version;
        uint64 srcChainId;
        uint64 dstChainId;
        uint64 nonce;
        address sender;
        address target;
        uint256 value;
        uint64 gasLimit;
        uint64 deadline;
        uint256 relayFee;
        bytes payload;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IEndpoint {
        event MessageSent(uint64 indexed nonce, bytes32 indexed id, bytes32 acc, Message message);
        event MessageDelivered(uint64 indexed nonce, bytes32 indexed id, address indexed relayer, bool success);
        event MessageRetried(uint64 indexed nonce, bytes32 indexed id, bool success);
        event MessageExpired(uint64 indexed nonce, bytes32 indexed id);
        event MessageRefunded(uint64 indexed nonce, bytes32 indexed id, address indexed sender, uint256 amount);
        event MessageReserved(bytes32 indexed id, address indexed relayer, uint256 until);
        function send(address target, uint64 gasLimit, uint64 deadline, uint256 relayFee, bytes calldata payload)
            external payable returns (uint64 nonce, bytes32 id);
        function deliver(Message calldata message, bytes calldata proof, address earner) external;
        function retry(Message calldata message) external;
        function expire(Message calldata message) external returns (uint64 nonce);
        function refund(Message calldata message, bool withFee) external;
        function reclaim(Message calldata message, OutputRootProof calldata p, bytes[] calldata accountProof, bytes[] calldata slotProof) external;
        function reserve(bytes32 id) external payable;
        function count() external view returns (uint64);
        function accumulator(uint64 nonce) external view returns (bytes32);
        function delivery(bytes32 id) external view returns (uint8);
        function isRefunded(bytes32 id) external view returns (bool);
        function refundOf(bytes32 id) external view returns (uint256);
        function carriesETH() external view returns (bool);
        function endPeer(bytes calldata proof) external;
        function peerLastState() external view returns (bytes32);
        function reservation(bytes32 id) external view returns (address relayer, uint64 until, uint256 bonds);
        function peer() external view returns (address);
        function peerChainId() external view returns (uint64);
        function verifier() external view returns (address);
        function messenger() external view returns (address);
        function vault() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IMessenger {
        function endpoint() external view returns (address);
        function sender() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ITokenPort {
        event TokensSent(bytes32 indexed id, address indexed token, address indexed from, address to, uint256 amount);
        event TokensArrived(address indexed home, address indexed from, address indexed to, uint256 amount);
        event TokensReturned(bytes32 indexed id, address indexed home, address indexed to, uint256 amount, uint256 fee);
        function send(address token, address to, uint256 amount, uint32 minGasLimit, uint64 deadline)
            external payable returns (uint64 nonce, bytes32 id);
        function mint(
            address home, address from, address to, uint256 amount, string calldata name, string calldata symbol, uint8 decimals
        ) external;
        function release(address home, address from, address to, uint256 amount) external;
        function takeBack(Message calldata message, address to) external;
        function isTakenBack(bytes32 id) external view returns (bool);
        function homeOf(address token) external view returns (address);
        function endpoint() external view returns (address);
        function peer() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ISiblingPort {
        function tokenAddress(address home) external view returns (address);
        function tokenCode() external view returns (address);
        function locked(address token) external view returns (uint256);
        function hasExited(address token, address holder) external view returns (bool);
        function exit(
            address token, address to, bytes[] calldata tokenProof, bytes[] calldata balanceProof, bytes[] calldata holderProof
        ) external;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ISiblingVerifier {
        function vault() external view returns (address);
        function settlement() external view returns (address);
    }

    /// What the `SiblingVerifier` takes.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct SiblingProof {
        uint64 anchor;
        bytes header;
        bytes[] vaultNodes;
        bytes[] exodusNodes;
        bytes[] rootNodes;
        uint64 claimId;
        bytes[] settlementNodes;
        bytes[] statusNodes;
        bytes[] outputNodes;
        OutputRootProof output;
        Evidence evidence;
    }

    /// What shows a message in a block: `MessageProof.Evidence`.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Evidence {
        bytes header;
        bytes32 previous;
        bytes[] accountNodes;
        bytes[] slotNodes;
        bytes[] receiptNodes;
        uint256 index;
        uint256 logIndex;
    }

    /// What the `AnchorVerifier` takes.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct AnchorProof {
        uint64 anchor;
        bytes anchorHeader;
        uint64 number;
        bytes[] accountNodes;
        bytes[] slotNodes;
        Evidence evidence;
    }

    /// What the `OutputVerifier` takes.
    #[derive(Debug, PartialEq, Eq)]
    struct OutputProof {
        uint64 claimId;
        OutputRootProof output;
        Evidence evidence;
    }

    /// What a relayer signs (EIP-712): that a chain's Endpoint had this accumulator.
    #[derive(Debug, Copy, PartialEq, Eq)]
    struct Attestation {
        uint64 chainId;
        address endpoint;
        uint64 nonce;
        bytes32 accumulator;
        uint64 time;
    }

    /// What the `AttestationVerifier` takes: `IAttestationVerifier.Proof`.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct AttestedProof {
        uint64 setId;
        uint64 nonce;
        uint64 time;
        bytes32 previous;
        bytes32[] later;
        address[] members;
        uint256 signers;
        bytes signatures;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IAttestationVerifier {
        event Vouched(uint64 setId, uint64 nonce, uint64 time, uint256 signers, bytes32 accumulator, bytes signatures);
        event FeesShared(uint64 indexed setId, uint256 signers, uint256 amount);
        function shareFees(uint64 setId, address[] calldata members, uint256 signers) external;
        function set(uint64 setId) external view returns (bytes32 membersHash, uint128 limit, uint64 validUntil, uint8 threshold);
        function newestSet() external view returns (uint64);
        function toldAt() external view returns (uint32);
        function available() external view returns (uint256 amount, uint256 limit);
        function earned(uint64 setId, uint256 signers) external view returns (uint256);
        function credit(address account) external view returns (uint256);
        function withdrawCredit(address to) external;
        function endpoint() external view returns (address);
        function prover() external view returns (address);
        function teller() external view returns (address);
        function domain() external view returns (bytes32);
        function vault() external view returns (address);
        function window() external view returns (uint64);
        function drift() external view returns (uint32);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IRelayerRegistry {
        error NothingToSlash();
        event Joined(address indexed relayer);
        event Left(address indexed relayer);
        event SetChanged(uint64 indexed setId, address[] members, uint8 threshold, uint128 limit, uint64 overlap);
        event Slashed(address indexed relayer, uint256 amount, address indexed reporter);
        event Summoned(uint64 indexed nonce, address indexed summoner, uint256 until);
        event Answered(uint64 indexed nonce, address indexed relayer);
        event Absent(uint64 indexed nonce, address indexed relayer, uint256 penalty);
        function join() external payable;
        function resign() external;
        function refresh() external;
        function withdrawStake() external;
        function slashByL1(Attestation calldata a, bytes calldata signatures) external;
        function slashByL2(Attestation calldata a, bytes calldata signatures, uint64 claimId, OutputRootProof calldata p, bytes[] calldata accountNodes, bytes[] calldata slotNodes) external;
        function slashByTwo(Attestation calldata a, Attestation calldata b, bytes calldata first, bytes calldata second) external;
        function summon(uint64 nonce) external payable;
        function answer(uint64 nonce, bytes calldata signatures) external;
        function reportAbsent(uint64 nonce, address relayer) external;
        function members() external view returns (address[] memory);
        function relayer(address account) external view returns (uint128 amount, uint32 index, uint48 joinedAt, uint48 leftAt);
        function summons(uint64 nonce) external view returns (address summoner, uint48 openedAt, uint48 until, uint32 count);
        function isSettled(uint64 nonce, address account) external view returns (bool);
        function thresholdOf(uint256 count) external view returns (uint8);
        function limitOf(uint256 threshold) external view returns (uint128);
        function setId() external view returns (uint64);
        function domain() external view returns (bytes32);
        function credit(address account) external view returns (uint256);
        function withdrawCredit(address to) external;
        function stake() external view returns (uint128);
        function unbonding() external view returns (uint64);
        function overlap() external view returns (uint64);
        function answerPeriod() external view returns (uint64);
        function endpoint() external view returns (address);
        function verifier() external view returns (address);
        function vault() external view returns (address);
        function SUMMONS_BOND() external view returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IOutputVerifier {
        function vault() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IL1Block {
        function number() external view returns (uint64);
        function hash() external view returns (bytes32);
        function basefee() external view returns (uint256);
        function blobBaseFee() external view returns (uint256);
        function baseFeeScalar() external view returns (uint32);
        function blobBaseFeeScalar() external view returns (uint32);
        function anchorHash(uint256 number) external view returns (bytes32);
    }

    /// A message as the queue hashed it.
    #[derive(Debug, PartialEq, Eq)]
    struct QueuedMessage {
        address from;
        address target;
        uint256 mint;
        uint256 value;
        uint64 gasLimit;
        bytes data;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IExodus {
        event ExodusStarted(uint64 indexed claimId, bytes32 outputRoot, uint64 messageCount);
        event Exited(
            address indexed l1Token, address indexed l2Asset, address indexed holder, address to, uint256 amount
        );
        event MessageRefunded(uint64 indexed index, address indexed l1Token, address to, uint256 amount);
        function startExodus() external;
        function exitETH(address holder, address to, OutputRootProof calldata p, bytes[] calldata accountProof) external;
        function exitERC20(address l1Token, address holder, address to, OutputRootProof calldata p, bytes[] calldata accountProof, bytes[] calldata balanceProof, bytes[] calldata holderProof) external;
        function exitWETH(address holder, address to, OutputRootProof calldata p, bytes[] calldata accountProof, bytes[] calldata balanceProof, bytes[] calldata holderProof) external;
        function exitFees(address feeVault, OutputRootProof calldata p, bytes[] calldata accountProof, bytes[] calldata recipientProof) external;
        function refund(uint64 index, QueuedMessage calldata m, address to) external;
        function exodusDelay() external view returns (uint64);
        function exodusOpensAt() external view returns (uint256);
        function exodus() external view returns (bool started, uint64 claimId, bytes32 outputRoot, uint64 messageCount);
        function hasExited(address l2Asset, address holder) external view returns (bool);
        function isRefunded(uint64 index) external view returns (bool);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ICourier {
        function l2Sender() external view returns (address);
        function vault() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IManifest {
        event Published(address indexed vault, bytes data);
        function vault() external view returns (address);
        function dataHash() external view returns (bytes32);
        function publishedAt() external view returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IL2Bridge {
        event WithdrawalInitiated(
            address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount, bytes extraData
        );
        event DepositFinalized(
            address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount, bytes extraData
        );
        function withdrawTo(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData) external payable;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IMessagePasser {
        event MessagePassed(
            uint256 indexed nonce, address indexed sender, address indexed target, uint256 value, uint256 gasLimit,
            bytes data, bytes32 withdrawalHash
        );
        function totalWithdrawn() external view returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IBridgedToken {
        function l1Token() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IERC20 {
        event Transfer(address indexed from, address indexed to, uint256 value);
        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function decimals() external view returns (uint8);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
    }
}
