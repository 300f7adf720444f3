import { chown } from 'node:fs/promises'
import t from 'tap'
import { serverIdentity } from '../../src/operations/serve/server-context.ts'
import { checkContract } from '../support/contract/check-contract.ts'
import { scriptedPrompts } from '../support/contract/prompts.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { freePort } from '../support/stack/free-port.ts'
import { attachInternet, createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

const token = `token-of-the-contract-${'x'.repeat(24)}`
const port = await freePort()
const workspaces = await temporaryFolder(t, 'workspaces')
await chown(workspaces, owner, owner)
const here = await createTestStack(t, {
  start: false,
  settings: {
    API_TOKEN: token,
    SERVER_PORT: `${port}`,
    WORKSPACES_DIR: workspaces,
    // What is reported after the last retry does not depend on their number.
    CLAUDE_ENV_CLAUDE_CODE_MAX_RETRIES: '1',
  },
})
const name = `contract-${process.pid}`
const { name: stack } = serverIdentity(name)
t.teardown(() => removeStack(stack))

const up = await here.cli(['serve', 'up', '--name', name])
if (up.code !== 0) throw new Error(up.stderr)
await attachInternet({ ...here, stack, container: service => `${stack}-${service}-1` })
t.match(up.stdout, `http://127.0.0.1:${port}`)

await checkContract(t, {
  url: `http://127.0.0.1:${port}`,
  token,
  prompts: scriptedPrompts,
})
