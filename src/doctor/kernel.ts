import type { EngineInfo } from '../engine/engine-info.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'
import type { InsideView } from './inside.ts'

/** What confines a container on this machine, by the engine's word and by what one saw from inside. */
export function judgeKernel(info: EngineInfo, inside: InsideView | null): Check[] {
  return [
    judgeRelease(info, inside),
    judgeSeccomp(info, inside),
    judgeProfile(info, inside),
    judgeUsers(info, inside),
    ...(inside ? [judgeLimits(info, inside), judgeLandlock(inside)] : [notLooked()]),
  ]
}

function notLooked() {
  return note(
    'limits',
    'limits and Landlock: not looked at, because the image claude is not built',
    './claude.ts setup builds it; then run doctor again',
  )
}

function judgeRelease({ KernelVersion }: EngineInfo, inside: InsideView | null): Check {
  const release = inside?.release || KernelVersion
  const another = inside && inside.release !== KernelVersion
  return ok(
    'kernel',
    another ? `kernel of the agent ${release}, of the host ${KernelVersion}` : `kernel ${release}`,
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
      'the engine has seccomp, and a container saw no filter',
      'right with RUNTIME=runsc or kata; otherwise update the engine',
    )
  }
  return problem(
    'seccomp',
    'the engine starts containers without a seccomp filter',
    'remove seccomp-profile from /etc/docker/daemon.json; the kernel needs CONFIG_SECCOMP_FILTER',
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
      'neither AppArmor nor SELinux: capabilities, seccomp and namespaces stand alone',
      'a kernel of Debian, Ubuntu or Fedora brings one of them',
    )
  }
  if (inside && /^(unconfined|)$/.test(inside.profile)) {
    return warning(
      'profile',
      `${module} is on, and a container ran without a profile`,
      'see: docker info; aa-status or getenforce',
    )
  }
  return ok('profile', `${module}${inside ? `, profile ${inside.profile}` : ''}`)
}

function judgeUsers({ SecurityOptions }: EngineInfo, inside: InsideView | null): Check {
  const names = (SecurityOptions ?? []).map(text => text.split(',')[0])
  if (names.includes('name=rootless')) return ok('users', 'rootless engine: its root is not yours')
  if (names.includes('name=userns') || (inside && !inside.sameUsers)) {
    return ok('users', 'user namespaces: root in a container is nobody on this host')
  }
  return note(
    'users',
    'containers share the user ids of this host',
    'no service of a stack is root; a rootless engine or userns-remap would add a wall',
  )
}

function judgeLimits({ CgroupVersion }: EngineInfo, { memory, pids, cpu }: InsideView): Check {
  const missing = [
    ...(memory ? [] : ['memory']),
    ...(pids ? [] : ['processes']),
    ...(cpu ? [] : ['CPU']),
  ]
  if (missing.length === 0) {
    return ok('limits', `limits of memory, processes and CPU in force (cgroup v${CgroupVersion})`)
  }
  return problem(
    'limits',
    `the kernel does not enforce limits of: ${missing.join(', ')} (cgroup v${CgroupVersion})`,
    'enable the cgroup controllers, on Debian with cgroup_enable=memory swapaccount=1 at boot; a rootless engine needs them delegated',
  )
}

function judgeLandlock({ landlock }: InsideView): Check {
  if (landlock === 'enforced') return ok('landlock', 'Landlock confines programs, tried inside')
  return note(
    'landlock',
    landlock === 'missing'
      ? 'the kernel has no Landlock'
      : 'Landlock is there, and what it forbade was done all the same',
    'nothing of a stack rests on it today; kernels from 5.13 on have it, with landlock in their lsm= list',
  )
}
