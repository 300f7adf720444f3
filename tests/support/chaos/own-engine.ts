import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from '../stack/checkout.ts'
import { must, run, until } from '../stack/process.ts'

export type OwnEngine = {
  /** As DOCKER_HOST has it. */
  host: string
  /** Where the engine keeps images, volumes and containers: the disk of the machine. */
  dataRoot: string
  log: string
  /** Signals the engine, or containerd below it, and leaves containers alone. */
  signal: (process: 'dockerd' | 'containerd', signal: 'KILL' | 'TERM') => Promise<void>
  /** Starts the engine again, as an init system does, after a signal ended it. */
  restart: () => Promise<void>
  /** Every process of the machine dies at once, as when the power fails. The disk stays. */
  powerCut: () => Promise<void>
  /** Boots again after `powerCut`: what lives in /run is gone. */
  boot: () => Promise<void>
  untilAnswers: () => Promise<void>
  /** Runs a shell script in the engine's namespaces, and returns its output. */
  inMachine: (script: string) => Promise<string>
  /** Path of the list of mounts as the machine sees them. */
  mountTable: () => string
}

export type OwnEngineOptions = {
  dataRoot?: string | undefined
  /** Whether new bridges have a reverse path filter, as on a host with systemd. */
  filters?: boolean | undefined
}

/**
 * An engine of the test's own that can be killed at will, in namespaces of its own: its networks and
 * firewall rules never meet those of the machine's engine, its mounts go with it, and the end of its
 * first process is the end of all of them. Files are those of the machine, so that folders can be mounted.
 */
export async function createOwnEngine(
  t: Test,
  { dataRoot, filters = false }: OwnEngineOptions = {},
): Promise<OwnEngine> {
  const folder = await temporaryFolder(t, 'own-engine')
  const disk = dataRoot ?? join(folder, 'data')
  const runFolder = join(folder, 'run')
  const socket = join(folder, 'docker.sock')
  const pidFile = join(runFolder, 'docker.pid')
  const log = join(folder, 'dockerd.log')
  const host = `unix://${socket}`
  const group = `claude-secure-${folder.split('-').at(-1)}`
  let machine: ChildProcess | undefined
  let first = 0

  const boot = async () => {
    // --kill-child and the death signal: whatever ends this test ends the machine too.
    const namespaces = ['--net', '--mount', '--propagation', 'slave', '--pid', '--mount-proc']
    const bound = ['--fork', '--kill-child']
    const byDefault = `echo ${filters ? 2 : 0} > /proc/sys/net/ipv4/conf/default/rp_filter`
    const init = `ip link set lo up; ${byDefault}; exec docker-init -s -- sleep infinity`
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...bound, 'sh', '-c', init],
      { stdio: 'ignore', cwd: '/' },
    )
    machine = child
    first = await until('the machine to boot', async () => {
      const [pid] = await childrenOf(child.pid ?? 0)
      const name = pid && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''))
      return name && /^(tini|docker-init)/.test(name) ? pid : null
    })
    await startEngine()
  }

  const startEngine = async () => {
    const args = ['--data-root', disk, '--exec-root', runFolder, '--pidfile', pidFile]
    const command = ['dockerd', ...args, '--host', host, '--bridge', 'none']
      .concat(['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${group}`])
      .map(word => `'${word}'`)
      .join(' ')
    await inMachine(`setsid ${command} >> '${log}' 2>&1 < /dev/null &`)
    await untilAnswers()
  }

  const untilAnswers = async () => {
    await until('the engine to answer', async () => {
      const { code } = await run('docker', ['--host', host, 'ps'])
      return code === 0
    })
  }

  const inMachine = (script: string) =>
    must('nsenter', ['--target', `${first}`, '--net', '--mount', '--pid', 'sh', '-c', script])

  const powerCut = async () => {
    if (!machine) return
    const pid = first
    process.kill(pid, 'SIGKILL')
    const gone = machine
    machine = undefined
    await until('the machine to be dead', async () => gone.exitCode !== null || gone.signalCode)
    await rm(runFolder, { recursive: true, force: true })
    await rm(socket, { force: true })
  }

  t.teardown(async () => {
    await powerCut()
    const find = 'find /sys/fs/cgroup -depth -type d -path "*/$0/*" -o -depth -type d -name "$0"'
    await run('sh', ['-c', `${find} | xargs -r rmdir`, group])
  })

  await writeFile(log, '')
  await boot()
  return {
    host,
    dataRoot: disk,
    log,
    async signal(name, signal) {
      const file = name === 'dockerd' ? pidFile : join(runFolder, 'containerd/containerd.pid')
      const pid = (await readFile(file, 'utf8')).trim()
      await inMachine(`kill -${signal} ${pid}`)
      await inMachine(`while kill -0 ${pid} 2> /dev/null; do sleep 0.05; done`)
    },
    restart: startEngine,
    powerCut,
    boot,
    untilAnswers,
    inMachine,
    mountTable: () => `/proc/${first}/mountinfo`,
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** Gives the engine the images that a checkout needs, from the machine's engine, without building. */
export async function loadImages(
  engine: OwnEngine,
  images: readonly string[],
  env: NodeJS.ProcessEnv,
) {
  const script = 'docker save "$@" | docker --host "$0" load'
  await must('bash', ['-o', 'pipefail', '-c', script, engine.host, ...images], { env })
}
