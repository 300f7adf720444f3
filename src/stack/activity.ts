import { type ContainerProcess, containerProcesses } from '../engine/container-processes.ts'
import type { Engine } from '../engine/engine.ts'
import { atWork, type StackState, serviceOf } from './inspect.ts'

/** Who is at work in a stack. */
export type Activity = {
  /** The interactive one, shown in a terminal now or not; `since` is ISO 8601. */
  session: { since: string } | null
  /** Programmatic runs under way. */
  runs: number
}

/** What goes on in each of the stacks, by name of the stack. */
export async function activities(
  engine: Pick<Engine, 'processesWithAge'>,
  stacks: readonly StackState[],
): Promise<Map<string, Activity>> {
  const running = (stack: StackState, name: string) => {
    const service = serviceOf(stack, name)
    return service?.state === 'running' ? [service.container] : []
  }
  const containers = stacks.flatMap(stack => [
    ...running(stack, 'claude'),
    ...running(stack, 'worker'),
  ])
  const processes = await containerProcesses(engine, containers)
  const of = (stack: StackState, name: string) =>
    running(stack, name).flatMap(id => processes.get(id) ?? [])
  return new Map(
    stacks.map(stack => [
      stack.stack,
      { session: session(of(stack, 'claude')), runs: of(stack, 'worker').filter(isRun).length },
    ]),
  )
}

function session(processes: readonly ContainerProcess[]): Activity['session'] {
  const starts = processes
    .filter(({ command }) => atWork.claude.test(command))
    .map(({ since }) => since)
  return starts.length === 0 ? null : { since: new Date(Math.min(...starts)).toISOString() }
}

/** The runner is asked in the same way how it is: such a question is no run. */
function isRun({ command }: ContainerProcess) {
  return atWork.worker.test(command) && !/claude-secure-run --/.test(command)
}
