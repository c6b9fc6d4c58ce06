// What the three test files share: where the chains are, funded accounts, proofs, waiting.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, test } from 'node:test'
import {
  HDNodeWallet,
  JsonRpcProvider,
  Mnemonic,
  decodeRlp,
  encodeRlp,
  hexlify,
  keccak256,
  parseEther,
  toBeArray,
} from 'ethers'

export const MNEMONIC = 'test test test test test test test test test test test junk'
export const L1_CHAIN_ID = 31337n
/** The first dev account of these tests, which pay from 5, 7 and 8. A devnet operates with 9. */
export const FIRST_ACCOUNT = 5

const HERE = new URL('.', import.meta.url)
export const Probe = JSON.parse(readFileSync(new URL('contracts/Probe.json', HERE), 'utf8'))

/** The rollup, where `DEPLOYMENT` names its file. */
export const deployment = process.env.DEPLOYMENT
  ? JSON.parse(readFileSync(process.env.DEPLOYMENT, 'utf8'))
  : undefined

/** The chains to test. */
export const targets = [
  { layer: 'L1', rpc: process.env.L1_RPC },
  { layer: 'L2', rpc: process.env.L2_RPC },
].filter(({ rpc }) => rpc)

/** An ABI that the contracts' build has committed. */
export const artifact = name => {
  const url = new URL(`../../contracts/artifacts/${name}.json`, HERE)
  return existsSync(url) ? JSON.parse(readFileSync(url, 'utf8')) : undefined
}

export const wsUrl = rpc => rpc.replace(/^http/, 'ws')

/** Dev account `index` as an ethers wallet. */
export const devAccount = index =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`)

/** Runs `body` once for every chain; tells so when there is none. */
export const onEveryChain = (client, body) => {
  if (targets.length === 0) test(`${client}: set L1_RPC or L2_RPC`, { skip: true }, () => {})
  for (const target of targets) {
    describe(`${client} on ${target.layer}`, { timeout: 300_000 }, () => body(target))
  }
}

/**
 * Closes an ethers provider after the tests, once all it asked is answered: ethers asks some things that nobody waits
 * for (a poll, `eth_unsubscribe`), and a provider closed meanwhile throws them where no test can catch them. Gives the
 * requests so far, each with its answer.
 */
export const closedAfterwards = provider => {
  const requests = []
  const send = provider.send.bind(provider)
  provider.send = (method, params) => {
    const answer = send(method, params)
    requests.push({ method, answer })
    return answer
  }
  after(async () => {
    for (let seen = -1; seen < requests.length; ) {
      seen = requests.length
      await Promise.allSettled(requests.map(({ answer }) => answer))
    }
    provider.destroy()
  })
  return requests
}

/** A provider that does not cache, polls quickly and is closed after the tests. */
export const newProvider = (rpc, options = {}) => {
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1, polling: true, ...options })
  provider.pollingInterval = 100
  closedAfterwards(provider)
  return provider
}

/** A new account with `ether`, paid by dev account `from`. */
export const fund = async (provider, from, ether = '10') => {
  const fresh = HDNodeWallet.createRandom()
  const rich = devAccount(from).connect(provider)
  const paid = await rich.sendTransaction({ to: fresh.address, value: parseEther(ether) })
  await paid.wait(1, 30_000)
  return fresh.connect(provider)
}

/** Calls `probe` until it gives something other than null or undefined. */
export const until = async (what, probe, milliseconds = 30_000) => {
  const end = Date.now() + milliseconds
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== null && value !== false) return value
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`)
    await sleep(100)
  }
}

/** The JSON-RPC answer itself. */
export const rawRpc = async (rpc, body) => {
  const response = await fetch(rpc, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

/** Whether anvil answers there, which differs in a few places from a node. */
export const isAnvil = async rpc =>
  /^anvil/i.test((await rawRpc(rpc, { jsonrpc: '2.0', id: 1, method: 'web3_clientVersion', params: [] })).result)

// --- Merkle-Patricia proofs ---

/** A number as RLP has it: no leading zeros. */
const rlpNumber = value => (BigInt(value) === 0n ? '0x' : hexlify(toBeArray(BigInt(value))))

const nibbles = hex => [...hex.slice(2)].map(digit => parseInt(digit, 16))
const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'

/** The RLP that `root` commits to at `key`, or undefined where the proof shows that there is nothing. */
export const proven = (root, key, proof) => {
  if (root === EMPTY_ROOT) return undefined
  const path = nibbles(keccak256(key))
  const nodes = proof.map(node => [keccak256(node), decodeRlp(node)])
  let [expected, at, depth] = [root, 0, 0]
  let node
  const enter = child => {
    if (Array.isArray(child)) return (node = child)
    if (child === '0x') return (node = undefined)
    const next = nodes[at++]
    if (!next) throw new Error('the proof ends early')
    if (next[0] !== child) throw new Error(`a node hashes to ${next[0]}, not ${child}`)
    return (node = next[1])
  }
  enter(expected)
  while (node) {
    if (node.length === 17) {
      if (depth === path.length) return node[16]
      const child = node[path[depth++]]
      enter(child)
      continue
    }
    const packed = nibbles(node[0])
    const leaf = packed[0] >= 2
    const part = packed.slice(packed[0] % 2 === 1 ? 1 : 2)
    if (part.some((nibble, i) => nibble !== path[depth + i])) return undefined
    depth += part.length
    if (leaf) return depth === path.length ? node[1] : undefined
    enter(node[1])
  }
  return undefined
}

/** Throws unless `answer` of eth_getProof follows from the state root. */
export const verifyProof = (stateRoot, answer) => {
  const account = proven(stateRoot, answer.address, answer.accountProof)
  if (account === undefined) {
    if (BigInt(answer.balance) !== 0n || BigInt(answer.nonce) !== 0n) throw new Error('the account is not in the trie')
    return { exists: false }
  }
  const claimed = encodeRlp([rlpNumber(answer.nonce), rlpNumber(answer.balance), answer.storageHash, answer.codeHash])
  if (account !== claimed) throw new Error(`the trie holds ${account}, the answer says ${claimed}`)
  for (const { key, value, proof } of answer.storageProof) {
    const slot = `0x${BigInt(key).toString(16).padStart(64, '0')}`
    const leaf = proven(answer.storageHash, slot, proof)
    const held = leaf === undefined ? 0n : BigInt(decodeRlp(leaf) === '0x' ? 0 : decodeRlp(leaf))
    if (held !== BigInt(value)) throw new Error(`slot ${key} holds ${held}, the answer says ${value}`)
  }
  return { exists: true }
}

// --- headers ---

/** Hash of a block's header, made from the fields of its JSON. */
export const headerHash = block => {
  const fields = [
    block.parentHash,
    block.sha3Uncles,
    block.miner,
    block.stateRoot,
    block.transactionsRoot,
    block.receiptsRoot,
    block.logsBloom,
    rlpNumber(block.difficulty),
    rlpNumber(block.number),
    rlpNumber(block.gasLimit),
    rlpNumber(block.gasUsed),
    rlpNumber(block.timestamp),
    block.extraData,
    block.mixHash,
    block.nonce,
  ]
  const later = [
    ['baseFeePerGas', rlpNumber],
    ['withdrawalsRoot'],
    ['blobGasUsed', rlpNumber],
    ['excessBlobGas', rlpNumber],
    ['parentBeaconBlockRoot'],
    ['requestsHash'],
  ]
  for (const [name, form = value => value] of later) {
    if (block[name] === undefined || block[name] === null) break
    fields.push(form(block[name]))
  }
  return keccak256(encodeRlp(fields))
}

// --- blobs ---

const { text, ...commitments } = JSON.parse(readFileSync(new URL('blob/blob.json', HERE), 'utf8'))
const data = new Uint8Array(131_072)
data.set(Buffer.from(text), 1)

/** A blob with its `commitment`, its `proof` (EIP-4844) and its `cellProofs` (EIP-7594). */
export const blob = { data, ...commitments }
