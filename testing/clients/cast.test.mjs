// Foundry's cast against every chain.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { HDNodeWallet, Interface, concat, getAddress, toBeHex } from 'ethers'
import { foundry } from './foundry.mjs'
import { FIRST_ACCOUNT, L1_CHAIN_ID, Probe, artifact, deployment, devAccount, isAnvil, onEveryChain, until, verifyProof } from './helpers.mjs'

const CAST = foundry('cast')
const run = promisify(execFile)
const probe = new Interface(Probe.abi)
const STORED = 'Stored(address indexed,uint256 indexed,uint256,string)'
const nowhere = '0x00000000000000000000000000000000000000cc'

const castAt = rpc => async (...args) => {
  const env = { ...process.env, ETH_RPC_URL: rpc, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1', NO_COLOR: '1' }
  const { stdout } = await run(CAST, args.map(String), { env, timeout: 60_000, maxBuffer: 1 << 26 })
  return stdout.trim()
}

onEveryChain('cast', ({ layer, rpc }) => {
  const cast = castAt(rpc)
  const json = async (...args) => JSON.parse(await cast(...args, '--json'))
  const { privateKey: richKey } = devAccount(FIRST_ACCOUNT + 3)
  const account = HDNodeWallet.createRandom()
  const key = ['--private-key', account.privateKey]
  const send = (...args) => json('send', ...key, ...args)
  const fails = (promise, words) =>
    assert.rejects(promise, error => {
      assert.match(`${error.stderr}${error.stdout}`, words)
      return true
    })
  let address, deployed

  before(async () => {
    const paid = await json('send', '--private-key', richKey, account.address, '--value', '10ether')
    assert.equal(paid.status, '0x1')
    deployed = await send('--create', concat([Probe.bytecode, toBeHex(7n, 32)]))
    address = getAddress(deployed.contractAddress)
  })

  describe('reading', () => {
    test('chain', async () => {
      const id = BigInt(await cast('chain-id'))
      if (layer === 'L1') assert.equal(id, L1_CHAIN_ID)
      assert.ok(Number(await cast('block-number')) >= 1)
      assert.match(await cast('client'), /./)
      assert.ok(BigInt(await cast('gas-price')) > 0n)
      assert.ok(BigInt(await cast('base-fee')) > 0n)
      assert.equal(BigInt(JSON.parse(await cast('rpc', 'eth_chainId'))), id)
      await cast('chain')
      await cast('age')
    })

    test('account', async () => {
      assert.ok(BigInt(await cast('balance', account.address)) > 9n * 10n ** 18n)
      assert.ok(Number(await cast('nonce', account.address)) >= 1)
      assert.equal(await cast('code', address), Probe.deployedBytecode)
      assert.equal(Number(await cast('codesize', address)), Probe.deployedBytecode.length / 2 - 1)
      assert.match(await cast('codehash', address), /^0x[0-9a-f]{64}$/)
      await cast('storage-root', address)
    })

    test('block', async () => {
      for (const tag of ['earliest', 'finalized', 'safe', 'latest']) assert.ok(await cast('block', tag), tag)
      const block = await json('block', BigInt(deployed.blockNumber), '--full')
      assert.equal(block.hash, deployed.blockHash)
      assert.ok(block.transactions.some(({ hash }) => hash === deployed.transactionHash))
      assert.equal(await cast('block', deployed.blockHash, '--field', 'hash'), deployed.blockHash)
      const raw = await cast('block', BigInt(deployed.blockNumber), '--raw')
      assert.equal(await cast('keccak', raw), deployed.blockHash, 'the header does not give the hash')
      assert.equal(await cast('find-block', Number(block.timestamp)), String(BigInt(block.number)))
    })

    test('transaction and receipt', async () => {
      const tx = await json('tx', deployed.transactionHash)
      assert.equal(getAddress(tx.from), account.address)
      assert.equal(tx.blockHash, deployed.blockHash)
      const receipt = await json('receipt', deployed.transactionHash)
      assert.equal(getAddress(receipt.contractAddress), address)
      assert.match(await cast('receipt', deployed.transactionHash, 'status'), /^(true|1 .*)$/)
      const raw = await cast('tx', deployed.transactionHash, '--raw')
      assert.equal(await cast('keccak', raw), deployed.transactionHash)
      await fails(cast('tx', `0x${'12'.repeat(32)}`), /not found/i)
    })

    test('an unknown transaction has no receipt', () =>
      fails(cast('receipt', '--async', `0x${'12'.repeat(32)}`), /not found/i))
  })

  describe('sending', () => {
    test('store, storage, logs', async () => {
      const receipt = await send(address, 'store(uint256,uint256,string)', 3, 300, 'by cast')
      assert.equal(receipt.status, '0x1')
      assert.equal(receipt.type, '0x2')
      assert.equal(BigInt(await cast('storage', address, 0)), 300n)
      const slot = await cast('index', 'uint256', 3, 1)
      assert.equal(BigInt(await cast('storage', address, slot)), 300n)
      assert.equal(await cast('call', address, 'values(uint256)(uint256)', 3), '300')
      assert.equal(await cast('call', address, 'value()(uint256)', '--block', BigInt(deployed.blockNumber)), '7')
      const logs = await json('logs', '--address', address, '--from-block', BigInt(receipt.blockNumber), STORED)
      assert.equal(logs.length, 1)
      assert.equal(logs[0].transactionHash, receipt.transactionHash)
      const { args } = probe.parseLog(logs[0])
      assert.equal(args.note, 'by cast')
    })

    test('legacy, access list, EIP-7702', async () => {
      assert.equal((await send(nowhere, '--value', 1, '--legacy')).type, '0x0')
      const withList = await send(address, 'store(uint256,uint256,string)', 4, 400, '', '--access-list')
      assert.equal(withList.status, '0x1')
      const tx = await json('tx', withList.transactionHash)
      assert.ok(tx.accessList.length >= 1)
      const borrowed = await send(account.address, 'store(uint256,uint256,string)', 5, 500, 'mine', '--auth', address)
      assert.equal(borrowed.type, '0x4')
      assert.equal(borrowed.status, '0x1')
      assert.equal(await cast('call', account.address, 'values(uint256)(uint256)', 5), '500')
      assert.equal((await cast('code', account.address)).toLowerCase(), `0xef0100${address.slice(2)}`.toLowerCase())
    })

    test('reverts and refusals', async () => {
      await fails(cast('call', address, 'fail(string)', 'no, cast'), /no, cast/)
      await fails(cast('call', address, 'refuse(uint256)', 9, '--from', account.address), /execution reverted/)
      await fails(send(address, 'fail(string)', 'never'), /never/)
      await fails(send(nowhere, '--value', 1, '--nonce', 0, '--gas-limit', 21_000), /nonce too low/i)
      const poor = HDNodeWallet.createRandom().privateKey
      await fails(cast('send', '--private-key', poor, nowhere, '--value', 1, '--gas-limit', 21_000), /insufficient funds/i)
      const failed = await send(address, 'refuse(uint256)', 9, '--gas-limit', 100_000)
      assert.equal(failed.status, '0x0')
    })

    test('signed apart, published, waited for', async () => {
      const raw = await cast('mktx', ...key, nowhere, '--value', 2)
      const hash = JSON.parse(await cast('rpc', 'eth_sendRawTransaction', raw))
      assert.equal(hash, await cast('keccak', raw))
      const receipt = await until('the receipt', async () => JSON.parse(await cast('rpc', 'eth_getTransactionReceipt', hash)))
      assert.equal(receipt.status, '0x1')
      const again = await cast('publish', await cast('mktx', ...key, nowhere, '--value', 3))
      assert.match(again, /"?status"?/)
    })
  })

  describe('tools', () => {
    test('estimate', async () => {
      assert.ok(BigInt(await cast('estimate', nowhere, '--value', 1, '--from', account.address)) >= 21_000n)
      assert.ok(BigInt(await cast('estimate', address, 'burnGas(uint256)', 5, '--from', account.address)) > 60_000n)
    })

    test('access-list', async () => {
      const list = await json('access-list', address, 'store(uint256,uint256,string)', 6, 600, '', '--from', account.address)
      const entry = list.accessList.find(item => getAddress(item.address) === address)
      assert.equal(entry.storageKeys.length, 2)
    })

    test('proof', async () => {
      const number = BigInt(await cast('block-number'))
      const answer = JSON.parse(await cast('proof', address, toBeHex(0, 32), '--block', number))
      assert.equal(getAddress(answer.address), address)
      const { stateRoot } = await json('block', number)
      assert.equal(verifyProof(stateRoot, answer).exists, true)
    })

    test('trace, with the node doing it and with cast doing it', async () => {
      const { transactionHash } = await send(address, 'callSelf(uint256)', 7)
      const trace = JSON.parse(await cast('rpc', 'debug_traceTransaction', transactionHash, '{"tracer":"callTracer"}'))
      assert.equal(trace.calls.length, 1)
      // Of a chain that it does not know, cast decodes Ethereum's own transaction types alone.
      if (layer === 'L2') return
      assert.match(await cast('run', transactionHash, '--quick'), /callSelf|Transaction successfully executed/)
    })

    test('transaction pool', async () => {
      const status = JSON.parse(await cast('rpc', 'txpool_status'))
      assert.ok('pending' in status && 'queued' in status)
      if (!(await isAnvil(rpc))) await cast('tx-pool', 'status')
    })

    test('call with overrides and trace', async () => {
      assert.equal(await cast('call', address, 'value()(uint256)', '--override-state-diff', `${address}:0x0:0x309`), '777')
      assert.match(await cast('call', address, 'values(uint256)(uint256)', 1, '--trace'), /Transaction successfully executed/)
    })
  })
})

const missing = deployment && process.env.L1_RPC && process.env.L2_RPC ? false : 'set DEPLOYMENT, L1_RPC and L2_RPC'
describe('cast across the bridge', { timeout: 180_000, skip: missing }, () => {
  test('a plain transfer to the Vault is a deposit', async () => {
    const [l1, l2] = [castAt(process.env.L1_RPC), castAt(process.env.L2_RPC)]
    const account = HDNodeWallet.createRandom()
    const rich = devAccount(FIRST_ACCOUNT + 3).privateKey
    await l1('send', '--private-key', rich, account.address, '--value', '2ether')
    const sent = JSON.parse(await l1('send', '--private-key', account.privateKey, deployment.contracts.vault, '--value', '1ether', '--json'))
    assert.equal(sent.status, '0x1')
    const vault = new Interface(artifact('Vault').abi)
    assert.ok(sent.logs.some(log => vault.parseLog(log)?.name === 'ETHDepositInitiated'))
    await until('the deposit', async () => BigInt(await l2('balance', account.address)) === 10n ** 18n, 120_000)
    const withdrawn = JSON.parse(
      await l2('send', '--private-key', account.privateKey, '0x4200000000000000000000000000000000000016', '--value', '5', '--json')
    )
    assert.equal(withdrawn.status, '0x1')
    const passer = new Interface(artifact('MessagePasser').abi)
    assert.ok(withdrawn.logs.some(log => passer.parseLog(log)?.name === 'MessagePassed'))
  })

  test('blocks with deposits are decoded', async () => {
    const l2 = castAt(process.env.L2_RPC)
    const block = JSON.parse(await l2('block', '1', '--full', '--json'))
    const [first] = block.transactions
    assert.equal(first.type, '0x7e')
    assert.match(first.sourceHash, /^0x[0-9a-f]{64}$/)
    assert.equal(JSON.parse(await l2('tx', first.hash, '--json')).type, '0x7e')
    const receipt = JSON.parse(await l2('receipt', first.hash, '--json'))
    assert.equal(receipt.status, '0x1')
    assert.equal(receipt.type, '0x7e')
  })
})
