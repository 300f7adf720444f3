import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { issueMessage, nearestName } from './issue-message.ts'

/** Deviations from the hardening of every service. Each needs a reason, which `start` and `audit` show. */
export const exceptionNames = ['writable-root', 'root-user', 'executable-tmp'] as const
export const capabilityNames = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] as const
export type ExceptionName =
  | (typeof exceptionNames)[number]
  | `capability-${(typeof capabilityNames)[number]}`

const allExceptions: readonly ExceptionName[] = [
  ...exceptionNames,
  ...capabilityNames.map(name => `capability-${name}` as const),
]

// The user approves this text, so it must be visible.
const argument = z
  .string()
  .max(400)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  .regex(/^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/, {
    error: 'contains characters that a terminal does not show',
  })
const line = argument.min(1)
const words = z.union([line, z.array(argument).max(64)])
const duration = z.string().regex(/^\d{1,4}(ms|s|m)$/, { error: 'must be a time such as 5s' })
const size = z.string().regex(/^[1-9]\d{0,5}[kmg]$/, { error: 'must be a size such as 256m' })
const reason = line.min(8, { error: 'must be a reason of 8 or more characters' })

/** One file `services/NAME.yaml`, with the keys of Compose as far as they open nothing. */
const Known = z.strictObject({
  /** A tag on this engine. */
  image: line.regex(/^[a-z0-9][a-z0-9./:@_-]*$/i, { error: 'must be an image' }).optional(),
  /** A folder beside the file, with a Dockerfile. */
  build: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, { error: 'must be a folder beside the file' })
    .optional(),
  user: z
    .string()
    .regex(/^\d{1,9}(:\d{1,9})?$/, { error: 'must be numbers in quotes: "999:999"' })
    .default('10001:10001'),
  entrypoint: words.optional(),
  command: words.optional(),
  working_dir: line.regex(/^\//, { error: 'must be absolute' }).optional(),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
      z.union([z.string().max(4096), z.number(), z.boolean()]),
    )
    .default({}),
  /** Ports that the agent uses; the audit reports any other. */
  expose: z.array(z.int().min(1).max(65_535)).min(1).max(16),
  volumes: z.array(line).max(16).default([]),
  /** Paths with a scratch folder, and its size. */
  tmpfs: z.record(z.string(), size).default({}),
  healthcheck: z.strictObject({
    test: z.array(line).min(2).max(16),
    interval: duration.default('30s'),
    timeout: duration.default('5s'),
    start_period: duration.default('60s'),
    retries: z.int().min(1).max(20).default(3),
  }),
  mem_limit: size.default('512m'),
  cpus: z.number().min(0.1).max(64).default(1),
  pids_limit: z.int().min(8).max(4096).default(128),
  shm_size: size.default('64m'),
  stop_grace_period: duration.default('10s'),
  exceptions: z
    .partialRecord(z.enum(allExceptions as readonly [ExceptionName, ...ExceptionName[]]), reason)
    .default({}),
})
export type ServiceDefinition = z.infer<typeof Known>

const names = Object.keys(Known.shape)

/**
 * Parses the file of a service.
 *
 * @param file its name for messages
 * @param value its parsed YAML
 * @throws UserError with the key, and the reason or the nearest key.
 */
export function parseServiceDefinition(file: string, value: unknown): ServiceDefinition {
  const wrong = (what: string, hint: string) =>
    new UserError(`${terminalLine(file)}: ${what}`, { hint })
  for (const key of typeof value === 'object' && value !== null ? Object.keys(value) : []) {
    if (names.includes(key)) continue
    const why = Object.hasOwn(refusedServiceKeys, key) ? refusedServiceKeys[key] : undefined
    if (why) throw wrong(`${key} is refused: ${why.reason}`, why.hint)
    const near = nearestName(key, names)
    throw wrong(
      `unknown key ${terminalLine(key, 60)}`,
      near ? `did you mean ${near}?` : 'docs/services.md lists every key',
    )
  }
  const result = Known.safeParse(value, { error: issueMessage })
  if (!result.success) {
    const [issue] = result.error.issues
    const path = terminalLine((issue?.path ?? []).join('.'), 60)
    throw wrong(
      `${path ? `${path}:` : 'it'} ${terminalLine(issue?.message ?? 'is not valid')}`,
      'docs/services.md lists every key',
    )
  }
  const definition = result.data
  if ((definition.image === undefined) === (definition.build === undefined)) {
    throw wrong('needs either image or build', 'name a local image, or a folder with a Dockerfile')
  }
  if (!('root-user' in definition.exceptions) && /^0+(:|$)|:0+$/.test(definition.user)) {
    throw wrong(
      `user: ${definition.user} is root`,
      'use the number of an ordinary user, or state the exception root-user with its reason',
    )
  }
  const proxy = Object.keys(definition.environment).find(name => /_PROXY$/i.test(name))
  if (proxy) {
    throw wrong(`environment.${proxy} is refused: it selects a way out`, 'remove it')
  }
  return definition
}

type Refusal = { reason: string; hint: string }

const own = (what: string): Refusal => ({ reason: `claude-secure sets ${what}`, hint: 'remove it' })
const opens = (what: string): Refusal => ({ reason: `it opens ${what}`, hint: 'remove it' })
const exception: Refusal = {
  reason: 'it weakens the hardening without a reason',
  hint: 'remove it, or state an exception with its reason: docs/services.md lists them',
}
const file: Refusal = {
  reason: 'it reads a file of the host',
  hint: 'build the file into an image with build: FOLDER',
}

/** Keys of Compose that a service beside the agent cannot have. */
export const refusedServiceKeys: Readonly<Record<string, Refusal>> = {
  ports: {
    reason: 'a published port opens the stack to this host and its networks',
    hint: 'remove it: the agent uses the ports in expose by the name of the service',
  },
  networks: own('the network'),
  network_mode: own('the network'),
  dns: own('the resolver'),
  dns_search: own('the resolver'),
  dns_opt: own('the resolver'),
  extra_hosts: opens('addresses outside of the stack'),
  links: own('the names'),
  external_links: opens('other stacks'),
  hostname: own('the names'),
  domainname: own('the names'),
  container_name: own('the names'),
  labels: own('the labels'),
  mac_address: own('the network'),
  privileged: opens('the host'),
  devices: opens('devices of the host'),
  device_cgroup_rules: opens('devices of the host'),
  gpus: opens('devices of the host'),
  runtime: own('the runtime'),
  pid: opens('a namespace of another container or the host'),
  ipc: opens('a namespace of another container or the host'),
  uts: opens('a namespace of another container or the host'),
  userns_mode: opens('a namespace of another container or the host'),
  cgroup: opens('a namespace of another container or the host'),
  cgroup_parent: opens('the limits of another group'),
  volumes_from: opens('the files of another container'),
  security_opt: exception,
  cap_add: exception,
  cap_drop: own('the capabilities'),
  read_only: exception,
  group_add: exception,
  sysctls: own('the kernel settings'),
  ulimits: own('the limits'),
  memswap_limit: own('it to mem_limit, so that there is no swap'),
  deploy: own('the limits'),
  logging: own('the limits of the log'),
  init: own('an init process'),
  restart: own('the restart policy'),
  profiles: own('when the service runs: SERVICES= in .env selects services'),
  depends_on: own('the order: make the service wait for others by itself'),
  extends: file,
  env_file: file,
  secrets: file,
  configs: file,
  develop: file,
  pull_policy: own('it: nothing is pulled'),
  platform: own('the platform'),
}
