// Where npm has put Foundry's programs. Its own launchers lose exit codes and signals.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Path of `tool`. */
export const foundry = tool => {
  const chip = process.arch === 'x64' ? 'amd64' : process.arch
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return require.resolve(`@foundry-rs/${tool}-${process.platform}-${chip}/bin/${tool}${suffix}`)
}
