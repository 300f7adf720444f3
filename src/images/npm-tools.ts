import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'
import { exec } from '../process/exec.ts'
import type { NpmNetwork } from './npm-fetch.ts'

const files = ['package.json', 'package-lock.json']
const installTimeout = 15 * 60_000

/** Returns the name of the folder that holds the tools: a hash of the lock file makes it immutable. */
export async function toolsFolder(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of files) hash.update(await readFile(join(root, 'claude/npm-tools', name)))
  return `npm-tools@${hash.digest('hex').slice(0, 12)}`
}

/**
 * Installs the npm tools of the full image below `cache` and returns their folder. The user's npm fetches them,
 * with its configured mirrors and logins, and checks each package against the lock file. No script of a package runs.
 */
export async function installTools(
  root: string,
  options: { cache: string; network?: NpmNetwork; npm?: string; signal?: AbortSignal },
): Promise<string> {
  const { cache, network, signal } = options
  const target = join(cache, await toolsFolder(root))
  if (await exists(target)) return target
  return withScratchFolder(cache, 'tools-', async scratch => {
    const folder = join(scratch, 'tools')
    await mkdir(folder, { mode: 0o755 })
    for (const name of files)
      await copyFile(join(root, 'claude/npm-tools', name), join(folder, name))
    // npm reads the .npmrc of the folder it runs in: this one is ours.
    const npmrc = join(folder, '.npmrc')
    await writeFile(npmrc, network?.npmrc ?? '', { mode: 0o600 })
    const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
    const result = await exec(options.npm ?? 'npm', ['ci', ...flags], {
      cwd: folder,
      env: network?.env,
      timeout: installTimeout,
      signal,
    })
    if (result.code !== 0) {
      const reason = result.stderr.replaceAll('npm error ', '').trim().split('\n')[0] ?? ''
      throw new UserError(
        `cannot fetch the npm tools of the full image: ${terminalLine(reason) || 'npm gave no reason'}`,
        {
          hint: 'run npm ping, check registry, proxy and cafile in your npm configuration, then try again',
          cause: new Error(result.stderr),
        },
      )
    }
    // It may have the password of a proxy.
    await rm(npmrc)
    await rename(folder, target).catch(async error => {
      // Another process was first, with the same bytes.
      if (!(await exists(target))) throw error
    })
    return target
  })
}

function exists(path: string) {
  return stat(path).then(
    () => true,
    () => false,
  )
}
