// Starts a bundle with the code that V8 compiled for it before: run.cjs NAME [ARGUMENT…]
'use strict'
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { Script } = require('node:vm')

// Every time: the Node.js in PATH may be another one than yesterday's.
require('./require-node.cjs')

const [name, ...rest] = process.argv.slice(2)
const filename = join(__dirname, `${name}.cjs`)
const cache = join(__dirname, `${name}.cache`)

function readCache() {
  try {
    return readFileSync(cache)
  } catch {
    return undefined
  }
}

// V8 itself refuses a cache of another version of Node or of another source.
const source = readFileSync(filename, 'latin1')
const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`
const script = new Script(wrapped, { filename, cachedData: readCache() })

// Set by the bundler for one run, after which the functions that commands need are compiled.
if (process.env.TSRUN_KEEP_COMPILED) {
  process.once('exit', () => {
    writeFileSync(`${cache}.new`, script.createCachedData())
    renameSync(`${cache}.new`, cache)
  })
}
process.argv.splice(1, process.argv.length - 1, filename, ...rest)
script.runInThisContext()({}, createRequire(filename), {}, filename, __dirname)
