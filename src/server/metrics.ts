import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EndedRun } from '../tenants/run-starter.ts'
import type { Answered } from './plugins/request-log.ts'

const seconds = {
  requests: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
  runs: [1, 5, 15, 60, 300, 900, 3_600],
}

/** Counts requests and runs. Labels have names of tenants, tokens and routes only: all are bounded. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  const requests = new Counter({
    name: 'claude_secure_http_requests_total',
    help: 'Requests by route, status, tenant and token.',
    labelNames: ['method', 'route', 'status', 'tenant', 'token'],
    registers,
  })
  const requestSeconds = new Histogram({
    name: 'claude_secure_http_request_seconds',
    help: 'Time until the answer of a request ended, by route and tenant.',
    labelNames: ['route', 'tenant'],
    buckets: seconds.requests,
    registers,
  })
  const runs = new Counter({
    name: 'claude_secure_runs_total',
    help: 'Ended runs by status, tenant, token and surface.',
    labelNames: ['status', 'tenant', 'token', 'surface'],
    registers,
  })
  const runSeconds = new Histogram({
    name: 'claude_secure_run_seconds',
    help: 'Duration of runs.',
    labelNames: ['tenant'],
    buckets: seconds.runs,
    registers,
  })
  const cost = new Counter({
    name: 'claude_secure_run_cost_usd_total',
    help: 'Cost of runs in dollars, as Claude Code counts it.',
    labelNames: ['tenant', 'token', 'surface'],
    registers,
  })
  const inProgress = new Gauge({
    name: 'claude_secure_runs_in_progress',
    help: 'Runs that were started and have not ended.',
    labelNames: ['tenant'],
    registers,
  })

  return {
    contentType: registry.contentType,
    answered({ method, route, status, tenant = '', token = '', milliseconds }: Answered) {
      requests.inc({ method, route, status, tenant, token })
      requestSeconds.observe({ route, tenant }, milliseconds / 1_000)
    },
    started: (tenant: string) => inProgress.inc({ tenant }),
    left: (tenant: string) => inProgress.dec({ tenant }),
    ended({ caller, surface, result }: EndedRun) {
      const tenant = caller.tenant.name
      const token = caller.token.name
      const [name = surface] = surface.split(':')
      runs.inc({ status: result.status, tenant, token, surface: name })
      const took = Date.parse(result.endedAt) - Date.parse(result.startedAt)
      runSeconds.observe({ tenant }, Math.max(0, took) / 1_000)
      cost.inc({ tenant, token, surface: name }, Math.max(0, result.costUsd ?? 0))
    },
    /** Renders all metrics, or those of one tenant and of the process. */
    async render(tenant?: string): Promise<string> {
      const text = await registry.metrics()
      return tenant === undefined ? text : linesOf(tenant, text)
    },
  }
}
export type Metrics = ReturnType<typeof createMetrics>

/** Leaves other tenants out: for a token, they do not exist. A tenant's name has no character to escape. */
function linesOf(tenant: string, text: string): string {
  return text
    .split('\n')
    .filter(line => !line.includes('tenant="') || line.includes(`tenant="${tenant}"`))
    .join('\n')
}
