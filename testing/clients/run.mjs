// Runs the tests. `ANVIL=1` starts anvil first: once with a block every second, once with a block on demand.
// usage: node run.mjs [test files]
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { foundry } from './foundry.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const files = process.argv.slice(2)
if (files.length === 0) files.push('ethers.test.mjs', 'viem.test.mjs', 'cast.test.mjs')

const runTests = env =>
  spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
    cwd: HERE,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  }).status ?? 1

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const withAnvil = async options => {
  const port = await freePort()
  const anvil = spawn(foundry('anvil'), ['--port', String(port), '--silent', '--steps-tracing', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    const rpc = `http://127.0.0.1:${port}`
    for (let tries = 0; ; tries++) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
      const answer = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => undefined)
      if (answer?.ok) break
      if (tries > 100) throw new Error('anvil does not answer')
      await sleep(100)
    }
    console.log(`anvil ${options.join(' ')}`)
    return runTests({ L1_RPC: rpc, L2_RPC: '', DEPLOYMENT: '' })
  } finally {
    anvil.kill()
  }
}

if (process.env.ANVIL === '1') {
  const status = (await withAnvil(['--block-time', '1'])) || (await withAnvil([]))
  process.exit(status)
}
process.exit(runTests({}))
