import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import type { EngineAddress } from './address.ts'
import { type EngineAnswer, engineGet } from './engine-request.ts'
import { createFrameLines } from './frames.ts'

const Version = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Platform: z.object({ Name: z.string() }).nullish(),
  Components: z
    .array(
      z.object({
        Name: z.string(),
        Version: z.string(),
        Details: z.record(z.string(), z.string()).nullish(),
      }),
    )
    .nullish(),
})
export type EngineVersion = z.infer<typeof Version>

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
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
})
export type ContainerSummary = z.infer<typeof ContainerSummary>

const ImageSummary = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Created: z.number(),
  Size: z.number(),
})
export type ImageSummary = z.infer<typeof ImageSummary>

const NetworkSummary = z.object({
  Id: z.string(),
  Name: z.string(),
  /** RFC 3339. */
  Created: z.string().nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  IPAM: z
    .object({ Config: z.array(z.object({ Subnet: z.string().nullish() })).nullish() })
    .nullish(),
})
export type NetworkSummary = z.infer<typeof NetworkSummary>

const VolumeList = z.object({
  Volumes: z
    .array(
      z.object({
        Name: z.string(),
        /** RFC 3339. */
        CreatedAt: z.string().nullish(),
        Labels: z.record(z.string(), z.string()).nullish(),
        /** -1 where it is not known. */
        UsageData: z.object({ Size: z.number() }).nullish(),
      }),
    )
    .nullish(),
})
export type VolumeSummary = NonNullable<z.infer<typeof VolumeList>['Volumes']>[number]

const Processes = z.object({
  Titles: z.array(z.string()),
  Processes: z.array(z.array(z.string())).nullish(),
})

const timeoutMilliseconds = 10_000
const answerLimit = 32 * 1024 * 1024

export type Engine = ReturnType<typeof createEngine>

/**
 * The few questions asked often, over HTTP on the engine's socket: half a millisecond each, where a
 * `docker` process takes fifty. Everything that changes something goes through compose.
 */
export function createEngine(address: EngineAddress) {
  const json = async <T>(schema: z.ZodType<T>, path: string) =>
    parseAnswer(schema, path, await readAll(await get(address, path)))

  return {
    address,

    /** Which engine answers, in a tenth of the time of `version`. */
    async ping(): Promise<{ kind: 'docker' | 'podman'; version: string }> {
      const { status, head, body } = await get(address, '/_ping')
      for await (const _ of body);
      const server = /^server: (docker|libpod)\/(\S+)/im.exec(head)
      if (status !== 200 || !server) throw new Error('what answers is no container engine')
      return {
        kind: server[1]?.toLowerCase() === 'libpod' ? 'podman' : 'docker',
        version: server[2] ?? '',
      }
    },

    /** The engine and its parts, such as runc. */
    version: () => json(Version, '/version'),

    /** All containers, also stopped ones, that carry every one of `labels` (`key` or `key=value`). */
    containers: (labels: readonly string[]) =>
      json(z.array(ContainerSummary), `/containers/json?all=1&${filters({ label: labels })}`),

    images: (reference: string) =>
      json(z.array(ImageSummary), `/images/json?${filters({ reference: [reference] })}`),

    networks: (labels: readonly string[]) =>
      json(z.array(NetworkSummary), `/networks?${filters({ label: labels })}`),

    /** Volumes that carry every one of `labels`. */
    volumes: async (labels: readonly string[]) =>
      (await json(VolumeList, `/volumes?${filters({ label: labels })}`)).Volumes ?? [],

    /** Bytes of each volume, by name. It looks through all files: empty when that takes too long. */
    async volumeSizes(milliseconds: number): Promise<Map<string, number>> {
      try {
        const path = '/system/df?type=volume'
        const options = { idleMilliseconds: milliseconds }
        const answer = await readAll(await engineGet(address, path, options))
        const { Volumes } = parseAnswer(VolumeList, path, answer)
        return new Map(
          (Volumes ?? []).flatMap(({ Name, UsageData }) =>
            UsageData && UsageData.Size >= 0 ? [[Name, UsageData.Size] as const] : [],
          ),
        )
      } catch {
        return new Map()
      }
    },

    /** Everything the engine knows of one thing, such as `/containers/<id>/json`; for the caller to parse. */
    inspect: (path: string) => json(z.unknown(), path),

    /** Command lines of the processes in a container, as the host sees them. */
    async processes(container: string) {
      const { Titles, Processes: rows } = await json(
        Processes,
        `/containers/${encodeURIComponent(container)}/top?ps_args=-eo%20pid,args`,
      )
      const column = Titles.length - 1
      return (rows ?? []).map(row => row[column] ?? '')
    },

    /** As `processes`, with the age of each. */
    async processesWithAge(container: string): Promise<{ command: string; seconds: number }[]> {
      const { Processes: rows } = await json(
        Processes,
        `/containers/${encodeURIComponent(container)}/top?ps_args=-eo%20pid,etimes,args`,
      )
      return (rows ?? []).map(row => ({ command: row[2] ?? '', seconds: Number(row[1] ?? 0) }))
    },

    /** Lines of a container's log, oldest first. Bounded: at most `tail` lines. */
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
        signal?: AbortSignal
      },
      onLine: (line: string, stream: 'stdout' | 'stderr') => void,
    ) {
      const since = options.since === undefined ? '' : `&since=${options.since.toFixed(3)}`
      const query = `stdout=1&stderr=1&tail=${options.tail}&follow=${options.follow ? 1 : 0}${since}`
      const path = `/containers/${encodeURIComponent(container)}/logs?${query}`
      const { status, body } = await get(address, path, options)
      if (status !== 200) throw notAnswered(path, status, '')
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

function filters(filter: Record<string, readonly string[]>) {
  return `filters=${encodeURIComponent(JSON.stringify(filter))}`
}

async function get(
  address: EngineAddress,
  path: string,
  options: { follow?: boolean; signal?: AbortSignal } = {},
): Promise<EngineAnswer> {
  try {
    return await engineGet(address, path, {
      ...(options.signal && { signal: options.signal }),
      // A followed log is silent for as long as nothing happens; everything else answers at once.
      idleMilliseconds: options.follow ? 0 : timeoutMilliseconds,
    })
  } catch (error) {
    throw unreachable(address, error instanceof Error ? error : new Error(String(error)))
  }
}

async function readAll({ status, body }: Pick<EngineAnswer, 'status' | 'body'>) {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > answerLimit) throw new Error(`engine answered more than ${answerLimit} bytes`)
    chunks.push(chunk)
  }
  return { status, body: Buffer.concat(chunks).toString() }
}

function parseAnswer<T>(
  schema: z.ZodType<T>,
  path: string,
  answer: { status: number; body: string },
) {
  if (answer.status !== 200) throw notAnswered(path, answer.status, answer.body)
  return schema.parse(JSON.parse(answer.body))
}

function notAnswered(path: string, status: number, body: string) {
  return new UserError(`the container engine answered ${status} to ${path.split('?')[0]}`, {
    hint: 'run ./claude.ts doctor',
    cause: new Error(body),
  })
}

function unreachable(address: EngineAddress, error: NodeJS.ErrnoException) {
  const where = 'socketPath' in address ? address.socketPath : `${address.host}:${address.port}`
  const denied = error.code === 'EACCES'
  return new UserError(`cannot reach the container engine at ${where}: ${error.message}`, {
    hint: denied
      ? 'add yourself to the docker group, or run with sudo'
      : 'start it with ./claude.ts setup',
    cause: error,
  })
}
