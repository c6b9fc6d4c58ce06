// Compiles a verifier that `duplex-prover setup --params production` generated, for `duplex deploy --proof-verifier`.
// usage: node scripts/verifier.mjs production-Verifier.sol > production-Verifier.hex
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { generatedSettings } from './settings.mjs'

const fail = why => {
  console.error(why)
  process.exit(1)
}
const [file, ...more] = process.argv.slice(2)
if (!file || more.length) fail('usage: node scripts/verifier.mjs FILE.sol > FILE.hex')
let content
try {
  content = readFileSync(file, 'utf8')
} catch (error) {
  fail(`cannot read ${file}: ${error.message}`)
}
const solc = createRequire(import.meta.url)('solc')
const input = {
  language: 'Solidity',
  sources: { verifier: { content } },
  settings: { ...generatedSettings, outputSelection: { '*': { '*': ['evm.bytecode.object'] } } },
}
const { errors = [], contracts = {} } = JSON.parse(solc.compile(JSON.stringify(input)))
const wrong = errors.filter(({ severity }) => severity === 'error')
if (wrong.length) fail(wrong.map(({ formattedMessage }) => formattedMessage).join('\n'))
const made = Object.values(contracts.verifier ?? {})
if (made.length !== 1) fail(`${file} has ${made.length} contracts: a generated verifier is one`)
console.log(`0x${made[0].evm.bytecode.object}`)
