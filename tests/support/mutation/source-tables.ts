import { chatSourceControls } from './chat-source-controls.ts'
import { forgeSourceControls } from './forge-source-controls.ts'
import { gitSourceControls } from './git-source-controls.ts'
import { mcpSourceControls } from './mcp-source-controls.ts'
import { openAiSourceControls } from './openai-source-controls.ts'
import { serverSourceControls } from './server-source-controls.ts'
import { sessionSourceControls } from './session-source-controls.ts'
import { type SourceControl, sourceControls } from './source-controls.ts'
import { webSourceControls } from './web-source-controls.ts'

/** The controls of the code by table: tests/e2e/mutation has a file for each, named source-TABLE.test.ts. */
export const sourceTables = {
  stack: sourceControls,
  server: serverSourceControls,
  mcp: mcpSourceControls,
  git: gitSourceControls,
  session: sessionSourceControls,
  forge: forgeSourceControls,
  chat: chatSourceControls,
  openai: openAiSourceControls,
  web: webSourceControls,
} satisfies Record<string, readonly SourceControl[]>
