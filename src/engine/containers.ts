import * as z from 'zod'
import type { EngineAddress } from './engine-request.ts'
import { createFrameLines } from './frames.ts'
import { type EngineQuery, EngineStatusError, filters, get } from './query.ts'

const ContainerSummary = z.object({
  Id: z.string(),
  Names: z.array(z.string()),
  Image: z.string(),
  ImageID: z.string(),
  State: z.string(),
  Status: z.string(),
  Created: z.number(),
  Labels: z.record(z.string(), z.string()),
  Mounts: z.array(z.object({ Source: z.string().nullish(), Destination: z.string() })).nullish(),
  NetworkSettings: z
    .object({
      Networks: z
        .record(z.string(), z.object({ Gateway: z.string().nullish() }).nullish())
        .nullish(),
    })
    .nullish(),
})
export type ContainerSummary = z.infer<typeof ContainerSummary>

const Processes = z.object({
  Titles: z.array(z.string()),
  Processes: z.array(z.array(z.string())).nullish(),
})

/** Questions about containers, their processes and logs. */
export function createContainers(address: EngineAddress, query: EngineQuery) {
  async function top(container: string, columns: string) {
    const path = `/containers/${encodeURIComponent(container)}/top?ps_args=-eo%20${columns}`
    try {
      return await query(Processes, path)
    } catch (error) {
      // The container ended (409) or was removed (404) since it was listed: it has no processes.
      if (!(error instanceof EngineStatusError) || ![404, 409].includes(error.status)) throw error
      return { Titles: [], Processes: [] }
    }
  }

  return {
    /** Returns all containers, also stopped ones, that carry every one of `labels` (`key` or `key=value`). */
    containers: (labels: readonly string[]) =>
      query(z.array(ContainerSummary), `/containers/json?all=1&${filters({ label: labels })}`),

    /**
     * Calls `onEvent` whenever a container that carries `label` ends or its health changes, until `signal` fires or
     * the engine closes the stream. Says nothing of the kind: the caller asks for the state.
     */
    async watchContainers(label: string, signal: AbortSignal, onEvent: () => void) {
      const filter = { type: ['container'], event: ['health_status', 'die'], label: [label] }
      const { status, body } = await get(address, `/events?${filters(filter)}`, {
        signal,
        idleMilliseconds: 0,
      })
      if (status !== 200) throw new EngineStatusError('/events', status, '')
      for await (const _ of body) onEvent()
    },

    /** Returns the command lines of the processes in a container, as the host sees them; none when it ended. */
    async processes(container: string) {
      const { Titles, Processes: rows } = await top(container, 'pid,args')
      const column = Titles.length - 1
      return (rows ?? []).map(row => row[column] ?? '')
    },

    /** Returns the same with the age of each. */
    async processesWithAge(container: string): Promise<{ command: string; seconds: number }[]> {
      const { Processes: rows } = await top(container, 'pid,etimes,args')
      return (rows ?? []).map(row => ({ command: row[2] ?? '', seconds: Number(row[1] ?? 0) }))
    },

    /** Returns at most the last `tail` lines of a container's log, oldest first. */
    async logLines(container: string, tail: number) {
      const lines: string[] = []
      await this.followLog(container, { tail, follow: false }, line => lines.push(line))
      return lines
    },

    /** Calls `onLine` for each log line until the log ends or `signal` fires. */
    async followLog(
      container: string,
      options: {
        tail: number | 'all'
        follow: boolean
        /** Seconds since 1970. */
        since?: number
        until?: number
        /** Puts the time of each line before it, in RFC 3339. */
        timestamps?: boolean
        signal?: AbortSignal
      },
      onLine: (line: string, stream: 'stdout' | 'stderr') => void,
    ) {
      const limits = (['since', 'until'] as const).map(name =>
        options[name] === undefined ? '' : `&${name}=${options[name].toFixed(3)}`,
      )
      const times = options.timestamps ? '&timestamps=1' : ''
      const query = `stdout=1&stderr=1&tail=${options.tail}&follow=${options.follow ? 1 : 0}${limits.join('')}${times}`
      const path = `/containers/${encodeURIComponent(container)}/logs?${query}`
      const { status, body } = await get(address, path, {
        signal: options.signal,
        ...(options.follow && { idleMilliseconds: 0 }),
      })
      if (status !== 200) throw new EngineStatusError(path, status, '')
      const lines = createFrameLines(onLine)
      try {
        for await (const chunk of body) lines.write(chunk)
      } catch (error) {
        if (!options.signal?.aborted) throw error
      }
      lines.end()
    },
  }
}
