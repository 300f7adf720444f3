// Starts a bundle from V8's code cache: run.cjs NAME [ARGUMENT…]
'use strict'
// Checked at every start: the Node.js in PATH may have changed since the last one.
require('./require-node.cjs')

const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { basename, join } = require('node:path')
const { Script } = require('node:vm')

function read(path, encoding) {
  try {
    return readFileSync(path, encoding)
  } catch {
    return undefined
  }
}

/** Bundles that other bundles load on demand; bundle.mjs creates them. */
const apart = new Set(['./main.cjs', './after-session.cjs', './early-client.cjs'])

/** Returns the exports of a bundle beside this file; other names are packages or Node's own modules. */
function load(name) {
  const filename = join(__dirname, `${name}.cjs`)
  const cache = join(__dirname, `${name}.cache`)
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`
  // V8 itself rejects a cache of another Node version or another source.
  const script = new Script(wrapped, { filename, cachedData: read(cache) })
  // Set by bundle.mjs for one run, which compiles the functions that commands need.
  if (process.env.TSRUN_KEEP_COMPILED) {
    process.once('exit', () => {
      writeFileSync(`${cache}.new`, script.createCachedData())
      renameSync(`${cache}.new`, cache)
    })
  }
  const requirePackage = createRequire(filename)
  const requireFrom = id => (apart.has(id) ? load(basename(id, '.cjs')) : requirePackage(id))
  const module_ = { exports: {} }
  script.runInThisContext()(module_.exports, requireFrom, module_, filename, __dirname)
  return module_.exports
}

const [name, ...rest] = process.argv.slice(2)
process.argv.splice(1, process.argv.length - 1, join(__dirname, `${name}.cjs`), ...rest)
load(name)
