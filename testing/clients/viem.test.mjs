// viem 2 against every chain.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  BaseError,
  ContractFunctionRevertedError,
  ExecutionRevertedError,
  InsufficientFundsError,
  IntrinsicGasTooLowError,
  NonceTooLowError,
  TipAboveFeeCapError,
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  decodeEventLog,
  defineChain,
  encodeDeployData,
  encodeFunctionData,
  getContract,
  hexToBytes,
  http,
  keccak256,
  pad,
  parseEther,
  parseGwei,
  parseTransaction,
  toHex,
  webSocket,
  zeroAddress,
} from 'viem'
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { chainConfig } from 'viem/op-stack'
import {
  FIRST_ACCOUNT,
  L1_CHAIN_ID,
  MNEMONIC,
  Probe,
  artifact,
  blob,
  deployment,
  isAnvil,
  onEveryChain,
  rawRpc,
  until,
  verifyProof,
  wsUrl,
} from './helpers.mjs'

const abi = Probe.abi
const newAccount = () => privateKeyToAccount(generatePrivateKey())
const rich = mnemonicToAccount(MNEMONIC, { addressIndex: FIRST_ACCOUNT + 2 })
const nowhere = '0x00000000000000000000000000000000000000bb'

/** Asserts that viem takes a failure for `kind`. */
const rejectsAs = (promise, kind, check = () => true) =>
  assert.rejects(promise, error => {
    assert.ok(error instanceof BaseError, error.stack)
    const found = error.walk(cause => cause instanceof kind)
    assert.ok(found, `not ${kind.name} but ${error.name}: ${error.details ?? error.shortMessage}`)
    return check(found)
  })

const connect = async (rpc, layer) => {
  const id = Number((await rawRpc(rpc, { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })).result)
  const chain = defineChain({
    ...(layer === 'L2' ? chainConfig : {}),
    id,
    name: `Duplex ${layer}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc], webSocket: [wsUrl(rpc)] } },
  })
  const common = { chain, transport: http(rpc, { retryCount: 0 }), pollingInterval: 100, cacheTime: 0 }
  const client = createPublicClient(common)
  const walletOf = account => createWalletClient({ ...common, account })
  const mined = async hash => {
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 })
    assert.equal(receipt.transactionHash, hash)
    return receipt
  }
  const fund = async (ether = '10') => {
    const account = newAccount()
    const hash = await walletOf(rich).sendTransaction({ to: account.address, value: parseEther(ether) })
    assert.equal((await mined(hash)).status, 'success')
    return account
  }
  return { chain, client, common, walletOf, mined, fund }
}

onEveryChain('viem', ({ layer, rpc }) => {
  let chain, client, common, walletOf, mined, fund, account, wallet, address, probe
  before(async () => {
    ;({ chain, client, common, walletOf, mined, fund } = await connect(rpc, layer))
    account = await fund('20')
    wallet = walletOf(account)
    const receipt = await mined(await wallet.deployContract({ abi, bytecode: Probe.bytecode, args: [7n] }))
    assert.equal(receipt.status, 'success')
    address = receipt.contractAddress
    probe = getContract({ address, abi, client: { public: client, wallet } })
  })
  const fees = async () => {
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
    return { maxFeePerGas, maxPriorityFeePerGas }
  }

  describe('chain', () => {
    test('ids and balances', async () => {
      if (layer === 'L1') assert.equal(BigInt(await client.getChainId()), L1_CHAIN_ID)
      assert.ok((await client.getBalance({ address: rich.address })) > parseEther('1'))
      assert.equal(await client.getBalance({ address: newAccount().address }), 0n)
    })

    test('tags', async () => {
      const number = {}
      for (const blockTag of ['earliest', 'finalized', 'safe', 'latest']) {
        number[blockTag] = (await client.getBlock({ blockTag })).number
      }
      assert.equal(number.earliest, 0n)
      assert.ok(number.finalized <= number.safe && number.safe <= number.latest)
      const pending = await client.getBlock({ blockTag: 'pending' })
      assert.ok(pending.number === null || pending.number >= number.latest)
      assert.ok((await client.getTransactionCount({ address: account.address, blockTag: 'pending' })) >= 1)
    })

    test('block with transactions', async () => {
      const receipt = await mined(await wallet.sendTransaction({ to: nowhere, value: 1n }))
      const block = await client.getBlock({ blockHash: receipt.blockHash, includeTransactions: true })
      const found = block.transactions.find(({ hash }) => hash === receipt.transactionHash)
      assert.equal(found.from, account.address.toLowerCase())
      assert.equal(found.blockNumber, receipt.blockNumber)
      assert.equal(await client.getBlockTransactionCount({ blockHash: receipt.blockHash }), block.transactions.length)
      assert.equal((await client.getTransaction({ blockHash: receipt.blockHash, index: receipt.transactionIndex })).hash, receipt.transactionHash)
      assert.ok((await client.getTransactionConfirmations({ hash: receipt.transactionHash })) >= 1n)
      await assert.rejects(client.getBlock({ blockNumber: 100_000_000n }), { name: 'BlockNotFoundError' })
    })

    test('fees', async () => {
      const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
      assert.ok(maxFeePerGas >= maxPriorityFeePerGas)
      assert.ok((await client.getGasPrice()) > 0n)
      assert.ok((await client.estimateMaxPriorityFeePerGas()) >= 0n)
      const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
      assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
      assert.equal(history.reward.length, history.gasUsedRatio.length)
      const oldest = await client.getBlock({ blockNumber: history.oldestBlock })
      assert.equal(history.baseFeePerGas[0], oldest.baseFeePerGas)
    })

    test('what is unknown', async () => {
      const hash = keccak256('0x4321')
      await rejectsAs(client.getTransaction({ hash }), TransactionNotFoundError)
      await rejectsAs(client.getTransactionReceipt({ hash }), TransactionReceiptNotFoundError)
    })
  })

  describe('transactions', () => {
    const confirm = async (hash, type) => {
      const receipt = await mined(hash)
      assert.equal(receipt.status, 'success')
      assert.equal(receipt.type, type)
      const found = await client.getTransaction({ hash })
      assert.equal(found.type, type)
      assert.equal(found.blockHash, receipt.blockHash)
      return { receipt, found }
    }

    test('legacy', async () => {
      const gasPrice = await client.getGasPrice()
      const { receipt, found } = await confirm(
        await wallet.sendTransaction({ type: 'legacy', to: nowhere, value: 1n, gasPrice }),
        'legacy'
      )
      assert.equal(receipt.effectiveGasPrice, gasPrice)
      assert.equal(found.chainId, chain.id)
    })

    test('EIP-2930', async () => {
      const accessList = [{ address: address, storageKeys: [pad('0x0')] }]
      const { found } = await confirm(
        await wallet.sendTransaction({ type: 'eip2930', to: nowhere, accessList, gasPrice: await client.getGasPrice() }),
        'eip2930'
      )
      assert.deepEqual(found.accessList, [{ address: address.toLowerCase(), storageKeys: [pad('0x0')] }])
    })

    test('EIP-1559', async () => {
      const hash = await wallet.sendTransaction({
        to: nowhere,
        value: 1n,
        maxFeePerGas: parseGwei('50'),
        maxPriorityFeePerGas: parseGwei('2'),
      })
      const { receipt } = await confirm(hash, 'eip1559')
      const { baseFeePerGas } = await client.getBlock({ blockNumber: receipt.blockNumber })
      assert.equal(receipt.effectiveGasPrice, baseFeePerGas + parseGwei('2'))
    })

    test('EIP-7702', async () => {
      const borrower = await fund('1')
      const authorization = await walletOf(borrower).signAuthorization({ contractAddress: address, executor: 'self' })
      const { found } = await confirm(
        await walletOf(borrower).sendTransaction({
          to: borrower.address,
          authorizationList: [authorization],
          data: encodeFunctionData({ abi, functionName: 'store', args: [1n, 11n, 'by itself'] }),
        }),
        'eip7702'
      )
      assert.equal(found.authorizationList[0].address, address)
      assert.equal(await client.getCode({ address: borrower.address }), `0xef0100${address.slice(2)}`)
      assert.equal((await client.getDelegation({ address: borrower.address })).toLowerCase(), address)
      assert.equal(await client.readContract({ address: borrower.address, abi, functionName: 'values', args: [1n] }), 11n)
      assert.equal(await client.readContract({ address, abi, functionName: 'values', args: [1n] }), 0n)
    })

    test('EIP-4844', async () => {
      const kzg = {
        blobToKzgCommitment: () => hexToBytes(blob.commitment),
        computeBlobKzgProof: () => hexToBytes(blob.proof),
      }
      const sent = wallet.sendTransaction({
        type: 'eip4844',
        to: nowhere,
        blobs: [blob.data],
        kzg,
        gas: 30_000n,
        maxFeePerBlobGas: parseGwei('10'),
      })
      if (layer === 'L2') return assert.rejects(sent, /not supported/)
      const { receipt, found } = await confirm(await sent, 'eip4844')
      assert.equal(receipt.blobGasUsed, 131_072n)
      assert.equal(found.blobVersionedHashes.length, 1)
      assert.ok((await client.getBlobBaseFee()) >= 1n)
    })

    test('a raw transaction is what was signed', async () => {
      const request = await wallet.prepareTransactionRequest({ to: nowhere, value: 3n })
      const serializedTransaction = await wallet.signTransaction(request)
      const hash = await wallet.sendRawTransaction({ serializedTransaction })
      assert.equal(hash, keccak256(serializedTransaction))
      await confirm(hash, 'eip1559')
      if (!(await isAnvil(rpc))) {
        const raw = await client.request({ method: 'eth_getRawTransactionByHash', params: [hash] })
        assert.equal(raw, serializedTransaction)
        assert.equal(parseTransaction(raw).value, 3n)
      }
    })
  })

  describe('refusals', () => {
    const full = async fields => ({ to: nowhere, gas: 21_000n, ...(await fees()), ...fields })

    test('nonce already used', async () =>
      rejectsAs(wallet.sendTransaction(await full({ nonce: 0 })), NonceTooLowError))

    test('too little money', async () => {
      const poor = walletOf(newAccount())
      await rejectsAs(poor.sendTransaction(await full({ nonce: 0, value: 1n })), InsufficientFundsError)
      if (await isAnvil(rpc)) return // which takes a transfer for 21,000 gas whatever its value
      await assert.rejects(poor.sendTransaction({ to: nowhere, value: parseEther('1') }), { name: 'TransactionExecutionError' })
      await rejectsAs(
        client.call({ account: account.address, to: nowhere, value: parseEther('1000000000') }),
        InsufficientFundsError
      )
    })

    test('already known, replacement too cheap', async () => {
      const owner = walletOf(await fund('1'))
      const request = await full({ nonce: 1, maxFeePerGas: parseGwei('20'), maxPriorityFeePerGas: parseGwei('1') })
      await owner.sendTransaction(request)
      await rejectsAs(owner.sendTransaction(request), NonceTooLowError) // viem's name for "already known"
      await assert.rejects(owner.sendTransaction({ ...request, value: 1n }), /replacement transaction underpriced/i)
    })

    test('gas and fees', async () => {
      const nonce = await client.getTransactionCount({ address: account.address, blockTag: 'pending' })
      await rejectsAs(wallet.sendTransaction(await full({ nonce, gas: 20_000n })), IntrinsicGasTooLowError)
      await rejectsAs(
        wallet.sendTransaction(await full({ nonce, maxFeePerGas: parseGwei('3'), maxPriorityFeePerGas: parseGwei('4') })),
        TipAboveFeeCapError
      )
    })
  })

  describe('contracts', () => {
    test('calls, events and getLogs', async () => {
      assert.equal(await client.getCode({ address }), Probe.deployedBytecode)
      const { request, result } = await client.simulateContract({ account, address, abi, functionName: 'store', args: [8n, 88n, 'eight'] })
      assert.equal(result, 0n)
      const receipt = await mined(await wallet.writeContract(request))
      const { eventName, args } = decodeEventLog({ abi, ...receipt.logs[0] })
      assert.equal(eventName, 'Stored')
      assert.deepEqual(args, { who: account.address, key: 8n, value: 88n, note: 'eight' })
      assert.equal(await probe.read.values([8n]), 88n)
      assert.equal(await probe.read.values([8n], { blockNumber: receipt.blockNumber - 1n }), 0n)
      assert.equal(BigInt(await client.getStorageAt({ address, slot: '0x0' })), 88n)
      const logs = await client.getContractEvents({ address, abi, eventName: 'Stored', args: { key: 8n }, fromBlock: receipt.blockNumber })
      assert.equal(logs.length, 1)
      assert.equal(logs[0].args.note, 'eight')
      assert.equal((await client.getLogs({ blockHash: receipt.blockHash, address })).length, 1)
    })

    test('filters', async () => {
      const events = await client.createContractEventFilter({ address, abi, eventName: 'Stored' })
      const blocks = await client.createBlockFilter()
      const pending = await client.createPendingTransactionFilter()
      const hash = await wallet.writeContract({ address, abi, functionName: 'store', args: [9n, 99n, 'nine'] })
      await mined(hash)
      const [found] = await until('the event', async () => {
        const changes = await client.getFilterChanges({ filter: events })
        return changes.length > 0 && changes
      })
      assert.equal(found.args.note, 'nine')
      assert.ok((await client.getFilterLogs({ filter: events })).length >= 1)
      assert.ok((await client.getFilterChanges({ filter: blocks })).length >= 1)
      assert.ok((await client.getFilterChanges({ filter: pending })).includes(hash))
      assert.equal(await client.uninstallFilter({ filter: events }), true)
      await client.uninstallFilter({ filter: blocks })
      await client.uninstallFilter({ filter: pending })
    })

    test('reverts are decoded', async () => {
      await rejectsAs(probe.simulate.refuse([5n], { account }), ContractFunctionRevertedError, error => {
        assert.equal(error.data.errorName, 'Refused')
        assert.deepEqual(error.data.args, [account.address, 5n])
        return true
      })
      await rejectsAs(probe.read.fail(['no luck']), ContractFunctionRevertedError, error => {
        assert.equal(error.reason, 'no luck')
        return true
      })
      await rejectsAs(probe.read.divide([1n, 0n]), ContractFunctionRevertedError, error => {
        assert.equal(error.data.errorName, 'Panic')
        assert.equal(error.data.args[0], 18n)
        return true
      })
      await rejectsAs(probe.estimateGas.refuse([5n], { account }), ContractFunctionRevertedError, error => {
        assert.equal(error.data.errorName, 'Refused')
        return true
      })
      await rejectsAs(
        client.estimateGas({ account, to: address, data: encodeFunctionData({ abi, functionName: 'fail', args: ['estimated'] }) }),
        ExecutionRevertedError,
        error => {
          assert.match(error.shortMessage, /estimated/)
          return true
        }
      )
    })

    test('a transaction that reverts has a receipt', async () => {
      const receipt = await mined(await wallet.writeContract({ address, abi, functionName: 'refuse', args: [1n], gas: 90_000n }))
      assert.equal(receipt.status, 'reverted')
      assert.deepEqual(receipt.logs, [])
    })

    test('estimates and access lists', async () => {
      const gas = await probe.estimateGas.burnGas([10n], { account })
      const receipt = await mined(await probe.write.burnGas([10n], { gas }))
      assert.equal(receipt.status, 'success')
      const { accessList, gasUsed } = await client.createAccessList({
        account,
        to: address,
        data: encodeFunctionData({ abi, functionName: 'callSelf', args: [4n] }),
      })
      assert.ok(gasUsed > 21_000n)
      assert.equal(accessList.find(entry => entry.address.toLowerCase() === address).storageKeys.length, 2)
    })

    test('state override', async () => {
      const stateOverride = [{ address, stateDiff: [{ slot: pad('0x0'), value: pad('0x309') }] }]
      assert.equal(await client.readContract({ address, abi, functionName: 'value', stateOverride }), 777n)
      const stranger = newAccount().address
      const seen = await client.readContract({
        address: stranger,
        abi,
        functionName: 'whoAmI',
        stateOverride: [{ address: stranger, code: Probe.deployedBytecode, balance: 12n }],
      })
      assert.deepEqual(seen, [stranger, zeroAddress, 12n])
      const generous = await client.estimateGas({
        account: stranger,
        to: nowhere,
        value: 10n,
        stateOverride: [{ address: stranger, balance: parseEther('1') }],
      })
      assert.ok(generous >= 21_000n)
    })

    test('code that is not deployed', async () => {
      const { data } = await client.call({
        code: encodeDeployData({ abi, bytecode: Probe.bytecode, args: [0n] }),
        data: encodeFunctionData({ abi, functionName: 'divide', args: [9n, 3n] }),
      })
      assert.equal(BigInt(data), 3n)
    })

    test('eth_simulateV1', async t => {
      let results
      try {
        results = await client.simulateCalls({
          account: account.address,
          calls: [
            { to: address, abi, functionName: 'store', args: [50n, 500n, 'simulated'] },
            { to: address, abi, functionName: 'values', args: [50n] },
          ],
        })
      } catch (error) {
        if (/method not found|does not exist|not supported|not offered/i.test(error.details ?? error.message)) return t.skip('not offered')
        throw error
      }
      assert.deepEqual(results.results.map(({ status }) => status), ['success', 'success'])
      assert.equal(results.results[1].result, 500n)
    })

    test('proofs', async () => {
      const block = await client.getBlock()
      const slots = [pad('0x0'), pad('0x77')]
      const shaped = await client.getProof({ address, storageKeys: slots, blockNumber: block.number })
      assert.equal(shaped.nonce, 1)
      assert.equal(shaped.storageProof.length, 2)
      const answer = await client.request({ method: 'eth_getProof', params: [address, slots, toHex(block.number)] })
      assert.equal(verifyProof(block.stateRoot, answer).exists, true)
    })

    test('traces', async () => {
      const hash = await wallet.writeContract({ address, abi, functionName: 'callSelf', args: [6n] })
      await mined(hash)
      const trace = await client.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer' }] })
      assert.equal(trace.from, account.address.toLowerCase())
      assert.equal(trace.calls[0].to, address)
      const called = await client.request({
        method: 'debug_traceCall',
        params: [{ from: account.address, to: address, data: encodeFunctionData({ abi, functionName: 'fail', args: ['traced'] }) }, 'latest', { tracer: 'callTracer' }],
      })
      assert.equal(called.error, 'execution reverted')
      assert.equal(called.revertReason, 'traced')
    })
  })

  describe('transport', () => {
    test('batches over HTTP', async () => {
      const batching = createPublicClient({ ...common, transport: http(rpc, { batch: { batchSize: 100, wait: 10 }, retryCount: 0 }) })
      const [ids, missing] = await Promise.all([
        Promise.all(Array.from({ length: 30 }, () => batching.getChainId())),
        batching.getTransaction({ hash: keccak256('0x99') }).catch(error => error),
      ])
      assert.ok(ids.every(id => id === chain.id))
      assert.ok(missing instanceof TransactionNotFoundError)
    })

    test('transaction pool', async () => {
      const { pending, queued } = await client.request({ method: 'txpool_status' })
      assert.ok(BigInt(pending) >= 0n && BigInt(queued) >= 0n)
      const content = await client.request({ method: 'txpool_content' })
      assert.deepEqual(Object.keys(content).sort(), ['pending', 'queued'])
      const inspect = await client.request({ method: 'txpool_inspect' })
      assert.deepEqual(Object.keys(inspect).sort(), ['pending', 'queued'])
    })

    test('subscriptions', async () => {
      const live = createPublicClient({ ...common, transport: webSocket(wsUrl(rpc), { retryCount: 0 }) })
      after(async () => (await live.transport.getRpcClient()).close())
      const [blocks, logs, hashes, failures] = [[], [], [], []]
      const onError = error => failures.push(error)
      const stops = [
        live.watchBlocks({ onBlock: block => blocks.push(block), onError }),
        live.watchContractEvent({ address, abi, eventName: 'Stored', onLogs: found => logs.push(...found), onError }),
        live.watchPendingTransactions({ onTransactions: found => hashes.push(...found), onError }),
      ]
      await until('a connection', async () => (await live.getBlockNumber()) >= 0n)
      await new Promise(resolve => setTimeout(resolve, 500))
      const hash = await wallet.writeContract({ address, abi, functionName: 'store', args: [70n, 700n, 'live'] })
      const receipt = await mined(hash)
      await until('the block', () => blocks.some(({ number }) => number === receipt.blockNumber))
      await until('the event', () => logs.length > 0)
      await until('the pending transaction', () => hashes.includes(hash))
      assert.equal(logs[0].args.note, 'live')
      assert.deepEqual(failures, [])
      for (const stop of stops) stop()
    })

    test('all calls over WebSocket', async () => {
      const live = createPublicClient({ ...common, transport: webSocket(wsUrl(rpc), { retryCount: 0 }) })
      after(async () => (await live.transport.getRpcClient()).close())
      assert.equal(await live.getChainId(), chain.id)
      await rejectsAs(live.readContract({ address, abi, functionName: 'fail', args: ['by socket'] }), ContractFunctionRevertedError)
    })
  })

  describe('development', { skip: layer !== 'L1' && 'for L1 only' }, () => {
    let tester
    const info = async () => client.getBlock()
    before(() => {
      tester = createTestClient({ ...common, mode: 'anvil' })
    })

    test('mine and increaseTime', async () => {
      const start = await info()
      await tester.mine({ blocks: 3 })
      const three = await info()
      assert.ok(three.number >= start.number + 3n)
      await tester.increaseTime({ seconds: 1000 })
      await tester.mine({ blocks: 1 })
      assert.ok((await info()).timestamp >= three.timestamp + 1000n)
      await tester.mine({ blocks: 2, interval: 60 })
      assert.ok((await info()).timestamp >= three.timestamp + 1060n)
    })

    test('accounts', async () => {
      const { address: someone } = newAccount()
      await tester.setBalance({ address: someone, value: 5n })
      assert.equal(await client.getBalance({ address: someone }), 5n)
      await tester.setNonce({ address: someone, nonce: 4 })
      assert.equal(await client.getTransactionCount({ address: someone }), 4)
      await tester.setCode({ address: someone, bytecode: Probe.deployedBytecode })
      await tester.setStorageAt({ address: someone, index: 0, value: pad('0x2a') })
      assert.equal(await client.readContract({ address: someone, abi, functionName: 'value' }), 42n)
    })

    test('automine', async () => {
      assert.equal(typeof (await tester.getAutomine()), 'boolean')
    })

    test('impersonation', async t => {
      const { address: someone } = newAccount()
      try {
        await tester.impersonateAccount({ address: someone })
      } catch (error) {
        if (error.walk?.(cause => cause.code === -32601)) return t.skip('not offered')
        throw error
      }
      await tester.setBalance({ address: someone, value: parseEther('1') })
      const hash = await walletOf(someone).sendTransaction({ to: nowhere, value: 1n })
      assert.equal((await mined(hash)).from, someone.toLowerCase())
      await tester.stopImpersonatingAccount({ address: someone })
    })

    // Goes back in time: not while a rollup follows this chain.
    test('snapshot and revert', { skip: deployment ? 'a rollup follows this chain' : false }, async () => {
      const { address: someone } = newAccount()
      const id = await tester.snapshot()
      const at = (await info()).number
      await tester.setBalance({ address: someone, value: 5n })
      await tester.mine({ blocks: 2 })
      await tester.revert({ id })
      assert.equal(await client.getBalance({ address: someone }), 0n)
      assert.ok((await info()).number <= at + 2n)
      await mined(await wallet.sendTransaction({ to: nowhere, value: 1n }))
    })
  })

  describe('rollup', { skip: layer !== 'L2' && 'for L2 only' }, () => {
    test('receipts name the L1 fee', async () => {
      const receipt = await mined(await wallet.sendTransaction({ to: nowhere, value: 1n }))
      for (const field of ['l1GasPrice', 'l1GasUsed', 'l1Fee']) assert.equal(typeof receipt[field], 'bigint', field)
    })

    // A block has one where it refers to another L1 block than its parent: block 1 always does.
    test('L1 attributes are deposits', async () => {
      const block = await client.getBlock({ blockNumber: 1n, includeTransactions: true })
      const [first] = block.transactions
      assert.equal(first.type, 'deposit')
      assert.equal(first.typeHex, '0x7e')
      assert.match(first.sourceHash, /^0x[0-9a-f]{64}$/)
      assert.equal(first.to, '0x4200000000000000000000000000000000000015')
      const receipt = await client.getTransactionReceipt({ hash: first.hash })
      assert.equal(receipt.type, '0x7e')
      assert.equal(receipt.status, 'success')
      assert.equal(typeof receipt.depositNonce, 'bigint')
      assert.equal(receipt.depositReceiptVersion, 1)
    })
  })
})

const missing = deployment && process.env.L1_RPC && process.env.L2_RPC ? false : 'set DEPLOYMENT, L1_RPC and L2_RPC'
describe('viem across the bridge', { timeout: 180_000, skip: missing }, () => {
  test('a deposit arrives as a deposit transaction', async () => {
    const l1 = await connect(process.env.L1_RPC, 'L1')
    const l2 = await connect(process.env.L2_RPC, 'L2')
    const depositor = l1.walletOf(await l1.fund('2'))
    const vault = { address: deployment.contracts.vault, abi: artifact('Vault').abi }
    const to = newAccount().address
    const receipt = await l1.mined(
      await depositor.writeContract({ ...vault, functionName: 'depositETHTo', args: [to, 0, '0x'], value: parseEther('0.5') })
    )
    assert.equal(receipt.status, 'success')
    await until('the deposit', async () => (await l2.client.getBalance({ address: to })) === parseEther('0.5'), 120_000)

    const [event] = await until('the event', async () => {
      const all = await l2.client.getContractEvents({
        address: '0x4200000000000000000000000000000000000010',
        abi: artifact('L2Bridge').abi,
        eventName: 'DepositFinalized',
        fromBlock: 0n,
      })
      const mine = all.filter(({ args }) => args.to === to)
      return mine.length > 0 && mine
    })
    const deposit = await l2.client.getTransaction({ hash: event.transactionHash })
    assert.equal(deposit.type, 'deposit')
    assert.equal(deposit.mint, parseEther('0.5'))
    assert.equal(deposit.value, parseEther('0.5'))
    const delivered = await l2.client.getTransactionReceipt({ hash: event.transactionHash })
    assert.equal(delivered.status, 'success')
    assert.equal(typeof delivered.depositNonce, 'bigint')
    assert.equal(delivered.depositReceiptVersion, 1)
    const block = await l2.client.getBlock({ blockHash: delivered.blockHash, includeTransactions: true })
    const inBlock = block.transactions.find(({ hash }) => hash === event.transactionHash)
    assert.equal(inBlock.type, 'deposit')
    assert.equal(inBlock.mint, parseEther('0.5'))
  })

  test('a withdrawal is begun', async () => {
    const l2 = await connect(process.env.L2_RPC, 'L2')
    const sender = await l2.fund('1')
    const { abi: bridge } = artifact('L2Bridge')
    const receipt = await l2.mined(
      await l2.walletOf(sender).writeContract({
        address: '0x4200000000000000000000000000000000000010',
        abi: bridge,
        functionName: 'withdraw',
        args: ['0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000', 7n, 0, '0x'],
        value: 7n,
      })
    )
    assert.equal(receipt.status, 'success')
    const log = receipt.logs.find(entry => entry.address === '0x4200000000000000000000000000000000000010')
    const { eventName, args } = decodeEventLog({ abi: bridge, ...log })
    assert.equal(eventName, 'WithdrawalInitiated')
    assert.equal(args.from, sender.address)
    assert.equal(args.amount, 7n)
    const passed = receipt.logs.find(entry => entry.address === '0x4200000000000000000000000000000000000016')
    assert.equal(decodeEventLog({ abi: artifact('MessagePasser').abi, ...passed }).args.value, 7n)
  })
})
