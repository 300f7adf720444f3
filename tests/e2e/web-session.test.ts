import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { sessionStack } from '../../src/git/session-record.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'
import { desktop, startChromium } from '../support/web/chromium.ts'

// A git session in the page: its commits as they are made, and a push to a real repository.
const stack = await createTestStack(t, {
  files: { 'a.txt': 'one\n' },
  // Nothing of it asks the internet.
  settings: { EXTERNAL_SUBNET: '' },
  start: false,
})
const remote = join(await temporaryFolder(t, 'remote'), 'remote.git')
const asOwner = ['--reuid', String(owner), '--regid', String(owner), '--clear-groups']
const git = (...args: string[]) =>
  must('setpriv', [...asOwner, ...['git', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]], {
    cwd: stack.workspace,
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' },
  })
await must('git', ['init', '--quiet', '--bare', remote])
await git('init', '--quiet', '--initial-branch=main')
await git('add', 'a.txt')
await git('commit', '--quiet', '--message=first')
await git('remote', 'add', 'origin', remote)
const name = sessionStack(stack.workspace, 'one').name
t.teardown(() => removeStack(name))
const started = await stack.cli(['session', 'start', '--detach', '-n', 'one', '-b', 'claude/one'])
if (started.code !== 0) throw new Error(started.stderr)

const web = spawn(join(stack.checkout, 'claude.ts'), ['web', '--port', '0'], {
  cwd: stack.workspace,
  env: stack.env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(web, 'close')
t.teardown(async () => {
  web.kill('SIGINT')
  await ended
})
const [url = ''] = (await once(createInterface(web.stdout), 'line')) as [string]
const open = await startChromium(t, [Number(new URL(url).port)])
const { page, problems } = await open(url, desktop)
await page.getByRole('button', { name: 'one', exact: true }).click()
await page.getByRole('tab', { name: 'Changes' }).click()

const commit = (subject: string, script: string) =>
  must('docker', [
    ...['exec', `${name}-claude-1`, 'sh', '-euc'],
    `cd /workspace; ${script}; git add -A; git -c user.name=x -c user.email=x@x commit -qm "$1"`,
    ...['sh', subject],
  ])
const inRemote = async () =>
  (await run('git', ['--git-dir', remote, 'log', '--format=%s', 'claude/one'])).stdout

t.test('a commit is in the page as it is made, with its diff', async t => {
  await page.getByText('The session has no commit yet').waitFor()
  await commit('add <b>b</b>', "printf 'two\\n' > b.txt")
  await page.getByRole('button', { name: 'add <b>b</b>' }).click()
  await page.locator('.patch .plus').getByText('+two').waitFor()
  t.match(await page.locator('.files').textContent(), /b\.txt \+1/)
})

t.test('a push takes what was seen, and refuses what was not', async t => {
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  await page.getByText('Push 1 commits to the branch claude/one?').waitFor()
  await page.getByRole('button', { name: 'Yes' }).click()
  await until('the push', async () => (await inRemote()) === 'add <b>b</b>\nfirst\n')

  // The dialog is open while the agent makes another commit.
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  await commit('later', 'date > c.txt')
  await page.getByRole('button', { name: 'later' }).waitFor()
  await page.getByRole('button', { name: 'Yes' }).click()
  await page.getByText('the branch has changed since you looked at it').waitFor()
  t.equal(await inRemote(), 'add <b>b</b>\nfirst\n')
})

t.test('a comment is typed at Claude, and a discard removes the session', async t => {
  await until('Claude Code', async () => /^\s*[│>❯]/m.test(await screen()))
  await page.getByLabel('Tell Claude what to change').fill('use another name')
  await page.getByRole('button', { name: 'Send to Claude' }).click()
  await until('the comment', async () => /use another name/.test(await screen()))
  await page.getByRole('button', { name: 'Discard session' }).click()
  await page.getByRole('button', { name: 'Yes' }).click()
  const list = async () => JSON.parse((await stack.cli(['session', 'list', '--json'])).stdout)
  await until('the end of the session', async () => (await list()).sessions.length === 0)
  // The browser notes the push that was refused.
  t.match(problems, [/^console: .* 422 /])
  t.equal(problems.length, 1)
})

async function screen() {
  return (await page.locator('.xterm-rows > div').allTextContents()).join('\n')
}
