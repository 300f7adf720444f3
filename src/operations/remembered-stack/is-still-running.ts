import { bodyText, engineGet } from '../../engine/engine-request.ts'
import { isOnItsNetworks } from '../../stack/services.ts'
import type { RememberedService, RememberedStack } from './memory.ts'

const timeoutMilliseconds = 2_000

/**
 * Returns whether the stack is still running, healthy, and with the same containers. Takes one request
 * to the engine instead of a dozen.
 */
export async function isStillRunning(
  known: RememberedStack,
  service: RememberedService,
): Promise<boolean> {
  try {
    const filters = JSON.stringify({ label: [`claude-secure.stack=${known.stack}`] })
    const { status, body } = await engineGet(
      known.address,
      `/containers/json?all=1&filters=${encodeURIComponent(filters)}`,
      { idleMilliseconds: timeoutMilliseconds },
    )
    const containers: EngineContainer[] = JSON.parse(await bodyText(body))
    return (
      status === 200 &&
      containers.length >= 3 &&
      containers.some(isAgent) &&
      containers.every(isAsLeft)
    )
  } catch {
    return false
  }

  function isAgent({ Id, Labels }: EngineContainer) {
    return Id === known.container && Labels['com.docker.compose.service'] === service
  }

  function isAsLeft({ Status, Labels, NetworkSettings }: EngineContainer) {
    return (
      Status.endsWith('(healthy)') &&
      Labels['claude-secure.fingerprint'] === known.fingerprint &&
      isOnItsNetworks(
        known.stack,
        Labels['com.docker.compose.service'] ?? '',
        NetworkSettings?.Networks,
      )
    )
  }
}

type EngineContainer = {
  Id: string
  Status: string
  Labels: Record<string, string>
  NetworkSettings?: { Networks?: Record<string, unknown> }
}
