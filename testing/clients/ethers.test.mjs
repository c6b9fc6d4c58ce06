// ethers 6 against every chain.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  Contract,
  ContractFactory,
  HDNodeWallet,
  Interface,
  Transaction,
  WebSocketProvider,
  ZeroAddress,
  getAddress,
  getCreateAddress,
  hexlify,
  isError,
  keccak256,
  parseEther,
  parseUnits,
  toBeHex,
  toQuantity,
  zeroPadValue,
} from 'ethers'
import {
  FIRST_ACCOUNT,
  L1_CHAIN_ID,
  Probe,
  artifact,
  blob,
  closedAfterwards,
  deployment,
  devAccount,
  fund,
  headerHash,
  isAnvil,
  newProvider,
  onEveryChain,
  rawRpc,
  until,
  verifyProof,
  wsUrl,
} from './helpers.mjs'

const rejectsWith = (promise, code, check = () => true) =>
  assert.rejects(promise, error => {
    assert.equal(error.code, code, `${error.code}: ${error.message}`)
    return check(error)
  })
const message = error => error.info?.error?.message ?? error.error?.message ?? error.message

onEveryChain('ethers', ({ layer, rpc }) => {
  const provider = newProvider(rpc)
  let chainId, wallet, contract
  const fees = async () => {
    const { maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData()
    return { maxFeePerGas, maxPriorityFeePerGas }
  }
  /** A signed transfer with everything given. */
  const signed = async (from, fields) =>
    from.signTransaction({ type: 2, chainId, to: ZeroAddress, value: 0, gasLimit: 30_000, ...(await fees()), ...fields })

  before(async () => {
    chainId = (await provider.getNetwork()).chainId
    wallet = await fund(provider, FIRST_ACCOUNT, '20')
    const factory = new ContractFactory(Probe.abi, Probe.bytecode, wallet)
    contract = await factory.deploy(7n, { value: 3n })
    await contract.waitForDeployment()
  })

  describe('chain', () => {
    test('ids', async () => {
      if (layer === 'L1') assert.equal(chainId, L1_CHAIN_ID)
      assert.equal(BigInt(await provider.send('eth_chainId', [])), chainId)
      assert.equal(BigInt(await provider.send('net_version', [])), chainId)
      assert.match(await provider.send('web3_clientVersion', []), /./)
      assert.equal(
        await provider.send('web3_sha3', ['0x68656c6c6f']),
        '0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8'
      )
      assert.equal(await provider.send('eth_syncing', []), false)
    })

    test('balances', async () => {
      assert.ok((await provider.getBalance(devAccount(FIRST_ACCOUNT).address)) > parseEther('1'))
      assert.equal(await provider.getBalance(HDNodeWallet.createRandom().address), 0n)
      assert.equal(await provider.getBalance(await contract.getAddress()), 3n)
    })

    test('a past balance differs from the present one', async () => {
      const fresh = HDNodeWallet.createRandom().address
      const sent = await wallet.sendTransaction({ to: fresh, value: 5n })
      const { blockNumber } = await sent.wait(1, 30_000)
      assert.equal(await provider.getBalance(fresh, blockNumber), 5n)
      assert.equal(await provider.getBalance(fresh, blockNumber - 1), 0n)
    })

    test('tags', async () => {
      const number = {}
      for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) {
        const block = await provider.getBlock(tag)
        assert.ok(block, `no block for ${tag}`)
        number[tag] = block.number
      }
      assert.equal(number.earliest, 0)
      assert.ok(number.finalized <= number.safe, 'finalized is ahead of safe')
      assert.ok(number.safe <= number.latest, 'safe is ahead of latest')
      assert.ok(number.pending >= number.latest, 'pending is behind latest')
      assert.ok((await provider.getBalance(wallet.address, 'pending')) > 0n)
    })

    test('block with transactions', async () => {
      const sent = await wallet.sendTransaction({ to: wallet.address, value: 1n })
      const receipt = await sent.wait(1, 30_000)
      const block = await provider.getBlock(receipt.blockNumber, true)
      assert.equal(block.hash, receipt.blockHash)
      assert.ok(block.transactions.includes(sent.hash))
      const inBlock = block.getPrefetchedTransaction(sent.hash)
      assert.equal(inBlock.from, wallet.address)
      assert.equal(inBlock.index, receipt.index)
      assert.equal((await provider.getBlock(block.hash)).number, block.number)
      assert.equal((await provider.getBlock(block.number - 1)).hash, block.parentHash)
      assert.equal(await provider.getBlock(10_000_000), null)
      assert.equal(await provider.getBlock(zeroPadValue('0x01', 32)), null)
      assert.equal(
        BigInt(await provider.send('eth_getBlockTransactionCountByNumber', [toQuantity(block.number)])),
        BigInt(block.transactions.length)
      )
    })

    test('the hash of a header follows from its fields', async () => {
      const block = await provider.send('eth_getBlockByNumber', ['latest', false])
      assert.equal(headerHash(block), block.hash)
    })

    test('block receipts', async () => {
      const sent = await wallet.sendTransaction({ to: wallet.address })
      const { blockNumber, hash } = await sent.wait(1, 30_000)
      const receipts = await provider.send('eth_getBlockReceipts', [toQuantity(blockNumber)])
      const block = await provider.getBlock(blockNumber)
      assert.deepEqual(receipts.map(({ transactionHash }) => transactionHash), block.transactions)
      assert.ok(receipts.some(({ transactionHash }) => transactionHash === hash))
      assert.equal(BigInt(receipts.at(-1).cumulativeGasUsed), block.gasUsed)
    })

    test('fee data and history', async () => {
      const data = await provider.getFeeData()
      assert.ok(data.gasPrice > 0n)
      assert.ok(data.maxFeePerGas >= data.maxPriorityFeePerGas)
      const history = await provider.send('eth_feeHistory', ['0x4', 'latest', [10, 50, 90]])
      const count = history.gasUsedRatio.length
      assert.ok(count >= 1 && count <= 4)
      assert.equal(history.baseFeePerGas.length, count + 1)
      assert.equal(history.reward.length, count)
      for (const row of history.reward) assert.equal(row.length, 3)
      const first = Number(history.oldestBlock)
      for (let i = 0; i < count; i++) {
        const block = await provider.getBlock(first + i)
        assert.equal(BigInt(history.baseFeePerGas[i]), block.baseFeePerGas, `base fee of block ${first + i}`)
      }
    })
  })

  describe('transactions', () => {
    const confirm = async sent => {
      const receipt = await sent.wait(1, 30_000)
      assert.equal(receipt.status, 1)
      const found = await provider.getTransaction(sent.hash)
      assert.equal(found.hash, sent.hash)
      assert.equal(found.from, wallet.address)
      assert.equal(found.blockNumber, receipt.blockNumber)
      assert.equal(found.type, receipt.type)
      assert.equal(Transaction.from(found).hash, sent.hash, 'the fields do not give the hash')
      return { receipt, found }
    }
    const to = '0x00000000000000000000000000000000000000aa'

    test('legacy', async () => {
      const { gasPrice } = await provider.getFeeData()
      const { receipt, found } = await confirm(await wallet.sendTransaction({ type: 0, to, value: 1n, gasPrice }))
      assert.equal(receipt.type, 0)
      assert.equal(receipt.gasPrice, gasPrice)
      assert.equal(receipt.gasUsed, 21_000n)
      assert.equal(found.chainId, chainId)
    })

    test('EIP-2930', async () => {
      const accessList = [{ address: await contract.getAddress(), storageKeys: [zeroPadValue('0x00', 32)] }]
      const { gasPrice } = await provider.getFeeData()
      const { receipt, found } = await confirm(
        await wallet.sendTransaction({ type: 1, to, value: 1n, gasPrice, accessList })
      )
      assert.equal(receipt.type, 1)
      assert.equal(receipt.gasUsed, 21_000n + 2_400n + 1_900n)
      assert.deepEqual(found.accessList, accessList)
    })

    test('EIP-1559', async () => {
      const maxPriorityFeePerGas = parseUnits('1', 'gwei')
      const maxFeePerGas = parseUnits('50', 'gwei')
      const { receipt, found } = await confirm(
        await wallet.sendTransaction({ type: 2, to, value: 1n, maxFeePerGas, maxPriorityFeePerGas })
      )
      assert.equal(receipt.type, 2)
      assert.equal(found.maxFeePerGas, maxFeePerGas)
      assert.equal(found.maxPriorityFeePerGas, maxPriorityFeePerGas)
      const { baseFeePerGas } = await provider.getBlock(receipt.blockNumber)
      assert.equal(receipt.gasPrice, baseFeePerGas + maxPriorityFeePerGas)
      assert.equal(found.gasPrice, receipt.gasPrice)
    })

    test('EIP-7702: an account borrows code, then gives it back', async () => {
      const account = await fund(provider, FIRST_ACCOUNT, '1')
      const address = await contract.getAddress()
      const authorization = await account.authorize({ address, nonce: 0, chainId })
      const { receipt, found } = await confirm(
        await wallet.sendTransaction({ type: 4, to: account.address, authorizationList: [authorization] })
      )
      assert.equal(receipt.type, 4)
      assert.equal(found.authorizationList[0].address, address)
      assert.equal(await provider.getCode(account.address), `0xef0100${address.slice(2).toLowerCase()}`)
      assert.equal(await provider.getTransactionCount(account.address), 1)
      const borrowed = contract.attach(account.address)
      const stored = await (await borrowed.store(4n, 44n, 'delegated')).wait(1, 30_000)
      assert.equal(stored.logs[0].address, account.address)
      assert.equal(await borrowed.values(4n), 44n)
      assert.equal((await borrowed.whoAmI()).self, account.address)

      // The account itself may still send.
      await (await account.sendTransaction({ to, value: 1n })).wait(1, 30_000)
      const back = await account.authorize({ address: ZeroAddress, nonce: 2, chainId })
      await confirm(await wallet.sendTransaction({ type: 4, to: ZeroAddress, authorizationList: [back] }))
      assert.equal(await provider.getCode(account.address), '0x')
    })

    test('EIP-4844', async () => {
      const { data, commitment, proof, cellProofs } = blob
      const send = async fields => {
        const tx = Transaction.from({
          type: 3,
          chainId,
          nonce: await wallet.getNonce('pending'),
          to,
          gasLimit: 30_000,
          ...(await fees()),
          maxFeePerBlobGas: parseUnits('10', 'gwei'),
          ...fields,
        })
        tx.signature = wallet.signingKey.sign(tx.unsignedHash)
        return provider.broadcastTransaction(tx.serialized)
      }
      if (layer === 'L2') {
        await assert.rejects(send({ blobs: [blob] }), error => /not supported/.test(message(error)))
        return
      }
      const { receipt, found } = await confirm(await send({ blobs: [{ data, commitment, proof }] }))
      assert.equal(receipt.type, 3)
      assert.equal(receipt.blobGasUsed, 131_072n)
      assert.ok(receipt.blobGasPrice >= 1n)
      assert.equal(found.blobVersionedHashes.length, 1)
      assert.ok(BigInt(await provider.send('eth_blobBaseFee', [])) >= 1n)
      const block = await provider.getBlock(receipt.blockNumber)
      assert.ok(block.blobGasUsed >= 131_072n)

      const cells = { data, commitment, proof: `0x${cellProofs.map(cell => cell.slice(2)).join('')}` }
      await confirm(await send({ blobs: [cells], blobWrapperVersion: 1 }))
      const changed = { ...cells, data: data.with(1, 0) }
      await assert.rejects(send({ blobs: [changed], blobWrapperVersion: 1 }), error => /proof|kzg/i.test(message(error)))
    })

    test('what is unknown is null', async () => {
      const hash = keccak256('0x1234')
      assert.equal(await provider.getTransaction(hash), null)
      assert.equal(await provider.getTransactionReceipt(hash), null)
      assert.equal(await provider.send('eth_getTransactionByBlockNumberAndIndex', ['latest', '0xffff']), null)
      assert.equal(await provider.send('eth_getBlockReceipts', ['0xffffff']), null)
    })

    test('nonces: gaps wait, then all are taken', async () => {
      const account = await fund(provider, FIRST_ACCOUNT, '1')
      assert.equal(await account.getNonce('pending'), 0)
      const [first, second, third] = await Promise.all([0, 1, 2].map(nonce => signed(account, { nonce })))
      const last = await provider.broadcastTransaction(third)
      assert.equal(await account.getNonce('pending'), 0, 'a gap does not count')
      assert.equal(await provider.getTransactionReceipt(last.hash), null)
      const waiting = await provider.getTransaction(last.hash)
      assert.equal(waiting.blockNumber, null)
      const status = await provider.send('txpool_status', [])
      assert.ok(BigInt(status.queued) >= 1n, `queued is ${status.queued}`)
      const content = await provider.send('txpool_content', [])
      const [, queue] = Object.entries(content.queued).find(([key]) => getAddress(key) === account.address)
      assert.equal(queue['2'].hash, last.hash)
      await provider.broadcastTransaction(first)
      await provider.broadcastTransaction(second)
      const receipt = await last.wait(1, 30_000)
      assert.equal(receipt.status, 1)
      assert.equal(await account.getNonce('latest'), 3)
      assert.equal(await account.getNonce('pending'), 3)
      assert.equal(await provider.getTransactionCount(account.address, receipt.blockNumber - 5), 0)
    })
  })

  describe('refusals', () => {
    test('nonce already used', async () => {
      const raw = await signed(wallet, { nonce: 0 })
      await rejectsWith(provider.broadcastTransaction(raw), 'NONCE_EXPIRED')
    })

    test('too little money', async () => {
      const poor = HDNodeWallet.createRandom().connect(provider)
      await rejectsWith(provider.broadcastTransaction(await signed(poor, { nonce: 0, value: 1n })), 'INSUFFICIENT_FUNDS')
      await rejectsWith(
        poor.sendTransaction({ to: ZeroAddress, value: parseEther('1'), gasPrice: parseUnits('10', 'gwei') }),
        'INSUFFICIENT_FUNDS'
      )
    })

    test('already known, and replaced', async () => {
      const account = await fund(provider, FIRST_ACCOUNT, '1')
      // A nonce ahead stays in the pool however blocks are made.
      const fee = { maxFeePerGas: parseUnits('20', 'gwei'), maxPriorityFeePerGas: parseUnits('1', 'gwei') }
      const held = await signed(account, { nonce: 1, ...fee })
      const { hash } = await provider.broadcastTransaction(held)
      await assert.rejects(provider.broadcastTransaction(held), error => /already (known|imported)/.test(message(error)))
      await rejectsWith(
        provider.broadcastTransaction(await signed(account, { nonce: 1, value: 1n, ...fee })),
        'REPLACEMENT_UNDERPRICED'
      )
      const better = { maxFeePerGas: fee.maxFeePerGas * 2n, maxPriorityFeePerGas: fee.maxPriorityFeePerGas * 2n }
      const replacement = await provider.broadcastTransaction(await signed(account, { nonce: 1, value: 2n, ...better }))
      if (!(await isAnvil(rpc))) assert.equal(await provider.getTransaction(hash), null)
      await provider.broadcastTransaction(await signed(account, { nonce: 0 }))
      assert.equal((await replacement.wait(1, 30_000)).status, 1)
      assert.equal(await provider.getTransactionReceipt(hash), null)
    })

    test('malformed or impossible', async () => {
      const nonce = await wallet.getNonce('pending')
      const refused = async (raw, words) =>
        assert.rejects(provider.broadcastTransaction(raw), error => {
          assert.match(message(error), words)
          return true
        })
      await refused(await signed(wallet, { nonce, gasLimit: 20_000 }), /intrinsic gas too low/)
      await refused(await signed(wallet, { nonce, gasLimit: 900_000_000 }), /gas/)
      await refused(await signed(wallet, { nonce, chainId: chainId + 1n }), /chain ?id/i)
      for (const bad of ['0x', '0x02', '0x02c0', '0xdeadbeef']) {
        const { error } = await rawRpc(rpc, { jsonrpc: '2.0', id: 1, method: 'eth_sendRawTransaction', params: [bad] })
        assert.ok(error.code < 0, JSON.stringify(error))
      }
    })
  })

  describe('contracts', () => {
    test('deployment', async () => {
      const address = await contract.getAddress()
      const receipt = await contract.deploymentTransaction().wait(1, 30_000)
      assert.equal(receipt.contractAddress, address)
      assert.equal(receipt.to, null)
      assert.equal(getCreateAddress({ from: wallet.address, nonce: contract.deploymentTransaction().nonce }), address)
      assert.equal(await provider.getCode(address), Probe.deployedBytecode)
      assert.equal(await provider.getCode(HDNodeWallet.createRandom().address), '0x')
      assert.equal(await contract.value(), await contract.value({ blockTag: 'pending' }))
      assert.equal(await contract.value({ blockTag: receipt.blockNumber }), 7n)
      assert.equal(await provider.getCode(address, receipt.blockNumber - 1), '0x')
    })

    test('the block as a contract sees it', async () => {
      const block = await provider.getBlock('latest')
      const seen = await contract.surroundings({ blockTag: block.number })
      assert.equal(seen.chainId, chainId)
      assert.equal(seen.number, BigInt(block.number))
      assert.equal(seen.timestamp, BigInt(block.timestamp))
      assert.equal(seen.gasLimit, block.gasLimit)
    })

    test('storage, events and getLogs', async () => {
      const receipt = await (await contract.store(11n, 1100n, 'first')).wait(1, 30_000)
      assert.equal(receipt.logs.length, 1)
      const [event] = receipt.logs
      assert.equal(event.fragment.name, 'Stored')
      assert.deepEqual([...event.args], [wallet.address, 11n, 1100n, 'first'])
      assert.equal(await provider.getStorage(await contract.getAddress(), 0), toBeHex(1100n, 32))

      const second = await (await contract.store(12n, 1200n, 'second')).wait(1, 30_000)
      const all = await contract.queryFilter('Stored', receipt.blockNumber, second.blockNumber)
      assert.deepEqual(all.map(({ args }) => args.note), ['first', 'second'])
      const byKey = await contract.queryFilter(contract.filters.Stored(null, 12n), receipt.blockNumber, 'latest')
      assert.deepEqual(byKey.map(({ args }) => args.note), ['second'])
      const byHash = await provider.getLogs({ blockHash: receipt.blockHash, address: await contract.getAddress() })
      assert.equal(byHash[0].transactionHash, receipt.hash)
      assert.equal(byHash[0].index, event.index)
      const either = await provider.getLogs({
        fromBlock: receipt.blockNumber,
        topics: [[contract.interface.getEvent('Stored').topicHash, keccak256('0x00')], null, [toBeHex(11n, 32), toBeHex(12n, 32)]],
      })
      assert.equal(either.length, 2)
      assert.deepEqual(await provider.getLogs({ fromBlock: receipt.blockNumber, address: ZeroAddress }), [])
    })

    test('filters', async () => {
      const address = await contract.getAddress()
      const logs = await provider.send('eth_newFilter', [{ address }])
      const blocks = await provider.send('eth_newBlockFilter', [])
      const pending = await provider.send('eth_newPendingTransactionFilter', [])
      const receipt = await (await contract.store(13n, 1300n, 'filtered')).wait(1, 30_000)
      const found = await until('the log', async () => {
        const changes = await provider.send('eth_getFilterChanges', [logs])
        return changes.length > 0 && changes
      })
      assert.equal(found[0].transactionHash, receipt.hash)
      assert.deepEqual(await provider.send('eth_getFilterChanges', [logs]), [])
      assert.ok((await provider.send('eth_getFilterLogs', [logs])).some(({ transactionHash }) => transactionHash === receipt.hash))
      const hashes = await until('the block', async () => {
        const changes = await provider.send('eth_getFilterChanges', [blocks])
        return changes.length > 0 && changes
      })
      assert.ok(hashes.every(hash => /^0x[0-9a-f]{64}$/.test(hash)))
      assert.ok((await provider.send('eth_getFilterChanges', [pending])).includes(receipt.hash))
      assert.equal(await provider.send('eth_uninstallFilter', [logs]), true)
      assert.equal(await provider.send('eth_uninstallFilter', [logs]), false)
      await provider.send('eth_uninstallFilter', [blocks])
      await provider.send('eth_uninstallFilter', [pending])
      await assert.rejects(provider.send('eth_getFilterChanges', [pending]), error => /filter.*not found/i.test(message(error)))
    })

    test('polling listeners', async () => {
      const seen = new Promise(resolve => contract.once('Received', (from, amount) => resolve([from, amount])))
      await provider.getBlockNumber()
      await new Promise(resolve => setTimeout(resolve, 500))
      await (await wallet.sendTransaction({ to: await contract.getAddress(), value: 9n })).wait(1, 30_000)
      assert.deepEqual(await seen, [wallet.address, 9n])
    })

    test('reverts are decoded', async () => {
      await rejectsWith(contract.refuse.staticCall(42n), 'CALL_EXCEPTION', error => {
        assert.equal(error.revert.name, 'Refused')
        assert.deepEqual([...error.revert.args], [wallet.address, 42n])
        return true
      })
      await rejectsWith(contract.fail('not today'), 'CALL_EXCEPTION', error => {
        assert.equal(error.reason, 'not today')
        return true
      })
      await rejectsWith(contract.divide(1n, 0n), 'CALL_EXCEPTION', error => {
        assert.equal(error.revert.name, 'Panic')
        assert.equal(BigInt(error.revert.args[0]), 0x12n)
        return true
      })
      await rejectsWith(contract.refuse.estimateGas(43n), 'CALL_EXCEPTION', error => {
        assert.equal(error.data, contract.interface.encodeErrorResult('Refused', [wallet.address, 43n]))
        return true
      })
      await rejectsWith(contract.store(1n, 1n, '', { value: 1n }), 'CALL_EXCEPTION')
    })

    test('a transaction that reverts has a receipt', async () => {
      const sent = await contract.refuse(1n, { gasLimit: 100_000 })
      await rejectsWith(sent.wait(1, 30_000), 'CALL_EXCEPTION', ({ receipt }) => {
        assert.equal(receipt.status, 0)
        assert.equal(receipt.logs.length, 0)
        assert.ok(receipt.gasUsed < 100_000n)
        return true
      })
    })

    test('gas estimates suffice', async () => {
      assert.equal(await provider.estimateGas({ from: wallet.address, to: ZeroAddress.replace(/0$/, '1'), value: 1n }) >= 21_000n, true)
      const gasLimit = await contract.burnGas.estimateGas(20n)
      const receipt = await (await contract.burnGas(20n, { gasLimit })).wait(1, 30_000)
      assert.equal(receipt.status, 1)
      assert.ok(gasLimit < receipt.gasUsed * 2n, `${gasLimit} estimated, ${receipt.gasUsed} used`)
      if (await isAnvil(rpc)) return // which takes a transfer for 21,000 gas whatever its value
      const tooMuch = wallet.estimateGas({ to: wallet.address, value: parseEther('1000000000') })
      await assert.rejects(tooMuch, error => isError(error, 'INSUFFICIENT_FUNDS') || isError(error, 'CALL_EXCEPTION'))
    })

    test('access lists', async () => {
      const address = await contract.getAddress()
      const data = contract.interface.encodeFunctionData('store', [21n, 1n, ''])
      const { accessList, gasUsed } = await provider.send('eth_createAccessList', [{ from: wallet.address, to: address, data }, 'latest'])
      const entry = accessList.find(item => getAddress(item.address) === address)
      assert.equal(entry.storageKeys.length, 2)
      assert.ok(entry.storageKeys.includes(zeroPadValue('0x00', 32)))
      assert.ok(BigInt(gasUsed) > 21_000n)
    })

    test('state override', async () => {
      const address = await contract.getAddress()
      const call = { to: address, data: contract.interface.encodeFunctionData('value') }
      const override = { [address]: { stateDiff: { [zeroPadValue('0x00', 32)]: toBeHex(777n, 32) } } }
      assert.equal(BigInt(await provider.send('eth_call', [call, 'latest', override])), 777n)
      const stranger = HDNodeWallet.createRandom().address
      const placed = await provider.send('eth_call', [
        { to: stranger, data: contract.interface.encodeFunctionData('whoAmI') },
        'latest',
        { [stranger]: { code: Probe.deployedBytecode, balance: '0x10' } },
      ])
      assert.deepEqual([...contract.interface.decodeFunctionResult('whoAmI', placed)], [stranger, ZeroAddress, 16n])
    })

    test('proofs', async () => {
      const address = await contract.getAddress()
      await (await contract.store(31n, 3100n, '')).wait(1, 30_000)
      const slots = [0, 1, 99].map(slot => zeroPadValue(toBeHex(slot), 32))
      const values = keccak256(`0x${toBeHex(31n, 32).slice(2)}${toBeHex(1n, 32).slice(2)}`)
      await until('a proof against its block', async () => {
        const { number, stateRoot } = await provider.send('eth_getBlockByNumber', ['latest', false])
        const answer = await provider.send('eth_getProof', [address, [...slots, values], number])
        assert.equal(getAddress(answer.address), address)
        assert.equal(BigInt(answer.nonce), 1n)
        assert.equal(answer.codeHash, keccak256(Probe.deployedBytecode))
        assert.equal(answer.storageProof.length, 4)
        assert.equal(BigInt(answer.storageProof[3].value), 3100n)
        assert.equal(verifyProof(stateRoot, answer).exists, true)
        const nobody = await provider.send('eth_getProof', [HDNodeWallet.createRandom().address, [slots[0]], number])
        assert.equal(BigInt(nobody.balance), 0n)
        assert.equal(verifyProof(stateRoot, nobody).exists, false)
        return true
      })
    })

    test('traces', async () => {
      const { hash } = await (await contract.callSelf(5n)).wait(1, 30_000)
      const call = await provider.send('debug_traceTransaction', [hash, { tracer: 'callTracer', tracerConfig: { withLog: true } }])
      assert.equal(call.type, 'CALL')
      assert.equal(getAddress(call.from), wallet.address)
      assert.equal(call.calls.length, 1)
      assert.equal(call.calls[0].input, contract.interface.encodeFunctionData('store', [5n, 5n, 'nested']))
      assert.equal(call.calls[0].logs.length, 1)
      const plain = await provider.send('debug_traceTransaction', [hash, {}])
      assert.equal(plain.failed, false)
      assert.ok(plain.structLogs.length > 10)
      assert.equal(plain.structLogs[0].op, 'PUSH1')
      const before = await provider.send('debug_traceTransaction', [hash, { tracer: 'prestateTracer' }])
      assert.ok(Object.keys(before).some(key => getAddress(key) === wallet.address))
    })
  })

  describe('transport', () => {
    test('batches', async () => {
      const batching = newProvider(rpc, { batchMaxCount: 50, batchStallTime: 20 })
      const sizes = []
      batching.on('debug', ({ action, payload }) => {
        if (action === 'sendRpcPayload') sizes.push(Array.isArray(payload) ? payload.length : 1)
      })
      await batching.getNetwork()
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => batching.send('eth_chainId', [])),
        batching.send('eth_noSuchMethod', []).catch(error => error),
      ])
      assert.ok(answers.slice(0, 20).every(id => BigInt(id) === chainId))
      assert.ok(answers[20] instanceof Error)
      assert.ok(Math.max(...sizes) >= 20, `batches of ${sizes}`)
    })

    test('JSON-RPC itself', async () => {
      const missing = await rawRpc(rpc, { jsonrpc: '2.0', id: 'a', method: 'eth_noSuchMethod', params: [] })
      assert.equal(missing.id, 'a')
      assert.equal(missing.error.code, -32601)
      const wrong = await rawRpc(rpc, { jsonrpc: '2.0', id: 2, method: 'eth_getBalance', params: ['0x12'] })
      assert.equal(wrong.error.code, -32602)
      const broken = await rawRpc(rpc, '{"jsonrpc":')
      assert.ok(broken === undefined || broken.error, 'half a request has no result')
      const bare = await rawRpc(rpc, { jsonrpc: '2.0', id: 3, method: 'eth_chainId' })
      assert.equal(BigInt(bare.result), chainId)
      const mixed = await rawRpc(rpc, [
        { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] },
        { jsonrpc: '2.0', id: 2, method: 'eth_noSuchMethod', params: [] },
      ])
      assert.deepEqual(mixed.map(({ id }) => id).sort(), [1, 2])
    })

    test('subscriptions', async () => {
      const ws = new WebSocketProvider(wsUrl(rpc), undefined, { cacheTimeout: -1 })
      const requests = closedAfterwards(ws)
      assert.equal((await ws.getNetwork()).chainId, chainId)
      const blocks = []
      const logs = []
      const pending = []
      const address = await contract.getAddress()
      await ws.on('block', number => blocks.push(number))
      await ws.on({ address, topics: [contract.interface.getEvent('Stored').topicHash] }, log => logs.push(log))
      await ws.on('pending', hash => pending.push(hash))
      await new Promise(resolve => setTimeout(resolve, 300))
      const receipt = await (await contract.store(61n, 6100n, 'heard')).wait(1, 30_000)
      await until('the block', () => blocks.includes(receipt.blockNumber))
      await until('the log', () => logs.length > 0)
      await until('the pending transaction', () => pending.includes(receipt.hash))
      assert.equal(logs[0].transactionHash, receipt.hash)
      assert.equal(logs.length, 1)
      assert.equal(contract.interface.parseLog(logs[0]).args.note, 'heard')
      await ws.removeAllListeners()
      const ended = () => requests.filter(({ method }) => method === 'eth_unsubscribe')
      await until('the end of three subscriptions', () => ended().length === 3)
      assert.deepEqual(await Promise.all(ended().map(({ answer }) => answer)), [true, true, true])
      assert.equal(await ws.getBlockNumber() >= receipt.blockNumber, true)
    })
  })
})

describe('ethers across the bridge', { timeout: 180_000, skip: bridgeIsMissing() }, () => {
  const l1 = newProvider(process.env.L1_RPC)
  const l2 = newProvider(process.env.L2_RPC)

  test('the deployment describes the chains', async () => {
    assert.equal((await l1.getNetwork()).chainId, BigInt(deployment.l1ChainId))
    assert.equal((await l2.getNetwork()).chainId, BigInt(deployment.l2ChainId))
    assert.equal((await l2.getBlock(0)).hash, deployment.genesisHash)
    for (const [name, address] of Object.entries(deployment.contracts)) {
      assert.notEqual(await l1.getCode(address), '0x', `no code at ${name}`)
    }
  })

  test('ETH goes in by depositETHTo', async () => {
    const depositor = devAccount(FIRST_ACCOUNT).connect(l1)
    const vault = new Contract(deployment.contracts.vault, artifact('Vault').abi, depositor)
    const to = HDNodeWallet.createRandom().address
    const sent = await vault.depositETHTo(to, 50_000, '0xc0ffee', { value: parseEther('0.25') })
    const receipt = await sent.wait(1, 60_000)
    const event = receipt.logs.find(log => log.fragment?.name === 'ETHDepositInitiated')
    assert.equal(event.args.to ?? event.args[1], to)
    await until('the deposit', async () => (await l2.getBalance(to)) > 0n, 120_000)
    assert.equal(await l2.getBalance(to), parseEther('0.25'))

    const bridge = new Contract('0x4200000000000000000000000000000000000010', artifact('L2Bridge').abi, l2)
    const delivered = (await bridge.queryFilter('DepositFinalized', 0, 'latest')).find(({ args }) => args.to === to)
    assert.equal(delivered.args.amount, parseEther('0.25'))
    assert.equal(delivered.args.extraData, '0xc0ffee')
    const raw = await l2.send('eth_getTransactionByHash', [delivered.transactionHash])
    assert.equal(raw.type, '0x7e')
    assert.match(raw.sourceHash, /^0x[0-9a-f]{64}$/)
    assert.equal(BigInt(raw.mint), parseEther('0.25'))
    assert.equal((await l2.getTransactionReceipt(delivered.transactionHash)).status, 1)
  })

  test('ETH goes out by the MessagePasser', async () => {
    const sender = await fund(l2, FIRST_ACCOUNT, '1')
    const passer = new Contract('0x4200000000000000000000000000000000000016', artifact('MessagePasser').abi, sender)
    const receipt = await (await passer.initiateWithdrawal(sender.address, 100_000, '0xab', { value: 5n })).wait(1, 60_000)
    const { args } = receipt.logs.find(log => log.fragment?.name === 'MessagePassed')
    assert.deepEqual([args.sender, args.target, args.getValue('value'), args.gasLimit, args.getValue('data')], [sender.address, sender.address, 5n, 100_000n, '0xab'])
    assert.equal(await passer.sentMessages(args.withdrawalHash), true)
    const slot = keccak256(`0x${args.withdrawalHash.slice(2)}${'00'.repeat(32)}`)
    const { stateRoot } = await l2.send('eth_getBlockByHash', [receipt.blockHash, false])
    const proof = await l2.send('eth_getProof', [await passer.getAddress(), [slot], toQuantity(receipt.blockNumber)])
    assert.equal(BigInt(proof.storageProof[0].value), 1n)
    assert.equal(verifyProof(stateRoot, proof).exists, true)
  })
})

function bridgeIsMissing() {
  return deployment && process.env.L1_RPC && process.env.L2_RPC ? false : 'set DEPLOYMENT, L1_RPC and L2_RPC'
}
