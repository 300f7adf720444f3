import { execFileSync, spawnSync } from 'node:child_process'
import { turnProgram } from './session-engine.ts'

/** Runs the image's program of turns in a folder, as the container does; returns what it printed. */
export function turnsIn(folder: string, words: readonly string[], input = '', env = {}) {
  const { status, stdout, stderr } = spawnSync(turnProgram, [folder, ...words], {
    input,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    encoding: 'latin1',
  })
  return { status, stdout, stderr }
}

/** Begins a turn, as the hook of Claude Code does. */
export function beginTurn(folder: string, prompt = 'do it', env = {}) {
  return turnsIn(folder, ['begin'], JSON.stringify({ session_id: 'x', prompt }), env)
}

/** Returns to a kept state, as `session undo` does after its question. */
export function returnIn(folder: string, number: number, kind = 'undo', of = number) {
  const shown = turnsIn(folder, ['show', String(number)])
  const seen = /^seen (\S+)$/m.exec(shown.stdout)?.[1] ?? ''
  return { shown, ...turnsIn(folder, ['apply', String(number), kind, String(of), seen]) }
}

/** Lists what a folder holds but its repository: kinds, modes, names as bytes, contents and targets of links. */
export function contentOf(folder: string): string {
  const script = `cd "$1"; find . -path ./.git -prune -o -printf '%y %#m %p %l\\0' | sort -z | tr '\\0' '\\n'
    find . -path ./.git -prune -o -type f -exec sha256sum {} + | sort`
  return execFileSync('/bin/sh', ['-c', script, 'sh', folder], {
    encoding: 'latin1',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  })
}
