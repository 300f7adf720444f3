import { access, readFile } from 'node:fs/promises'
import { until } from '../base/async.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { EngineSearch, FoundEngine } from '../engine/find-engine.ts'
import { type Command, runAsRoot } from './engine-install.ts'

export const engineLog = '/var/log/claude-secure-dockerd.log'

/** Pid files that a killed engine leaves, with the names of their processes. */
const pidFiles = [
  { path: '/var/run/docker.pid', process: 'dockerd' },
  { path: '/var/run/docker/containerd/containerd.pid', process: 'containerd' },
]

const serviceTimeout = 20_000
const directTimeout = 60_000
const pollMilliseconds = 250

export type InitSystem = 'systemd' | 'sysv' | 'none'

/** Detects the init system: /run/systemd/system exists only where systemd runs as init. */
export async function findInitSystem(): Promise<InitSystem> {
  if (await exists('/run/systemd/system')) return 'systemd'
  return (await exists('/etc/init.d/docker')) ? 'sysv' : 'none'
}

/**
 * Returns the commands to try, in order. Without systemd the init script may fail (ulimits);
 * dockerd itself does not.
 */
export function startCommands(init: InitSystem): { command: Command; timeout: number }[] {
  const direct = {
    command: {
      file: 'sh',
      // setsid: the engine must outlive our terminal.
      args: ['-c', 'setsid dockerd >> "$0" 2>&1 < /dev/null &', engineLog],
    },
    timeout: directTimeout,
  }
  switch (init) {
    case 'systemd':
      return [
        { command: { file: 'systemctl', args: ['start', 'docker'] }, timeout: serviceTimeout },
      ]
    case 'sysv':
      return [
        { command: { file: 'service', args: ['docker', 'start'] }, timeout: serviceTimeout },
        direct,
      ]
    case 'none':
      return [direct]
    default:
      return init satisfies never
  }
}

export async function startEngine(options: {
  uid: number
  init: InitSystem
  find: () => Promise<EngineSearch>
  progress: (text: string) => void
  signal?: AbortSignal
}): Promise<FoundEngine> {
  const { uid, init, find, progress, signal } = options
  for (const { path, process: owner } of pidFiles) {
    if (await isStale(path, owner))
      await runAsRoot({ file: 'rm', args: ['-f', path] }, { uid, signal })
  }
  let problem = ''
  for (const { command, timeout } of startCommands(init)) {
    progress([command.file, ...command.args.slice(0, 2)].join(' '))
    try {
      await runAsRoot(command, { uid, signal })
    } catch (error) {
      signal?.throwIfAborted()
      problem = messageOf(error)
      continue
    }
    const found = await waitForEngine(find, timeout, signal)
    if (found) return found
    problem = 'it did not answer in time'
  }
  throw await notStarted(init, problem, await find())
}

async function waitForEngine(
  find: () => Promise<EngineSearch>,
  timeout: number,
  signal: AbortSignal | undefined,
) {
  return until(async () => (await find()).found, { every: pollMilliseconds, timeout, signal })
}

/**
 * Returns whether the process of a pid file is gone, or its number belongs to another program now.
 * A zombie counts as gone: without an init that reaps, killed engines stay zombies.
 */
export async function isStale(path: string, owner: string, proc = '/proc'): Promise<boolean> {
  const pid = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (pid === '') return false
  const state = await readFile(`${proc}/${Number(pid)}/stat`, 'utf8').catch(() => '')
  const [, name, letter] = /\((.*)\) (\S)/.exec(state) ?? []
  return name !== owner || letter === 'Z'
}

async function notStarted(init: InitSystem, problem: string, search: EngineSearch) {
  const denied = search.tried.find(({ reason }) => reason.includes('EACCES'))
  if (denied) {
    return new UserError(`the engine runs, but you have no permission to use ${denied.where}`, {
      hint: 'run usermod -aG docker YOU as root, then log in again (the docker group is equivalent to root)',
    })
  }
  const log = await readFile(engineLog, 'utf8').catch(() => '')
  const line = log.split('\n').findLast(text => /level=(error|fatal)|failed to start/i.test(text))
  const where = init === 'systemd' ? 'journalctl -u docker -n 50' : `tail ${engineLog}`
  return new UserError(
    `cannot start the Docker engine: ${terminalLine(line ?? problem).replace(/^time="[^"]*" /, '')}`,
    { hint: `run ${where}` },
  )
}

function exists(path: string) {
  return access(path).then(
    () => true,
    () => false,
  )
}
