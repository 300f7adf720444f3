import { type BindMount, readOnlyMount } from '../engine/compose.ts'
import { authorityTargets, authorityVariables } from './authorities.ts'
import type { Stack } from './stack.ts'

const authoritiesFile = '/etc/claude-secure/extra-ca.pem'

/** A service's parts for EXTRA_CA_CERTS. */
type Authorities = { volumes?: BindMount[]; environment?: Readonly<Record<string, string>> }

type Of = Pick<Stack, 'settings' | 'authorities'>

/** EXTRA_CA_CERTS for services that speak TLS to the outside. */
export function serviceAuthorities({ authorities, settings }: Of): Authorities {
  // Not the user's own file, which a umask of 077 closes to the users of the containers.
  const path = authorities?.own ?? settings.EXTRA_CA_CERTS
  if (!path) return {}
  return {
    volumes: [readOnlyMount(path, authoritiesFile)],
    environment: { NODE_EXTRA_CA_CERTS: authoritiesFile },
  }
}

/** EXTRA_CA_CERTS for the agent's programs: joined with the image's own, where each of them looks. */
export function agentAuthorities(stack: Of): Authorities {
  const node = serviceAuthorities(stack)
  const files = stack.authorities
  if (!files) return node
  return {
    volumes: [
      ...(node.volumes ?? []),
      readOnlyMount(files.pem, authorityTargets.pem),
      readOnlyMount(files.java, authorityTargets.java),
    ],
    environment: { ...authorityVariables, ...node.environment },
  }
}
