import { must } from '../stack/process.ts'
import type { ChaosStack } from './chaos-stack.ts'

export type Victim = {
  name: string
  /** Ends it with SIGKILL, whatever it is. */
  kill: (stack: ChaosStack) => Promise<void>
  /** What comes back by itself, so that nobody has to do anything. */
  restarts?: Service
}

type Service = 'claude' | 'gateway' | 'proxy' | 'worker'

/** The first process of a container, as the kernel's memory killer or a person would end it. */
export const firstProcess =
  (service: Service) =>
  async ({ inspect }: ChaosStack) =>
    void (await must('kill', ['-9', await inspect(service, '{{.State.Pid}}')]))

/** A program in it, and not the init above it; of several `all`, or the one that was started last. */
export const programIn =
  (service: string, pattern: RegExp, which: 'all' | 'last' = 'all') =>
  async ({ container }: ChaosStack) => {
    const table = await must('docker', ['top', container(service), '-eo', 'pid,args'])
    const rows = table.split('\n').slice(1)
    const pids = rows.flatMap(row => {
      const [, pid = '', args = ''] = /^\s*(\d+)\s+(.*)$/.exec(row) ?? []
      return pattern.test(args) ? [pid] : []
    })
    if (pids.length === 0) throw new Error(`no ${pattern} in ${service}:\n${table}`)
    await must('kill', ['-9', ...(which === 'all' ? pids : pids.slice(-1))])
  }
