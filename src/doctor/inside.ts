import { randomBytes } from 'node:crypto'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { confined } from '../engine/throwaway-container.ts'
import { exec } from '../process/exec.ts'

/** The confinement of a container as seen from inside. */
export type InsideView = {
  release: string
  /** The value in /proc: 2 for a filter. */
  seccomp: string
  /** The AppArmor profile or SELinux label; empty without one. */
  profile: string
  /** True when user ids in the container equal those of the host. */
  sameUsers: boolean
  /** Whether the kernel enforces the limits that the container was given. */
  memory: boolean
  pids: boolean
  cpu: boolean
  landlock: 'enforced' | 'ineffective' | 'missing'
}

const given = { memory: 67_108_864, pids: 64 }

/** Tries Landlock instead of reading its state: /sys/kernel/security is never mounted in a container. */
const script = `
echo "release=$(/bin/uname -r)"
echo "seccomp=$(/usr/bin/sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status)"
echo "profile=$(/bin/cat /proc/self/attr/current 2>/dev/null)"
echo "users=$(/bin/cat /proc/self/uid_map)"
cd /sys/fs/cgroup
echo "memory=$(/bin/cat memory.max memory/memory.limit_in_bytes 2>/dev/null)"
echo "pids=$(/bin/cat pids.max pids/pids.max 2>/dev/null)"
echo "cpu=$(/bin/cat cpu.max cpu/cpu.cfs_quota_us 2>/dev/null)"
if ! /usr/bin/setpriv --landlock-access fs:write true 2>/dev/null; then echo landlock=missing
elif /usr/bin/setpriv --landlock-access fs:write sh -c 'echo > /tmp/a' 2>/dev/null; then echo landlock=ineffective
elif echo > /tmp/b; then echo landlock=enforced
fi`

/**
 * Starts a container as confined as a stack's service and reports what it sees. Not the agent's own
 * container: that one may be hostile and lie.
 */
export async function inspectInside(
  client: DockerClient,
  image: string,
  runtime: string | undefined,
): Promise<InsideView> {
  const name = `claude-secure-doctor-${randomBytes(6).toString('hex')}`
  const args = [
    ...['run', '--name', name, ...confined, '--tmpfs', '/tmp'],
    ...['--user', '65534:65534', '--memory', String(given.memory)],
    ...['--pids-limit', String(given.pids), '--cpus', '0.5'],
    ...(runtime ? ['--runtime', runtime] : []),
    ...['--entrypoint', '/bin/sh', image, '-c', script],
  ]
  const call = { env: client.env, timeout: 60_000, limit: 64 * 1024 }
  try {
    const { code, stdout, stderr } = await exec(client.file, args, call)
    if (code === 0) return parseInsideView(stdout)
    throw new Error(lastLine(stderr) || `exit code ${code}`)
  } catch (error) {
    await exec(client.file, ['rm', '--force', name], call).catch(() => null)
    throw error
  }
}

export function parseInsideView(text: string): InsideView {
  const value = (name: string) =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]?.replaceAll('\0', '').trim() ?? ''
  const landlock = value('landlock')
  return {
    release: terminalLine(value('release'), 80),
    seccomp: value('seccomp'),
    profile: terminalLine(value('profile'), 80),
    sameUsers: /^0\s+0\s+4294967295$/.test(value('users')),
    memory: value('memory') === String(given.memory),
    pids: value('pids') === String(given.pids),
    // `50000 100000` in version 2, the quota alone in version 1.
    cpu: /^[1-9]\d*( \d+)?$/.test(value('cpu')),
    landlock: landlock === 'enforced' || landlock === 'ineffective' ? landlock : 'missing',
  }
}
