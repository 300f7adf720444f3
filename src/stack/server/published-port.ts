import * as z from 'zod'
import type { Engine } from '../../engine/engine.ts'

const Container = z.object({
  HostConfig: z.object({
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullish())
      .nullish(),
  }),
})

/** Returns where a container's port is published on the host; null when it has none. */
export async function readPublishedPort(
  engine: Pick<Engine, 'inspect'>,
  container: string,
): Promise<{ address: string; port: number } | null> {
  const found = await engine.inspect(`/containers/${encodeURIComponent(container)}/json`)
  const bindings = Container.parse(found).HostConfig.PortBindings ?? {}
  const [first] = Object.values(bindings).flatMap(list => list ?? [])
  if (!first) return null
  const address = first.HostIp === '' || first.HostIp === '0.0.0.0' ? '127.0.0.1' : first.HostIp
  return { address, port: Number(first.HostPort) }
}
