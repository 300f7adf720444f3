import { command } from '../base/command.ts'
import type { EngineInfo } from '../engine/engine.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'
import type { InsideView } from './inside.ts'

/** Why no container was looked at from inside. */
export type NotInspected = 'no client' | 'no image' | 'failed'

/**
 * Judges the confinement of containers on this machine: as the engine reports it, and as seen from
 * inside.
 */
export function judgeKernel(info: EngineInfo, seen: InsideView | NotInspected): Check[] {
  const inside = typeof seen === 'string' ? null : seen
  return [
    judgeRelease(info, inside),
    judgeSeccomp(info, inside),
    judgeProfile(info, inside),
    judgeUsers(info, inside),
    ...(typeof seen === 'string'
      ? [notChecked(seen)]
      : [judgeLimits(info, seen), judgeLandlock(seen)]),
  ]
}

function notChecked(why: NotInspected) {
  const again = `then ${command('doctor')} again`
  const { reason, hint } = {
    'no client': { reason: 'the docker client is missing', hint: `install it, ${again}` },
    'no image': {
      reason: 'the image claude was not found',
      hint: `run ${command('setup')}, ${again}`,
    },
    failed: {
      reason: 'the container for it failed',
      hint: `repair what the next line says, ${again}`,
    },
  }[why]
  return note('limits', `limits and Landlock not checked: ${reason}`, hint)
}

function judgeRelease({ KernelVersion }: EngineInfo, inside: InsideView | null): Check {
  const release = inside?.release || KernelVersion
  const another = inside && inside.release !== KernelVersion
  return ok(
    'kernel',
    another
      ? `the agent's kernel is ${release}, the host's is ${KernelVersion}`
      : `kernel ${release}`,
  )
}

function judgeSeccomp({ SecurityOptions }: EngineInfo, inside: InsideView | null): Check {
  const option = (SecurityOptions ?? []).find(text => text.startsWith('name=seccomp'))
  const unconfined = option?.includes('profile=unconfined')
  // 2: a filter is in force. gVisor and Kata filter on their own and say 0.
  if (option && !unconfined && inside?.seccomp !== '0') {
    return ok('seccomp', `seccomp filters system calls${inside ? ', seen from inside' : ''}`)
  }
  if (option && !unconfined) {
    return warning(
      'seccomp',
      'the engine claims seccomp, but a container has no filter',
      'expected with RUNTIME=runsc or kata; otherwise update the engine',
    )
  }
  return problem(
    'seccomp',
    'the engine starts containers without a seccomp filter',
    'remove seccomp-profile from /etc/docker/daemon.json, or use a kernel with CONFIG_SECCOMP_FILTER',
  )
}

function judgeProfile({ SecurityOptions }: EngineInfo, inside: InsideView | null): Check {
  const names = (SecurityOptions ?? []).map(text => text.split(',')[0])
  const module = names.includes('name=apparmor')
    ? 'AppArmor'
    : names.includes('name=selinux')
      ? 'SELinux'
      : null
  if (!module) {
    return note(
      'profile',
      'neither AppArmor nor SELinux is active: containers rely on capabilities, seccomp and namespaces',
      'enable one of them; kernels of Debian, Ubuntu and Fedora include one',
    )
  }
  if (inside && /^(unconfined|)$/.test(inside.profile)) {
    return warning(
      'profile',
      `${module} is active, but a container ran without a profile`,
      'check docker info, and aa-status or getenforce',
    )
  }
  return ok('profile', `${module}${inside ? `, profile ${inside.profile}` : ''}`)
}

function judgeUsers({ SecurityOptions }: EngineInfo, inside: InsideView | null): Check {
  const names = (SecurityOptions ?? []).map(text => text.split(',')[0])
  if (names.includes('name=rootless'))
    return ok('users', "rootless engine: root in a container is not this host's root")
  if (names.includes('name=userns') || (inside && !inside.sameUsers)) {
    return ok('users', 'user namespaces: root in a container is an unprivileged user on this host')
  }
  return note(
    'users',
    'containers share the user ids of this host',
    'no action needed, as no service runs as root; a rootless engine or userns-remap adds protection',
  )
}

function judgeLimits({ CgroupVersion }: EngineInfo, { memory, pids, cpu }: InsideView): Check {
  const missing = [
    ...(memory ? [] : ['memory']),
    ...(pids ? [] : ['processes']),
    ...(cpu ? [] : ['CPU']),
  ]
  if (missing.length === 0) {
    return ok(
      'limits',
      `limits on memory, processes and CPU are enforced (cgroup v${CgroupVersion})`,
    )
  }
  return problem(
    'limits',
    `the kernel does not enforce limits on: ${missing.join(', ')} (cgroup v${CgroupVersion})`,
    'enable the cgroup controllers (on Debian: boot with cgroup_enable=memory swapaccount=1), and delegate them to a rootless engine',
  )
}

function judgeLandlock({ landlock }: InsideView): Check {
  if (landlock === 'enforced')
    return ok('landlock', 'Landlock confines programs (tested in a container)')
  return note(
    'landlock',
    landlock === 'missing'
      ? 'the kernel has no Landlock'
      : 'Landlock is present but does not enforce its rules',
    'use kernel 5.13 or newer with landlock in its lsm= list',
  )
}
