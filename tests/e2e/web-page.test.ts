import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions } from 'playwright-core'
import t from 'tap'
import { silentLog } from '../../src/base/log.ts'
import { createAccess } from '../../src/web/access.ts'
import { buildWebApp } from '../../src/web/app.ts'
import type { EgressView, RunView } from '../../src/web/messages.ts'
import { readPage } from '../../src/web/page-files.ts'
import { repository } from '../support/stack/checkout.ts'
import { until } from '../support/stack/process.ts'
import {
  desktop,
  isTooWide,
  phone,
  readClipboard,
  screenOf,
  startChromium,
  takePicture,
  writeClipboard,
} from '../support/web/chromium.ts'
import { createFakeSources } from '../support/web/fake-sources.ts'

// The real page in a real browser, on sources of the test: it needs no engine.
const { sources, state, terminals, asked } = createFakeSources()
const access = createAccess()
let port = 0
const app = await buildWebApp({
  access,
  port: () => port,
  sources,
  page: await readPage(repository),
  calledAs: './claude.ts',
  log: silentLog,
  limits: { lookMilliseconds: 100 },
})
t.teardown(() => app.close())
await app.listen({ host: '127.0.0.1', port: 0 })
port = (app.server.address() as AddressInfo).port
const url = `http://127.0.0.1:${port}/#token=${access.token}`
const open = await startChromium(t, [port])

const at = Date.parse('2026-11-30T09:30:00Z') / 1000
const entry = (host: string, more: Partial<EgressView> = {}): EgressView => ({
  ...{ at, verdict: 'denied', caller: 'agent', host, port: '443', reason: 'not-listed' },
  ...{ canAllow: true, canDeny: false },
  ...more,
})
const screen = [
  '\u001b[1m\u001b[38;2;215;119;87m✻ Claude Code\u001b[0m  /workspace',
  '',
  '> fix the failing test',
  '',
  '\u001b[32m●\u001b[0m The test asked \u001b[1mregistry.example.com\u001b[0m, which is not on the list.',
  '  Allow it, or I use the copy in \u001b[4mvendor/\u001b[0m.',
  '',
  '\u001b[2m────────────────────────────────────────────\u001b[0m',
  '> ',
].join('\r\n')
const question = {
  id: 'q1',
  deadline: '2026-11-30T09:40:00Z',
  questions: [
    {
      question: 'Which release do you want?',
      header: 'Release',
      multiSelect: false,
      options: [{ label: 'stable', description: 'tested' }, { label: 'next' }],
    },
  ],
}
const run: RunView = {
  ...{ runId: '0123456789abcdef', state: 'waiting', startedAt: '2026-11-30T09:29:00Z' },
  ...{ prompt: 'prepare the release', costUsd: null, question },
}
state.greeting = screen
state.past = [
  entry('api.example.org', {
    ...{ verdict: 'allowed', reason: '-', canAllow: false, canDeny: true, at: at - 40 },
  }),
  entry('registry.example.com'),
]
state.usage = {
  today: {
    ...{ day: '2026-11-30', estimatedUsd: 0.4125, budgetUsd: 5, leftUsd: 4.5875 },
    ...{ estimatedTokens: 0, budgetTokens: null, leftTokens: null },
  },
  total: {
    ...{ requests: 41, input: 12_300, output: 18_240, cacheRead: 140_000, cacheWrite5m: 0 },
    ...{ cacheWrite1h: 0, webSearches: 0, errors: 0, broken: 0, uncounted: 0, unpriced: 0 },
    ...{ costUsd: 2.31, estimatedUsd: 2.31, estimatedTokens: 0 },
  },
  models: [],
}
state.usage.models = [{ model: 'claude-sonnet', ...state.usage.total }]
const last = () => terminals.at(-1)
const lastTerminal = () => until('a terminal', async () => last())

/** Opens the page, and waits for its first terminal. */
async function openPage(options: BrowserContextOptions = desktop) {
  const before = terminals.length
  const opened = await open(url, options)
  const { page } = opened
  const terminal = await until('its terminal', async () => terminals[before])
  await until('its screen', async () => /failing test/.test(await screenOf(page)))
  return { ...opened, terminal }
}

t.test('a session, the log and Allow, on a desktop', async t => {
  const { page, problems } = await openPage()
  await page.getByText('registry.example.com', { exact: false }).first().waitFor()
  t.equal(new URL(page.url()).hash, '', 'the token leaves the address')
  await page.getByRole('button', { name: 'site', exact: true }).click()
  await until('the second terminal', async () => (await page.locator('.pane').count()) === 2)
  await until('its screen', async () => /failing test/.test(await screenOf(page, 1)))
  await takePicture(page, 'web-desktop')

  const keyboard = await lastTerminal()
  await page.keyboard.type('ls -l')
  await page.keyboard.press('Enter')
  await until('the keys', async () => keyboard.typed() === 'ls -l\r')
  const before = keyboard.sizes.at(-1)
  await page.setViewportSize({ width: 1500, height: 900 })
  await until('the new size', async () => keyboard.sizes.at(-1)?.columns !== before?.columns)

  const allow = page.getByRole('button', { name: 'Allow registry.example.com' })
  await allow.click()
  await page.getByText('Let the agents of this folder reach registry.example.com?').waitFor()
  await page.getByRole('button', { name: 'No', exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  t.same(asked, [], 'a row that moved under the pointer opens nothing')
  await allow.click()
  await page.getByRole('button', { name: 'Yes' }).click()
  await page.getByText('added: registry.example.com').waitFor()
  t.match(asked.at(-1), { name: 'registry.example.com', action: 'allow', here: true })
  await page.getByLabel('This folder only').uncheck()
  await page.getByRole('button', { name: 'Deny api.example.org' }).click()
  await until('the edit', async () => asked.length === 2)
  t.match(asked.at(-1), { name: 'api.example.org', action: 'deny', here: false })
  t.same(problems, [])
  await page.context().close()
})

t.test('hostile output stays in the terminal', async t => {
  const { page, problems, terminal } = await openPage({
    ...desktop,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  await writeClipboard(page, 'mine')
  const title = await page.title()
  const payload = Buffer.from('evil').toString('base64')
  terminal.print(
    [
      '\u001b[2J\u001b[H',
      '\u001b]0;evil title\u0007\u001b]2;evil title\u0007',
      `\u001b]52;c;${payload}\u0007`,
      '\u001b]8;;http://evil.test/x\u0007linkhere\u001b]8;;\u0007\r\n',
      '<img src=x onerror=alert(1)>\r\n',
      '\u001b]777;notify;evil;evil\u0007\u001b]1337;File=inline=1:AAAA\u0007',
      '\u001b[21t\u001b[14t\u001b[>c end',
    ].join(''),
  )
  await until('the output', async () => / end/.test(await screenOf(page)))
  t.equal(await page.title(), title)
  t.equal(await readClipboard(page), 'mine')
  t.match(await screenOf(page), '<img src=x onerror=alert(1)>')
  t.equal(await page.locator('img, iframe, object, embed').count(), 0)
  const shown = page.getByText('Link of the agent, not opened: http://evil.test/x')
  await until('the link to be shown', async () => {
    const box = await page.locator('.xterm-rows').getByText('linkhere').boundingBox()
    const [x, y] = [(box?.x ?? 0) + 20, (box?.y ?? 0) + 5]
    await page.mouse.move(x - 9, y)
    await page.mouse.move(x, y)
    await page.mouse.click(x, y)
    return shown.first().isVisible()
  })
  t.notMatch(terminal.typed(), /evil/, 'no title is typed back')
  t.equal(page.context().pages().length, 1)
  t.same(problems, [])
  await page.context().close()
})

t.test('texts of an agent are never markup', async t => {
  const markup = '<img src=x onerror=alert(1)><script>alert(1)</script>'
  state.runs = [{ ...run, question: null, prompt: markup, state: `failed: ${markup}` }]
  const past = state.past
  state.past = [entry(markup, { canAllow: false })]
  const { page, problems } = await openPage()
  await page.locator('.egress').getByText(markup).waitFor()
  await page.getByRole('tab', { name: 'Runs' }).click()
  await page.locator('.runs .prompt').getByText(markup).waitFor()
  t.equal(await page.locator('img, body script').count(), 0)
  t.same(problems, [])
  state.runs = []
  state.past = past
  await page.context().close()
})

t.test('copy and paste reach the terminal', async t => {
  const { page, terminal } = await openPage({
    ...desktop,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  await writeClipboard(page, 'pasted\u001b[31m text')
  await page.locator('.pane').click()
  await page.keyboard.press('Control+v')
  await until('the paste', async () => terminal.typed().includes('text'))
  terminal.print('\u001b[?2004h')
  const typed = terminal.typed().length
  await writeClipboard(page, 'x\u001b[201~y')
  await page.getByRole('button', { name: 'Paste' }).click()
  await until('the bracketed paste', async () => terminal.typed().endsWith('\u001b[201~'))
  t.equal(terminal.typed().slice(typed), '\u001b[200~x[201~y\u001b[201~', 'it cannot end itself')

  const box = await page.locator('.xterm-rows').getByText('failing').boundingBox()
  await page.mouse.dblclick((box?.x ?? 0) + 30, (box?.y ?? 0) + 5)
  await page.keyboard.press('Control+c')
  await page.getByText('Copied').waitFor()
  const copied = await readClipboard(page)
  t.match(copied.trim(), /^(fix|the|failing|test)$/)
  t.notMatch(terminal.typed(), '\u0003', 'Ctrl-C with a selection copies')
  await page.keyboard.press('Control+c')
  await until('Ctrl-C', async () => terminal.typed().endsWith('\u0003'))
  await page.context().close()
})

t.test('a lost connection is opened again and redrawn; one that ended is not', async t => {
  const { page, terminal: first } = await openPage()
  first.stream.destroy(new Error('the engine went away'))
  await page.getByRole('button', { name: 'Open again' }).click()
  await until('another terminal', async () => last() !== first)
  const second = await lastTerminal()
  await until('the screen', async () => /failing test/.test(await screenOf(page)))
  second.end()
  await page.getByText('another terminal took it over').waitFor()
  await page.getByText('moved .envrc away').waitFor()
  t.equal(last(), second)
  await page.reload()
  await until('the reload', async () => last() !== second)
  await until('the screen', async () => /failing test/.test(await screenOf(page)))
  await page.context().close()
})

t.test('a run asks: the page says so, and the keyboard answers', async t => {
  state.runs = [run]
  const { page, problems } = await openPage({ ...desktop, colorScheme: 'dark' })
  await page.locator('#tab-runs .badge').waitFor()
  await page.keyboard.press('F6')
  await page.keyboard.press('ArrowRight')
  await page.getByText('Which release do you want?').waitFor()
  await takePicture(page, 'web-question')
  await page.getByLabel('next').focus()
  await page.keyboard.press('Space')
  await page.getByRole('button', { name: 'Answer', exact: true }).press('Enter')
  await until('the answer', async () => asked.at(-1) && 'answers' in (asked.at(-1) ?? {}))
  t.match(asked.at(-1), {
    ...{ runId: run.runId, question: 'q1' },
    answers: { 'Which release do you want?': 'next' },
  })
  await page.getByText('Which release do you want?').waitFor({ state: 'detached' })
  t.same(problems, [])
  state.runs = []
  await page.context().close()
})

t.test('the bell of Claude is a notification, a mark in the title, and a tone', async t => {
  const { page, problems, terminal } = await openPage({
    ...desktop,
    permissions: ['notifications'],
  })
  const notify = page.getByRole('button', { name: 'Notify me' })
  await notify.click()
  await page.getByRole('button', { name: 'Stop notifying', pressed: true }).waitFor()
  terminal.print('\u0007')
  await page.getByText('Claude waits in shop').waitFor()
  await page.getByRole('button', { name: 'Stop notifying' }).click()
  await notify.waitFor()
  t.same(problems, [])
  await page.context().close()
})

t.test('on a phone, in Chinese: one view at a time, and nothing wider than the screen', async t => {
  const { page, problems } = await openPage({ ...phone, locale: 'zh-CN' })
  t.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
  t.notOk(await isTooWide(page))
  for (const name of ['网络', '运行', '用量']) {
    await page.getByRole('tab', { name }).tap()
    t.equal(await page.locator('.side > .shown').count(), 1)
    t.notOk(await page.locator('.grid').isVisible())
    t.notOk(await isTooWide(page), name)
  }
  await page.getByText('claude-sonnet').waitFor()
  await page.getByLabel('语言').selectOption('en')
  await page.getByRole('tab', { name: 'Terminals' }).waitFor()
  await until('the screen', async () => /failing test/.test(await screenOf(page)))
  t.notOk(await isTooWide(page))
  await takePicture(page, 'web-phone')
  t.same(problems, [])
  await page.context().close()
})

t.test('commits are read with their diff, and leave after a yes', async t => {
  const id = 'c0ffee'.padEnd(40, '0')
  const markup = '<img src=x onerror=alert(1)>'
  const commit = { id, subject: 'fix the test', author: 'Claude', at: null, onBranch: true }
  state.commits = {
    ...{ branch: 'claude/2026-11-30', tip: id, commits: [commit], unlisted: 0, mayPush: true },
    ...{ mayOpenPullRequest: true, title: 'Fix the test', body: 'It asked the registry.' },
  }
  state.details = {
    ...{ id, message: 'fix the test', more: false, truncated: false },
    files: [{ path: 'src/shop.ts', kind: 'modified', insertions: 2, deletions: 1 }],
    findings: [{ kind: 'ci', path: '.github/workflows/x.yml', detail: 'runs in CI', line: null }],
    patch: [
      'diff --git a/src/shop.ts b/src/shop.ts',
      '--- a/src/shop.ts',
      '+++ b/src/shop.ts',
      '@@ -1,3 +1,4 @@',
      " import { price } from './price.ts'",
      `-const registry = 'https://registry.example.com'`,
      `+const registry = 'vendor/'`,
      '+export { registry }',
      '',
    ].join('\n'),
  }
  const { page, problems } = await openPage()
  await page.getByRole('tab', { name: 'Changes' }).click()
  await page.getByRole('button', { name: 'fix' }).click()
  await page.locator('.patch .plus').first().waitFor()
  t.equal(await page.locator('.patch .plus').count(), 2)
  t.equal(await page.locator('.patch .minus').count(), 1)
  await page.getByText('runs in CI').waitFor()
  await takePicture(page, 'web-changes')

  const before = asked.length
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  await page.getByRole('button', { name: 'No', exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  t.equal(asked.length, before, 'No pushes nothing')
  await page.getByLabel('Branch').fill('claude/other')
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  await page.getByText('Push 1 commits to the branch claude/other?').waitFor()
  await page.getByRole('button', { name: 'Yes' }).click()
  await page.getByText('origin, claude/x: created').waitFor()
  t.match(asked.at(-1), { action: 'push', tip: id, branch: 'claude/other' })
  await page.getByText('Pull request', { exact: true }).click()
  t.equal(await page.getByLabel('Title').inputValue(), 'Fix the test')
  await page.getByRole('button', { name: 'Push and open' }).click()
  await page.getByRole('button', { name: 'Yes' }).click()
  await until('the request', async () => asked.length === before + 2)
  t.match(asked.at(-1), { action: 'pull-request', title: 'Fix the test' })
  await page.getByLabel('Tell Claude what to change').fill('use the mirror')
  await page.getByRole('button', { name: 'Send to Claude' }).click()
  await until('the comment', async () => asked.length === before + 3)
  t.match(asked.at(-1), { action: 'comment', id, text: 'use the mirror' })

  const other = { ...commit, id: 'd'.repeat(40), subject: `second ${markup}` }
  const patch = `diff --git a/${markup} b/x\n@@ -0,0 +1 @@\n+${markup}\n`
  state.details = { ...state.details, id: other.id, message: markup, patch }
  state.onCommits?.({ ...state.commits, tip: other.id, commits: [other, commit] })
  await page.getByText('New commit in shop').waitFor()
  await page.getByRole('button', { name: `second ${markup}` }).click()
  await page.locator('.patch .plus').getByText(markup).waitFor()
  t.equal(await page.locator('img').count(), 0)

  // What was written about one session must not leave with another.
  await page.getByLabel('Title').fill('mine')
  await page.getByLabel('Tell Claude what to change').fill('half a sentence')
  await page.getByRole('button', { name: 'site', exact: true }).click()
  const branch = page.getByLabel('Branch')
  await until('its form', async () => (await branch.inputValue()) === 'claude/2026-11-30')
  t.equal(await page.getByLabel('Tell Claude what to change').inputValue(), '')
  await page.getByText('Pull request', { exact: true }).click()
  t.equal(await page.getByLabel('Title').inputValue(), 'Fix the test')
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  await page.getByText('to the branch claude/2026-11-30?').waitFor()
  await page.getByRole('button', { name: 'Yes' }).click()
  await until('the push', async () => asked.length === before + 4)
  t.match(asked.at(-1), { action: 'push', stack: state.stacks[1]?.stack })
  await page.getByRole('button', { name: 'shop', exact: true }).click()
  await until('the first form', async () => (await branch.inputValue()) === 'claude/other')
  t.equal(await page.getByLabel('Title').inputValue(), 'mine')

  state.onCommits?.({ ...state.commits, unlisted: 3 })
  await page.getByText('3 older commits are not shown').waitFor()
  t.notOk(await page.getByRole('button', { name: 'Push', exact: true }).isVisible())
  t.same(problems, [])
  state.commits = null
  await page.context().close()
})

t.test('without the token the page says what it needs, and asks the server nothing', async t => {
  const { page, problems } = await open(`http://127.0.0.1:${port}/`, desktop)
  await page.getByText('the address that the web command printed').waitFor()
  t.same(problems, [])
  await page.context().close()
})

t.test('the pictures of the documents are there', async t => {
  for (const name of ['web-changes', 'web-desktop', 'web-phone', 'web-question']) {
    const picture = await readFile(new URL(`../../docs/pictures/${name}.png`, import.meta.url))
    t.match(picture.subarray(1, 4).toString(), 'PNG', name)
  }
})
