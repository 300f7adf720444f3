import { realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { readChunks } from '../../../src/files/held-file.ts'
import { ClientTools } from '../../../src/run/client-tools.ts'
import type { RunEvent } from '../../../src/run/result.ts'
import type { RunnerInput } from '../../../src/run/runner-protocol.ts'
import { createRunFiles } from '../../../src/telegram/run-files.ts'
import { sendFileTool } from '../../../src/telegram/send-file-tool.ts'
import { openSentFile } from '../../../src/telegram/sent-files.ts'

const call = (id: string, input: unknown, more: object = {}): RunEvent => ({
  ...{ kind: 'claude', seq: 1, at: '2026-11-30T08:00:00Z' },
  message: {
    type: 'assistant',
    message: {
      content: [
        { type: 'text', text: 'here it is' },
        { type: 'tool_use', id, name: 'mcp__client__send_file', input },
      ],
    },
    ...more,
  },
})

/** The files of a run in a workspace beside another one. */
function filesOf(t: Test, send?: (path: string) => void) {
  const root = realpathSync(
    t.testdir({ chat_1: { 'a.png': 'image', 'b.txt': 'text' }, chat_2: { secret: 'of another' } }),
  )
  const workspace = join(root, 'chat_1')
  symlinkSync('../chat_2/secret', join(workspace, 'link'))
  const sent: string[] = []
  const results: Extract<RunnerInput, { kind: 'tool-result' }>[] = []
  const files = createRunFiles({
    open: path => openSentFile({ workspace, workerPath: '/workspaces/chat_1', path }),
    send: async (open, caption) => {
      const { kind, name, file } = await open()
      try {
        send?.(name)
        sent.push([kind, name, await text(readChunks(file)), caption].join(' '))
      } finally {
        await file.close()
      }
      return { kind: caption === 'failing' ? 'failed' : 'sent' }
    },
  })
  files.onConnected(input => {
    if (input.kind === 'tool-result') results.push(input)
  })
  const told = () =>
    results.map(({ id, content: [first], isError }) => ({
      ...{ id, isError },
      text: first?.type === 'text' ? first.text : '',
    }))
  return { files, sent, told }
}

t.test('the tool is one that a run takes', async t => {
  t.equal(ClientTools.safeParse([sendFileTool]).success, true)
})

t.test('a call sends its file at once, and the model gets the result', async t => {
  const { files, sent, told } = filesOf(t)
  files.onEvent(call('toolu_1', { path: 'a.png', caption: ' look ' }))
  files.onEvent(call('toolu_2', { path: '/workspaces/chat_1/b.txt' }, { parent_tool_use_id: 'x' }))
  files.onEvent(call('toolu_1', { path: 'a.png' }))
  await files.settled()
  t.same(sent, ['photo a.png image look', 'document b.txt text '])
  t.same(told(), [
    { id: 'toolu_1', isError: false, text: 'sent' },
    { id: 'toolu_2', isError: false, text: 'sent' },
  ])
})

t.test('a call for a file out of the workspace of the chat is refused', async t => {
  const { files, sent, told } = filesOf(t)
  const inputs = [...['../chat_2/secret', '/workspaces/chat_2/secret', '/etc/passwd', 'link']].map(
    path => ({ path }),
  )
  for (const [index, input] of [...inputs, {}, { path: 7 }, null].entries())
    files.onEvent(call(`t${index}`, input))
  await files.settled()
  t.same(sent, [])
  t.same(
    told().map(({ isError, text }) => isError && text.replace(/^not sent: /, '').slice(0, 12)),
    [...Array(3).fill('path outside'), 'symlinks are', ...Array(3).fill('the path is ')],
  )
})

t.test(
  'a file that Telegram refuses is told without the error, which may have the token',
  async t => {
    const { files, told } = filesOf(t, name => {
      if (name === 'b.txt')
        throw new Error(`POST https://api.telegram.org/bot1:SECRET/sendDocument ${name}`)
    })
    files.onEvent(call('t1', { path: 'b.txt' }))
    await files.settled()
    files.onEvent(call('t2', { path: 'a.png', caption: 'failing' }))
    await files.settled()
    const text = 'not sent: Telegram did not take the file'
    t.same(told(), [
      { id: 't1', isError: true, text },
      { id: 't2', isError: true, text },
    ])
  },
)

t.test('a run sends so many files', async t => {
  const { files, sent, told } = filesOf(t)
  for (let number = 0; number < 12; number++) files.onEvent(call(`t${number}`, { path: 'b.txt' }))
  await files.settled()
  t.equal(sent.length, 10)
  t.match(told().slice(9), [
    { text: 'sent' },
    { text: 'not sent: a run sends at most 10 files', isError: true },
    { isError: true },
  ])
})
