// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Every custom error of the protocol, grouped by who raises it.

// --- shared ---

/// @notice The caller is not the one account that may call this.
error Unauthorized(address caller);
/// @notice A constructor parameter would make a deployment that cannot work.
error InvalidParameter();
/// @notice An amount of zero where something must be moved.
error ZeroAmount();
/// @notice The zero address where an account is needed.
error ZeroAddress();
/// @notice An ETH transfer to `to` failed.
error TransferFailed(address to);
/// @notice Too little gas was left to do this safely; send the transaction with more.
error InsufficientGas();

// --- MessageQueue ---

/// @notice The gas limit of a message is outside [minimum, maximum].
error GasLimitOutOfRange(uint64 gasLimit, uint256 minimum, uint256 maximum);
/// @notice The data of a message is longer than allowed.
error MessageDataTooLong(uint256 length, uint256 maximum);
/// @notice There is no message with this index, or no accumulator after this many.
error UnknownMessage(uint64 index);

// --- Inbox ---

/// @notice Batch data is read from the input of the L1 transaction, so only an account without code may
/// append, and only as the sender of the transaction.
error NotTransactionSender(address caller);
/// @notice The call is not the canonical ABI encoding of its arguments.
error NonCanonicalCalldata();
/// @notice The caller is not the sequencer and no message has waited past the sequencer timeout.
error NotSequencer(address caller);
/// @notice The index does not follow the last batch.
error UnexpectedBatchIndex(uint64 expected, uint64 actual);
/// @notice The parent is not the last batch.
error UnexpectedParent(bytes32 expected, bytes32 actual);
/// @notice The first block does not follow the last block of the previous batch.
error UnexpectedFirstBlock(uint64 expected, uint64 actual);
/// @notice A batch of no blocks, or of more than allowed.
error InvalidBlockRange(uint64 firstBlock, uint64 lastBlock);
/// @notice The timestamp goes back behind the previous batch, or too far ahead of L1.
error TimestampOutOfRange(uint64 timestamp, uint256 minimum, uint256 maximum);
/// @notice The anchor goes back behind the previous batch, or is not in the past.
error AnchorOutOfRange(uint64 anchorNumber);
/// @notice The anchor is not a canonical L1 block of the last 8191.
error AnchorNotCanonical(uint64 anchorNumber, bytes32 anchorHash);
/// @notice The message count goes back, or past the end of the queue.
error MessageCountOutOfRange(uint64 messageCount);
/// @notice The accumulator is not the queue's at this count.
error UnexpectedMessageAcc(bytes32 expected, bytes32 actual);
/// @notice The last message consumed was sent after the anchor.
error MessageAfterAnchor(uint64 messageBlock, uint64 anchorNumber);
/// @notice The messages consumed need more gas than the blocks of the batch make room for.
error MessageCapacityExceeded(uint256 gasNeeded, uint256 capacity);
/// @notice A message that has waited past the forced inclusion delay was left out although it fits.
error MessageOverdue(uint64 index);
/// @notice A batch without data, or with more than allowed.
error InvalidDataLength(uint256 length);
/// @notice The transaction has no blobs.
error NoBlobs();
/// @notice The blob does not have the value that the proof worked with.
error BlobMismatch(bytes32 versionedHash);
/// @notice The data does not have this root.
error UnexpectedDataRoot(bytes32 expected, bytes32 actual);
/// @notice There is no batch with this index.
error UnknownBatch(uint64 index);

// --- Settlement and Disputes ---

/// @notice The value sent is not the bond.
error WrongBond(uint256 expected, uint256 actual);
/// @notice There is nothing to withdraw.
error NothingToWithdraw();
/// @notice The batch is not the one that the caller meant.
error UnexpectedBatchHash(bytes32 expected, bytes32 actual);

// --- Settlement ---

/// @notice There is no claim with this id.
error UnknownClaim(uint64 id);
/// @notice The parent was rejected.
error ParentRejected(uint64 id);
/// @notice The parent was not rejected.
error ParentNotRejected(uint64 id);
/// @notice The parent is final, but a later one is, too.
error ParentSuperseded(uint64 id, uint64 lastFinalClaim);
/// @notice The claim covers no batch that its parent does not.
error NoNewBatch(uint64 lastBatch);
/// @notice A root of zero.
error ZeroRoot();
/// @notice The output root is not the last leaf of the claim's history.
error NotTheLastOutput(bytes32 outputRoot);
/// @notice The claim covers more L2 blocks than allowed.
error TooManyBlocks(uint256 blocks, uint256 maximum);
/// @notice The same claim has been made already.
error DuplicateClaim(uint64 id);
/// @notice The claim is final already.
error AlreadyFinal(uint64 id);
/// @notice The claim was rejected.
error AlreadyRejected(uint64 id);
/// @notice The challenge window is open until this time.
error WindowOpen(uint256 until);
/// @notice The challenge window is over since this time.
error WindowOver(uint256 since);
/// @notice Challenges of the claim are not decided.
error ChallengesOpen(uint64 count);
/// @notice The parent is not final.
error ParentNotFinal(uint64 id);
/// @notice Claims are only taken with a proof here.
error ProofRequired();
/// @notice Proofs are not taken here.
error ProofsNotTaken();
/// @notice The claim was not proved.
error NotProven(uint64 id);
/// @notice The claim does not cover the block that the proven one ends with.
error BlockNotCovered(uint64 blockNumber, uint64 firstBlock, uint64 lastBlock);
/// @notice This is what was proved: nothing is refuted by it.
error SameOutput(bytes32 outputRoot);
/// @notice The leaf is not in the claim's history at that block.
error NotInHistory(uint64 blockNumber, bytes32 leaf);

// --- ValidityVerifier ---

/// @notice A proof is 1760 bytes.
error InvalidProofLength(uint256 length);
/// @notice The proof does not show that the statement with this hash is true.
error ProofRefused(bytes32 statement);
/// @notice Development parameters protect nothing; they are for chains 1337 and 31337.
error NotADevelopmentChain(uint256 chainId);
/// @notice The claim is not final.
error NotFinal(uint64 id);

// --- Disputes ---

/// @notice There is no challenge with this id.
error UnknownChallenge(uint64 id);
/// @notice There is no dispute with this id.
error UnknownDispute(uint64 id);
/// @notice The challenge has ended.
error ChallengeEnded(uint64 id);
/// @notice The dispute has ended.
error DisputeEnded(uint64 id);
/// @notice The claim is not the one that the caller meant.
error UnexpectedClaim(bytes32 expected, bytes32 actual);
/// @notice The challenger's history is the claim's.
error SameHistory(bytes32 root);
/// @notice The claim could be defended up to this time.
error DefenceOver(uint256 until);
/// @notice The claim can be defended up to this time.
error DefenceOpen(uint256 until);
/// @notice Defences against the challenge are not decided.
error DisputesOpen(uint64 count);
/// @notice Neither the challenge nor the claim has ended, so the dispute still matters.
error NotDecided(uint64 id);
/// @notice The dispute waits for another move: this one, by its position in `Move`.
error UnexpectedMove(uint8 next);
/// @notice The side in turn could move up to this time.
error ClockExpired(uint256 deadline);
/// @notice The side in turn can move up to this time.
error ClockRunning(uint256 deadline);
/// @notice What was opened is not what is under the node.
error UnexpectedNode(bytes32 expected, bytes32 actual);
/// @notice What the stage starts from, or what both sides agree on, is something else.
error UnexpectedAgreement(bytes32 expected, bytes32 actual);
/// @notice The block is not in this batch.
error BlockNotInBatch(uint64 blockNumber, uint64 batch);
/// @notice The dispute is about another statement.
error UnexpectedStatement(bytes32 expected, bytes32 actual);
/// @notice The dispute stands somewhere else.
error UnexpectedPosition(uint64 expected, uint64 actual);
/// @notice The side's history may not end in this state.
error InvalidFinalState();
/// @notice The last leaf is not under the history's root.
error UnexpectedRoot(bytes32 expected, bytes32 actual);

// --- Vault and Courier ---

/// @notice Contracts must name the recipient: use the `To` variant.
error OnlyEOA(address caller);
/// @notice The token has no code.
error NotAToken(address token);
/// @notice The L2 token is not the one that this L1 token is bridged to.
error UnexpectedL2Token(address expected, address actual);
/// @notice The release or retry happens inside another one, or inside a token transfer.
error NestedRelease();
/// @notice The output root is not the one that the claim made final.
error UnexpectedOutputRoot(bytes32 expected, bytes32 actual);
/// @notice The proof does not show what it should.
error InvalidProof();
/// @notice The withdrawal has been released already.
error AlreadyReleased(bytes32 withdrawalHash);
/// @notice Only a withdrawal that was released and failed can be retried.
error NotFailed(bytes32 withdrawalHash);
/// @notice More is asked for than is locked.
error InsufficientLocked(address token, uint256 locked, uint256 requested);
/// @notice The L2 sender of the message being delivered is not the L2Bridge.
error UnexpectedL2Sender(address l2Sender);
/// @notice The call to the target failed. Raised by the Courier so that the ETH stays with the Vault.
error DeliveryFailed();

// --- RiscvStep and PreimageOracle ---

/// @notice A machine's state of another length than 305 bytes.
error InvalidStateLength(uint256 length);
/// @notice A state that no machine is ever in: an unknown status, an exit code without exit, an unaligned pc.
error InvalidState();
/// @notice The proof of the instruction has not the length that this step needs.
error InvalidCodeProofLength(uint256 expected, uint256 actual);
/// @notice The proof of the instruction leads to another code root.
error UnexpectedCodeRoot(bytes32 expected, bytes32 actual);
/// @notice The proof of the memory leaf has not the length that this step needs: zero unless it loads or stores.
error InvalidMemoryProofLength(uint256 expected, uint256 actual);
/// @notice The proof of the memory leaf leads to another memory root than the state's.
error UnexpectedMemoryRoot(bytes32 expected, bytes32 actual);
/// @notice Nobody has loaded this part of a preimage yet.
error PartMissing(uint256 kind, bytes32 key, uint64 offset);
/// @notice Parts begin at multiples of 32.
error UnalignedOffset(uint64 offset);
/// @notice A blob has 4096 field elements.
error InvalidElementIndex(uint64 index);

// --- Exodus ---

/// @notice The exodus has begun: nothing is taken in any more.
error InExodus();
/// @notice The exodus has not begun.
error NotInExodus();
/// @notice Claims became final recently enough; the exodus may start after this time.
error ExodusTooEarly(uint256 opensAt);
/// @notice In exodus withdrawals are proven against this one claim.
error NotTheExodusClaim(uint64 expected, uint64 actual);
/// @notice The balance has been paid already.
error AlreadyExited(address l2Asset, address holder);
/// @notice Only the holder itself may claim.
error NotTheHolder(address holder, address caller);
/// @notice The caller is at the holder's address but has other code than the holder on L2.
error OtherCode(bytes32 expected, bytes32 actual);
/// @notice Not one of L2's fee vaults.
error NotAFeeVault(address account);
/// @notice The message is in the exodus' root: L2 had it.
error MessageConsumed(uint64 index);
/// @notice The message at this index is another one.
error UnexpectedMessage(uint64 index);
/// @notice The message has been refunded already.
error AlreadyRefunded(uint64 index);

// --- L2 ---

/// @notice The gas limit of a withdrawal is above what one L1 transaction can surely give.
error WithdrawalGasTooHigh(uint256 gasLimit, uint256 maximum);
/// @notice The data of a withdrawal is longer than allowed.
error WithdrawalDataTooLong(uint256 length, uint256 maximum);
/// @notice The value sent is not the amount.
error WrongValue(uint256 expected, uint256 actual);
/// @notice The token was not made by the BridgedTokenFactory.
error NotBridged(address token);
/// @notice The token has been initialised already, or is the implementation itself.
error AlreadyInitialized();

// --- proofs of blocks ---

/// @notice The bytes are no block's header.
error InvalidHeader();
/// @notice What is proved is no receipt.
error InvalidReceipt();
/// @notice The receipt has fewer events.
error NoSuchLog(uint256 index, uint256 count);

// --- Endpoint and its verifiers ---

/// @notice The message is of another version.
error UnexpectedVersion(uint16 expected, uint16 actual);
/// @notice The message comes from another chain, or is for another one.
error UnexpectedChain(uint64 expected, uint64 actual);
/// @notice The message has been delivered, or given up.
error AlreadyDelivered(bytes32 id);
/// @notice The message was not sent from here.
error UnknownMessageId(bytes32 id);
/// @notice Only a message that was delivered and failed can be retried.
error MessageNotFailed(bytes32 id);
/// @notice The deadline of the message is over.
error DeadlineOver(uint256 deadline);
/// @notice Tokens would be on their way for longer than allowed.
error DeadlineTooFar(uint256 deadline, uint256 latest);
/// @notice The deadline of the message is not over.
error DeadlineAhead(uint256 deadline);
/// @notice The payload of a message is longer than allowed.
error PayloadTooLong(uint256 length, uint256 maximum);
/// @notice The gas limit of a message is above what any chain's transaction can surely give.
error MessageGasTooHigh(uint256 gasLimit, uint256 maximum);
/// @notice Somebody else may deliver the message until this time.
error Reserved(address relayer, uint256 until);
/// @notice The message has been refunded.
error AlreadyReclaimed(bytes32 id);
/// @notice The message has not been refunded.
error NotRefunded(bytes32 id);
/// @notice Messages between two L2s carry no ETH and no fee; wrap it and send it as a token.
error NoETHHere();
/// @notice The block is not one of the other chain.
error UnknownBlock(bytes32 blockHash);
/// @notice The event is that of a transaction that failed, of another contract, or another event.
error UnexpectedEvent();

// --- relayers ---

/// @notice There is no such set of relayers, it has too few members, or it was replaced too long ago.
error InvalidSet(uint64 setId);
/// @notice The members are not those of the set.
error UnexpectedMembers();
/// @notice Sets are told in order.
error StaleSet(uint64 newest, uint64 actual);
/// @notice Fewer relayers signed than must.
error TooFewSignatures(uint256 count, uint256 threshold);
/// @notice As many signatures as signers, each by the member it stands for.
error InvalidSignature(uint256 index);
/// @notice The attestation speaks of a time that has not come.
error TimeAhead(uint64 time);
/// @notice Relayers may not vouch for so much at the moment: split the value, or wait for a proof.
error OverLimit(uint256 amount, uint256 available);
/// @notice Relayers may not vouch for refunds and tokens: these take a proof.
error OnlyByProof();
/// @notice Claims have not become final for so long that a false attestation could not be shown in time.
error FinalityStalled(uint256 since);
/// @notice The relayer has joined already, or not withdrawn its stake since.
error AlreadyMember(address relayer);
/// @notice Not a relayer with a stake, or one that has left.
error NotAMember(address relayer);
/// @notice There are as many relayers as a set can have.
error SetFull(uint256 members);
/// @notice The stake can be withdrawn after this time.
error StakeBonded(uint256 until);
/// @notice The stake is another amount.
error WrongStake(uint256 expected, uint256 actual);
/// @notice The facts do not contradict the attestation, or do not yet.
error NotContradicted();
/// @notice None of the signatures is that of a relayer with a stake.
error NothingToSlash();
/// @notice The relayers have been summoned to this message.
error AlreadySummoned(uint64 nonce);
/// @notice The set was told lately; it can be told again after this time.
error SetFresh(uint256 until);
/// @notice No other message can be summoned to before this time.
error TooManySummonses(uint256 until);
/// @notice L1 has not told a set for so long that it may have become another one.
error SetOutdated(uint256 toldAt);
/// @notice There is no summons, or its time to answer is over.
error NotSummoned(uint64 nonce);
/// @notice Relayers have until this time to answer.
error AnswerPeriodOpen(uint256 until);
/// @notice The relayer answered, was not yet or no longer a member, or has been punished.
error NotAbsent(address relayer);
