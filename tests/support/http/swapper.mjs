/**
 * Exchanges, again and again, a folder and a file with symlinks that lead outside, as an agent does that
 * races the server (threat H2). Arguments: the root, and the folder outside of it. Sends
 * the number of turns.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [root, outside] = process.argv.slice(2)
const at = name => join(root, name)
process.once('disconnect', () => process.exit())

/** The server may have put a file of its own where one is expected. */
function tolerantly(step) {
  try {
    step()
  } catch {}
}

let turns = 0

function turn() {
  tolerantly(() => renameSync(at('folder'), at('kept')))
  tolerantly(() => symlinkSync(outside, at('folder')))
  tolerantly(() => renameSync(at('file'), at('kept-file')))
  tolerantly(() => symlinkSync(join(outside, 'secret.txt'), at('file')))
  setImmediate(back)
}

function back() {
  tolerantly(() => rmSync(at('folder'), { recursive: true, force: true }))
  tolerantly(() => renameSync(at('kept'), at('folder')))
  tolerantly(() => mkdirSync(at('folder')))
  tolerantly(() => writeFileSync(at('folder/secret.txt'), 'inside', { flag: 'wx' }))
  tolerantly(() => rmSync(at('file'), { force: true }))
  tolerantly(() => renameSync(at('kept-file'), at('file')))
  tolerantly(() => writeFileSync(at('file'), 'inside', { flag: 'wx' }))
  turns += 1
  if (turns % 10 === 0) process.send?.(turns)
  setTimeout(turn, Math.random() * 2)
}

turn()
