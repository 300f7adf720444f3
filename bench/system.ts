import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const Command = z.strictObject({
  argv: z.tuple([z.string()], z.string()),
  cwd: z.string().default('/'),
  /** The whole environment: the command inherits none. */
  env: z.record(z.string(), z.string()),
})
export type Command = z.infer<typeof Command>

const Pair = z.strictObject({ ours: Command, baseline: Command })

/** Restores the state between two measurements; not timed. */
const PairWithReset = Pair.extend({ reset: Command })

const Route = z.strictObject({
  host: z.string().describe('name or address to dial'),
  port: z.number(),
  tls: z
    .strictObject({ name: z.string(), authority: z.string().describe('PEM') })
    .optional()
    .describe('TLS to this name'),
  via: z
    .strictObject({ host: z.string(), port: z.number() })
    .optional()
    .describe('a proxy that is asked to CONNECT to tls.name:port'),
})
export type Route = z.infer<typeof Route>

const Model = z.strictObject({
  ours: Route,
  baseline: Route,
  /** The same origin through the same proxy as `ours`, without the gateway. */
  throughProxy: Route.optional(),
  headers: z.record(z.string(), z.string()),
})

const Access = z.strictObject({ url: z.url(), token: z.string() })

const Server = Access.extend({
  moreTokens: z.array(z.string()).default([]).describe('tokens with the same rights'),
  prompt: z
    .string()
    .default('[[delay 20]][[say pong]]')
    .describe('a prompt whose answer takes the model no time'),
  worker: z
    .string()
    .optional()
    .describe('the container in which runs work, with `claude` and `node`; for the bare program'),
  root: z.string().default('/workspaces').describe('the root of the workspaces in it'),
  memory: z
    .array(z.string())
    .default([])
    .describe('the containers that serve the API, whose memory hostile clients may fill'),
  /** Tenants with few and with many stored runs, and the same server with few and with many tokens. */
  growth: z
    .strictObject({
      fewRuns: z.string().describe('a token'),
      manyRuns: z.string().describe('a token'),
      ratio: z.number().describe('how many times more runs'),
      tokens: z.string().describe('tokens.json'),
      addedTokens: z.number(),
    })
    .optional(),
})
/** An HTTP API that takes claudebox's requests. */
export type ServerPart = z.infer<typeof Server>

/** The measured system. A missing part skips its row. */
export const System = z.strictObject({
  name: z.string(),
  start: PairWithReset.optional(),
  session: PairWithReset.extend({
    shows: z.string().describe('a word that the agent itself draws first'),
  }).optional(),
  status: Pair.optional(),
  help: Pair.optional(),
  run: PairWithReset.optional().describe('a prompt; `reset` leaves no process that waits for one'),
  runs: z
    .strictObject({
      container: z.string().describe('a worker whose runner listens on its socket'),
      workspaces: z.array(z.string()).describe('folders below its /workspaces'),
    })
    .optional(),
  /** P14 creates the listed items itself, in the form that `ours` uses. */
  growth: z
    .strictObject({
      cli: Command.describe('the control script, without arguments'),
      image: z.string().describe('an image with sleep and node'),
    })
    .optional(),
  /** P18 starts sessions on repositories of its own. */
  sessions: z
    .strictObject({ cli: Command.describe('the control script, without arguments') })
    .optional(),
  /** A running container with Node.js 20 or newer, which dials the egress and model routes. */
  probe: z.string().optional(),
  egress: z.strictObject({ ours: Route, baseline: Route }).optional(),
  model: Model.optional(),
  gate: z
    .strictObject({
      file: z.string().describe('the allowlist that people edit'),
      after: z.string().describe('the line of it behind which entries go'),
      entry: z.string().describe('a line that admits the name NAME'),
      route: Route.describe('from `probe`, through the proxy to a name that is not listed'),
    })
    .optional(),
  server: Server.optional(),
  containers: z
    .strictObject({
      proxy: z.string().optional(),
      gateway: z.string().optional(),
      server: z.string().optional(),
      ingress: z.string().optional(),
      worker: z.string().optional(),
    })
    .optional(),
  images: z
    .strictObject({
      claude: z.string().optional(),
      full: z.string().optional(),
      proxy: z.string().optional(),
      gateway: z.string().optional(),
    })
    .optional(),
})
export type System = z.infer<typeof System>

/** Describes a server that runs already, by its address alone. */
export function serverAt(url: string, token: string, worker?: string): System {
  const server = { url, token, ...(worker !== undefined && { worker, memory: [worker] }) }
  return System.parse({ name: url, server })
}

/** Reads the description of another system from its JSON file. */
export async function readSystem(path: string): Promise<System> {
  return System.parse(JSON.parse(await readFile(path, 'utf8')))
}
