import { interleave, type Measurement } from '../interleave.ts'
import type { Route } from '../system.ts'
import { createModelClient } from './ask-model.ts'
import { dial } from './dial.ts'
import { download } from './download.ts'
import type { Plan } from './plan.ts'

/**
 * Measures from within a container: takes a plan as JSON in its only argument, and prints the samples
 * of each route as JSON on stdout.
 */
const plan = JSON.parse(process.argv[2] ?? '') as Plan
const measurements = Object.entries(plan.routes).map(
  ([name, route]) => [name, measurementOf(route)] as const,
)
const samples = await interleave(plan.repetitions, Object.fromEntries(measurements))
process.stdout.write(JSON.stringify(samples))
process.exit(0)

async function firstTunnel(route: Route) {
  for (;;) {
    const socket = await dial(route).catch(() => null)
    if (socket) return Date.now()
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

function measurementOf(route: Route): Measurement {
  switch (plan.kind) {
    case 'first-byte':
      return () => download(route, 1, 'first-byte')
    case 'opens': {
      const opened = firstTunnel(route)
      return () => opened
    }
    case 'download':
      return () => download(route, plan.bytes, 'rate')
    case 'first-event': {
      const ask = createModelClient(route, plan.headers)
      return () => ask(plan.prompt, 'first-event')
    }
    case 'stream': {
      const ask = createModelClient(route, plan.headers)
      return () => ask(plan.prompt, 'rate')
    }
    default:
      return plan satisfies never
  }
}
