// Starts claude.ts or build.ts from its bundle and V8's code cache: run.cjs NAME [ARGUMENT…]
'use strict'
// Checked at every start: the Node.js in PATH may have changed since the last one.
require('./require-node.cjs')

const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { Script } = require('node:vm')

function read(path, encoding) {
  try {
    return readFileSync(path, encoding)
  } catch {
    return undefined
  }
}

/** Reads a pack beside this file: an object with a function for each chunk. */
function readPack(pack) {
  const filename = join(__dirname, `${pack}.cjs`)
  const cache = join(__dirname, `${pack}.cache`)
  // V8 itself rejects a cache of another Node version or another source.
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: read(cache) })
  // Set by bundle.mjs for its runs, which compile the functions that commands need.
  if (process.env.TSRUN_KEEP_COMPILED) {
    process.once('exit', () => {
      writeFileSync(`${cache}.new`, script.createCachedData())
      renameSync(`${cache}.new`, cache)
    })
  }
  return script.runInThisContext()
}

const packs = new Map()
const loaded = new Map()
const requirePackage = createRequire(__filename)

/** Returns the exports of a chunk, such as `./read/status`; other names are packages or Node's own modules. */
function requireFrom(id) {
  const known = loaded.get(id)
  if (known) return known.exports
  const [start, pack, chunk] = id.split('/')
  if (start !== '.') return requirePackage(id)
  if (!packs.has(pack)) packs.set(pack, readPack(pack))
  const module_ = { exports: {} }
  loaded.set(id, module_)
  packs.get(pack)[chunk](module_.exports, requireFrom, module_, __dirname)
  return module_.exports
}

const [name, ...rest] = process.argv.slice(2)
process.argv.splice(1, process.argv.length - 1, join(__dirname, `${name}.cjs`), ...rest)
requireFrom(name === 'build' ? './rest/build' : './claude/claude')
