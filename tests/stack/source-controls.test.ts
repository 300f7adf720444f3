/** The rows of tests/e2e/mutation/source.test.ts, which takes ten minutes: each names what is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chatSourceControls } from '../support/mutation/chat-source-controls.ts'
import { forgeSourceControls } from '../support/mutation/forge-source-controls.ts'
import { gitSourceControls } from '../support/mutation/git-source-controls.ts'
import { mcpSourceControls } from '../support/mutation/mcp-source-controls.ts'
import { openAiSourceControls } from '../support/mutation/openai-source-controls.ts'
import { serverSourceControls } from '../support/mutation/server-source-controls.ts'
import { sessionSourceControls } from '../support/mutation/session-source-controls.ts'
import { sourceControls } from '../support/mutation/source-controls.ts'
import { webSourceControls } from '../support/mutation/web-source-controls.ts'
import { repository } from '../support/stack/checkout.ts'

const rows = [
  ...sourceControls,
  ...serverSourceControls,
  ...mcpSourceControls,
  ...gitSourceControls,
  ...sessionSourceControls,
  ...forgeSourceControls,
  ...chatSourceControls,
  ...openAiSourceControls,
  ...webSourceControls,
]

t.test('a removed control is stated once, and its test exists', async t => {
  t.ok(rows.length > 100)
  for (const { control, file, remove, test } of rows) {
    const [from] = remove
    t.equal(readFileSync(join(repository, file), 'utf8').split(from).length, 2, control)
    t.ok(existsSync(join(repository, test)), `${control}: ${test}`)
  }
})
