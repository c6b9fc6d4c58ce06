#!/usr/bin/env node
// Lets forge use the npm build of solc: answers `--version` and compiles standard JSON from stdin.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
const solc = createRequire(import.meta.url)('solc')
if (process.argv.includes('--version')) {
  const [, version, commit] = solc.version().match(/^(\d+\.\d+\.\d+)\+commit\.([0-9a-f]+)/)
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}+commit.${commit}.Linux.g++\n`)
} else {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
}
