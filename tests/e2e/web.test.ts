import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'
import { desktop, screenOf, startChromium } from '../support/web/chromium.ts'

const stack = await createTestStack(t)

// As the user starts it, with a port of its own.
const web = spawn(join(stack.checkout, 'claude.ts'), ['web', '--port', '0'], {
  cwd: stack.workspace,
  env: stack.env,
  stdio: ['ignore', 'pipe', 'pipe'],
})
const ended = once(web, 'close')
t.teardown(async () => {
  web.kill('SIGINT')
  await ended
})
let said = ''
web.stderr.on('data', chunk => {
  said += chunk
})
const [url = ''] = (await once(createInterface(web.stdout), 'line')) as [string]
const { port } = new URL(url)
const open = await startChromium(t, [Number(port)])
const { page, problems } = await open(url, desktop)
const screen = () => screenOf(page)
const ready = /^\s*[│>❯]/m

t.test('it listens on the loopback alone, and shows no token to other processes', async t => {
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/)
  const token = url.split('=')[1] ?? ''
  const listening = (await run('ss', ['-Hltn', `sport = :${port}`])).stdout
  t.match(listening, `127.0.0.1:${port}`)
  t.equal(listening.trim().split('\n').length, 1)
  t.notMatch((await run('ps', ['axeww', '-o', 'args'])).stdout, token)
  t.notMatch(said, token)
  const headers = ['-H', 'Host: evil.test', '-o', '/dev/null', '-w', '%{http_code}']
  t.match(await run('curl', ['-s', ...headers, `http://127.0.0.1:${port}/`]), { stdout: '403' })
})

t.test('the session is typed into, resized, left, and redrawn', async t => {
  await until('Claude Code', async () => ready.test(await screen()))
  await page.locator('.pane').click()
  await page.keyboard.type('[[say from-the-page]]')
  await page.keyboard.press('Enter')
  // What was typed and not sent would be lost to an Escape, as which Claude Code can read half a sequence.
  const answered = async () => /^● from-the-page/m.test(await screen())
  await until('the answer', answered)
  await page.setViewportSize({ width: 1600, height: 900 })
  await until('the answer, drawn again', answered)
  await page.reload()
  await until('the answer, after a reload', answered)

  const terminal = await stack.terminal(['start'])
  await terminal.waitFor(/^● from-the-page/m)
  await page.getByText('another terminal took it over').waitFor()
  await page.getByRole('button', { name: 'Open again' }).click()
  await until('the answer, taken back', answered)
  t.equal(await terminal.exitStatus(), 0)
})

t.test('a denied name is seen, and Allow opens it for this folder', async t => {
  const ask = () => stack.inside(['curl', '-sSk', '--max-time', '60', 'https://other.test/'])
  const denied = await ask()
  t.not(denied.code, 0)
  await page.getByRole('tab', { name: 'Network' }).click()
  await page.getByRole('button', { name: 'Allow other.test' }).first().click()
  await page.getByText('Let the agents of this folder reach other.test?').waitFor()
  await page.getByRole('button', { name: 'Yes' }).click()
  await page.getByText('added: other.test').waitFor()
  t.match((await ask()).stdout, 'reached-the-internet other.test')
  t.match((await stack.cli(['allowlist'])).stdout, /in this folder only:.*\n\s+other\.test/)
  await page.getByRole('button', { name: 'Deny other.test' }).first().click()
  await page.getByText('removed: other.test').waitFor()
  t.notMatch((await ask()).stdout, 'reached-the-internet')
})

t.test('a question of a run is answered in the page', async t => {
  const questions = [
    {
      ...{ question: 'Which colour?', header: 'Colour', multiSelect: false },
      options: [
        { label: 'red', description: 'warm' },
        { label: 'blue', description: 'cold' },
      ],
    },
  ]
  const prompt = `[[tool AskUserQuestion ${JSON.stringify({ questions })}]]`
  const { stdout, stderr, code } = await stack.cli(['run', '--detach', '--no-continue', prompt])
  t.equal(code, 0, stderr)
  await page.getByRole('tab', { name: 'Runs' }).click()
  await page.getByLabel('blue').check()
  await page.getByRole('button', { name: 'Answer', exact: true }).click()
  const result = await stack.cli(['run', 'result', stdout.trim(), '--wait'])
  t.match(result, { code: 0, stdout: /blue/ })
  await page.getByRole('tab', { name: 'Usage' }).click()
  await page.locator('.usage table').waitFor()
})

t.test('its page is strict: nothing was refused, and nothing came from elsewhere', async t => {
  t.same(problems, [])
})

t.test('Ctrl-C ends the page, and the session goes on', async t => {
  web.kill('SIGINT')
  t.same(await ended, [0, null], said)
  t.equal((await stack.inside(['pgrep', '-x', 'claude'])).code, 0)
})
