import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { upstreamUrl } from '../../config/model-upstream.ts'
import { defaultTenant } from '../../config/tenants.ts'
import { type BindMount, readOnlyMount } from '../../engine/compose.ts'
import { accountFiles, resolverFiles } from '../accounts.ts'
import { placeholderVariable } from '../credential.ts'
import { labels } from '../labels.ts'
import { agentAuthorities, serviceAuthorities } from '../render-authorities.ts'
import { renderNetworkLabels } from '../render-labels.ts'
import { renderNetworks } from '../render-networks.ts'
import { tenantParts } from '../services.ts'
import { homeVolume, upstreamOf, upstreamRanges } from '../stack.ts'
import { wayOut } from '../stack-file.ts'
import {
  networksOfServer,
  presentTenants,
  type ServerStack,
  schedulesMount,
  telegramMount,
} from './server-stack.ts'

/** What compose.server.yaml states for the tenant `main`, which stands for every tenant. */
const Template = z.object({
  services: z.object({ 'worker-main': z.record(z.string(), z.unknown()) }),
  networks: z.object({ 'tenant-main-internal': z.record(z.string(), z.unknown()) }),
  volumes: z.object({ 'runner-main': z.record(z.string(), z.unknown()) }),
})
export type ServerTemplate = z.infer<typeof Template>

/** Renders the second compose file. Without the API, no port is published: Compose would add up the lists. */
export async function renderServerFile(stack: ServerStack): Promise<string> {
  const { Document } = await import('yaml')
  const file = new Document(buildServerFile(stack, await readServerTemplate(stack.root)))
  if (!stack.modes.includes('api')) {
    const none = file.createNode([])
    none.tag = '!reset'
    file.setIn(['services', 'ingress', 'ports'], none)
  }
  return file.toString()
}

export async function readServerTemplate(root: string): Promise<ServerTemplate> {
  const { parse } = await import('yaml')
  const text = await readFile(join(root, 'compose.server.yaml'), 'utf8')
  return Template.parse(parse(text, { merge: true }))
}

/** Builds the second compose file: the tenants, and what compose.server.yaml cannot express with a variable. */
export function buildServerFile(stack: ServerStack, template: ServerTemplate): object {
  const tenants = presentTenants(stack)
  const added = tenants.filter(name => name !== defaultTenant)
  const common = { labels: serverLabels(stack), healthcheck: readiness(stack) }
  const withTenants = { ...common, labels: { ...common.labels, [labels.tenants]: tenants.join() } }
  const meets = (aliases: (tenant: string) => string[]) =>
    Object.fromEntries(added.map(name => [tenantParts(name).network, { aliases: aliases(name) }]))
  return {
    services: {
      ingress: common,
      server: {
        ...withTenants,
        ...merged(serviceAuthorities(stack), {
          volumes: [
            ...(stack.schedules === null
              ? []
              : [readOnlyMount(stack.schedules.folder, schedulesMount)]),
            ...(stack.telegram === null
              ? []
              : [
                  readOnlyMount(stack.telegram.folder, telegramMount),
                  readOnlyMount(stack.telegram.token, '/run/secrets/telegram'),
                ]),
            ...added.flatMap(name => [
              writableMount(join(stack.workspaces, name), `/workspaces/${name}`),
              `${tenantParts(name).sockets}:/run/claude-secure/workers/${name}:ro`,
            ]),
          ],
        }),
      },
      gateway: {
        ...withTenants,
        ...serviceAuthorities(stack),
        networks: meets(name => ['gateway', `gateway-tenant-${name}`]),
      },
      proxy: {
        ...withTenants,
        ...wayOut(stack),
        networks: meets(name => ['proxy', `proxy-tenant-${name}`]),
      },
      ...(stack.mode === 'rehearsal' && { rehearsal: common }),
      ...Object.fromEntries(
        tenants.map(name => {
          const base = name === defaultTenant ? {} : workerOf(template, name)
          const { environment, volumes } = workerParts(stack, name)
          const entry = {
            ...base,
            ...common,
            environment: { ...objectOf(base.environment), ...environment },
            volumes: [...listOf(base.volumes), ...volumes],
            healthcheck: { ...objectOf(base.healthcheck), ...common.healthcheck },
            ...(stack.settings.RUNTIME && { runtime: stack.settings.RUNTIME }),
          }
          return [tenantParts(name).service, entry]
        }),
      ),
    },
    networks: networks(stack, template),
    volumes: Object.fromEntries(
      tenants.flatMap(name => {
        const { home, sockets } = tenantParts(name)
        const full = (key: string) => ({ name: homeVolume(stack.identity, key, stack.user.uid) })
        const inMemory = { ...template.volumes['runner-main'], ...full(sockets) }
        return [
          [home, full(home)],
          [sockets, inMemory],
        ]
      }),
    ),
  }
}

function serverLabels(stack: ServerStack): Record<string, string> {
  const ranges = upstreamRanges(stack)
  return {
    ...renderNetworkLabels(stack.identity),
    [labels.credentials]: stack.mode,
    [labels.upstream]: upstreamUrl(upstreamOf(stack)),
    ...(ranges.length > 0 && { [labels.upstreamPrivate]: ranges.join(',') }),
    ...(stack.parent && { [labels.parent]: stack.parent.address }),
  }
}

/** Otherwise readiness is detected only after a full interval. Older engines reject the key. */
function readiness({ engineMajor }: ServerStack) {
  return engineMajor >= 25 ? { start_interval: '250ms' } : { interval: '1s' }
}

/** Returns the worker of a tenant: that of `main`, with the tenant's own parts in the place of main's. */
function workerOf(template: ServerTemplate, tenant: string): Record<string, unknown> {
  const [theirs, ours] = [tenantParts(defaultTenant), tenantParts(tenant)]
  const text = JSON.stringify(template.services['worker-main'])
    .replaceAll(theirs.network, ours.network)
    .replaceAll(theirs.home, ours.home)
    .replaceAll(`${theirs.sockets}:`, `${ours.sockets}:`)
    .replaceAll(`:?}/${defaultTenant}"`, `:?}/${tenant}"`)
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
}

function workerParts(stack: ServerStack, tenant: string) {
  const { user, state, placeholderKind, placeholders } = stack
  const authorities = agentAuthorities(stack)
  const files = [...accountFiles(user, state), ...resolverFiles(stack.engineKind, state)]
  return {
    environment: {
      [placeholderVariable(placeholderKind)]: placeholders[tenant] ?? '',
      ...authorities.environment,
      // Bedrock and Vertex AI refuse beta features and fields that they do not know.
      ...((stack.mode === 'bedrock' || stack.mode === 'vertex') && {
        CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1',
      }),
    },
    volumes: [
      ...files.map(({ source, target }) => readOnlyMount(source, target)),
      ...(authorities.volumes ?? []),
    ],
  }
}

function networks(stack: ServerStack, template: ServerTemplate) {
  const main = tenantParts(defaultTenant).network
  // compose.server.yaml states those of the tenant `main` and those without a tenant.
  const isAdded = (name: string) => name.startsWith('tenant-') && name !== main
  return renderNetworks(stack, networksOfServer(stack), name =>
    isAdded(name) ? template.networks['tenant-main-internal'] : {},
  )
}

function writableMount(source: string, target: string): BindMount {
  const { read_only: _, ...mount } = readOnlyMount(source, target)
  return mount
}

function merged(
  a: { volumes?: unknown[]; environment?: object },
  b: { volumes: unknown[] },
): { volumes: unknown[]; environment?: object } {
  return { ...a, volumes: [...(a.volumes ?? []), ...b.volumes] }
}

function objectOf(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).safeParse(value).data ?? {}
}

function listOf(value: unknown): unknown[] {
  return z.array(z.unknown()).safeParse(value).data ?? []
}
