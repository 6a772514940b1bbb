'use strict'

// A petrel process for the tests, and the modules that they register.

const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')

const ROOT = path.resolve(__dirname, '../..')
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR || 'target')
const BINARY = process.env.PETREL_BIN || path.join(TARGET, 'release/petrel')
const GUESTS = process.env.PETREL_GUESTS || path.join(TARGET, 'guests-out')

// The client is installed beside the build's output, not in the sources.
const Aerospike = require(path.join(process.env.PETREL_NODE || path.join(TARGET, 'node'),
  'node_modules/aerospike'))

// The file of a module in a runtime.
function moduleFile (runtime, name) {
  return runtime === 'wasm'
    ? path.join(GUESTS, `${name}.wasm`)
    : path.join(ROOT, 'udfs/lua', `${name}.lua`)
}

// Starts a host in memory on a free port.
async function startHost () {
  const child = spawn(BINARY, ['serve', '--listen', '127.0.0.1:0', '--memory'],
    { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = readline.createInterface({ input: child.stdout })
  for await (const line of lines) {
    const port = line.match(/^listening on .*:(\d+)$/)
    if (port) {
      return { port: Number(port[1]), stop: () => child.kill('SIGKILL') }
    }
  }
  throw new Error(`${BINARY} did not come up`)
}

module.exports = { Aerospike, ROOT, moduleFile, startHost }
