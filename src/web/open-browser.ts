import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Programs that open an address in the user's browser, in order. */
const openers = ['xdg-open', 'sensible-browser', 'x-www-browser'] as const

/** Milliseconds in which an opener that fails has failed; one that is a browser goes on. */
const openWithin = 5_000

/**
 * Opens the address in the user's browser; returns false when no program could. The address has the token, which
 * must not be an argument: every user of the machine can read those. So the browser gets a file that only this
 * user can read, and that leads to the address.
 */
export async function openBrowser(
  url: string,
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
): Promise<{ opened: boolean; remove: () => Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `open-${process.pid}.html`)
  await rm(path, { force: true })
  await writeFile(path, redirectTo(url), { mode: 0o600, flag: 'wx' })
  const remove = () => rm(path, { force: true })
  for (const opener of openers) {
    if (await start(opener, pathToFileURL(path).href, env)) return { opened: true, remove }
  }
  return { opened: false, remove }
}

/** Returns a page that leads to the address, which has no character that HTML reads otherwise. */
export function redirectTo(url: string): string {
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url}"><title>claude-secure</title>\n`
}

function start(file: string, target: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise(resolve => {
    const child = spawn(file, [target], { env, cwd: '/', stdio: 'ignore', detached: true })
    const timer = setTimeout(() => resolve(true), openWithin)
    const settle = (opened: boolean) => {
      clearTimeout(timer)
      resolve(opened)
    }
    child.once('error', () => settle(false)).once('exit', code => settle(code === 0))
    child.unref()
  })
}
