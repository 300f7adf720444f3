import { Settings } from '../../../src/config/settings.ts'
import { folderStack } from '../../../src/stack/identity.ts'
import type { Stack } from '../../../src/stack/stack.ts'

/** A description of a stack in mount mode with an API key; nothing of it exists on the host. */
export function stackValue(changes: Partial<Stack> = {}, settings: object = {}): Stack {
  return {
    identity: { ...folderStack('/home/me/project'), name: 'claude-secure-project-00000000' },
    workspace: {
      path: '/home/me/project',
      agent: { uid: 1000, gid: 1000 },
      mode: 'mount',
    },
    settings: Settings.parse({ ANTHROPIC_API_KEY: 'sk-real-secret', ...settings }),
    mode: 'api-key',
    placeholder: { kind: 'api-key', placeholder: 'sk-ant-api03-placeholder' },
    images: { claude: 'c:1', gateway: 'g:1', proxy: 'p:1' },
    state: {
      path: '/s',
      credential: '/s/credential.json',
      override: '/s/stack.yaml',
      usage: '/s/usage',
      parent: '/s/parent',
      policy: '/s/policy',
      settings: '/s/settings.env',
      filter: '/s/filter',
      authorities: '/s/authorities',
      meterKey: '/s/meter-key',
    },
    overlays: [],
    root: '/opt/claude-secure',
    engineMajor: 26,
    gatewayUser: { uid: 10001, gid: 10001 },
    ...changes,
  }
}
