import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { sessionStack } from '../../src/git/session-record.ts'
import { startForge } from '../support/forge/forge-stand-in.ts'
import { serveGit } from '../support/forge/git-server.ts'
import { runGit } from '../support/forge/repositories.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'
import { desktop, startChromium } from '../support/web/chromium.ts'

// The page shows the stacks of this user, also of other tests: this session has a name of its own.
// A git session in the page: its commits as they are made, and a push to a real repository.
const stack = await createTestStack(t, {
  files: { 'a.txt': 'one\n' },
  // Nothing of it asks the internet.
  settings: { EXTERNAL_SUBNET: '' },
  start: false,
})
const remotes = await temporaryFolder(t, 'remote')
const remote = join(remotes, 'ada/tools.git')
const asOwner = ['--reuid', String(owner), '--regid', String(owner), '--clear-groups']
const git = (...args: string[]) =>
  must('setpriv', [...asOwner, ...['git', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]], {
    cwd: stack.workspace,
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' },
  })
await must('git', ['init', '--quiet', '--bare', remote])
runGit(remote, 'config', 'http.receivepack', 'true')
// The push acts as the owner of the repository.
await chmod(remotes, 0o755)
await must('chown', ['-R', `${owner}:${owner}`, remote])
const token = 'token-that-writes'
let says: string | null = null
// A forge with its API and the repository.
const forge = await startForge(t, {
  kind: 'gitea',
  before(request, response) {
    const { method, url = '' } = request
    if (url.startsWith('/ada/tools.git/')) {
      serveGit({ root: remotes, login: `oauth2:${token}` }, request, response)
      return true
    }
    const [stored] = forge.state.repositories
    const refs = runGit(remote, 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)')
    for (const line of refs.split('\n')) {
      const [branch = '', commit = ''] = line.split(' ')
      stored?.branches.set(branch, commit)
    }
    if (method !== 'POST' || says === null) return false
    response.writeHead(403, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ message: says }))
    return true
  },
})
const { host } = new URL(forge.origin)
await git('init', '--quiet', '--initial-branch=main')
await git('add', 'a.txt')
await git('commit', '--quiet', '--message=first')
await git('remote', 'add', 'origin', remote)
const name = sessionStack(stack.workspace, 'paged').name
t.teardown(() => removeStack(name))
// The user's browser: notes the address of the page that it is given.
const bin = await temporaryFolder(t, 'bin')
const opened = join(bin, 'address')
const script = `sed -n 's/.*url=\\([^"]*\\)".*/\\1/p' "\${1#file://}" > ${opened}.new; mv ${opened}.new ${opened}`
await writeFile(join(bin, 'xdg-open'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
const start = ['session', 'start', '-n', 'paged', '-b', 'claude/paged', '--web']
const web = spawn(join(stack.checkout, 'claude.ts'), start, {
  cwd: stack.workspace,
  env: {
    ...stack.env,
    ...{ GITEA_SERVER_URL: `http://${host}`, GITEA_TOKEN: token },
    PATH: `${bin}:${process.env.PATH}`,
  },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const ended = once(web, 'close')
t.teardown(async () => {
  web.kill('SIGINT')
  await ended
})
const url = await until('the browser', async () =>
  (await readFile(opened, 'utf8').catch(() => '')).trim(),
)
const open = await startChromium(t, [Number(new URL(url).port)])
const { page, problems } = await open(url, desktop)
await page.getByRole('button', { name: 'paged', exact: true }).click()
await page.getByRole('tab', { name: 'Changes' }).click()

const commit = (subject: string, script: string) =>
  must('docker', [
    ...['exec', `${name}-claude-1`, 'sh', '-euc'],
    `cd /workspace; ${script}; git add -A; git -c user.name=x -c user.email=x@x commit -qm "$1"`,
    ...['sh', subject],
  ])
const inRemote = async () =>
  (await run('git', ['--git-dir', remote, 'log', '--format=%s', 'claude/paged'])).stdout

t.test('a commit is in the page as it is made, with its diff', async t => {
  await page.getByText('The session has no commit yet').waitFor()
  await commit('add <b>b</b>', "printf 'two\\n' > b.txt")
  await page.getByRole('button', { name: 'add <b>b</b>' }).click()
  await page.locator('.patch .plus').getByText('+two').waitFor()
  t.match(await page.locator('.files').textContent(), /b\.txt \+1/)
})

t.test('a push takes what was seen, and refuses what was not', async t => {
  await page.getByRole('button', { name: 'Push', exact: true }).click()
  await page.getByText('Push 1 commits to the branch claude/paged?').waitFor()
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

t.test('a pull request is opened at the forge, which may refuse it', async t => {
  const seen = async () => (await git('rev-parse', 'refs/claude/paged/branch')).trim()
  const tip = () => runGit(remote, 'rev-parse', 'refs/heads/claude/paged')
  await must('chown', ['-R', 'root:root', remote])
  await git('remote', 'set-url', 'origin', forge.remote)
  const [stored] = forge.state.repositories
  says = 'no <img src=x onerror=alert(1)>\u001b[31m'
  await page.getByText('Pull request', { exact: true }).click()
  await page.getByLabel('Title').fill('From the page')
  const open = async () => {
    await page.getByRole('button', { name: 'Push and open' }).click()
    await page.getByText('to the branch claude/paged and open a pull request?').waitFor()
    await page.getByRole('button', { name: 'Yes' }).click()
  }
  await open()
  const refusal = page.getByText('does not let this token open a pull request')
  await refusal.waitFor()
  const text = (await refusal.textContent()) ?? ''
  t.match(text, 'no <img src=x onerror=alert(1)>')
  t.match(text, /^origin, claude\/paged: updated, but 127\.0\.0\.1/)
  await page.getByText('give the token the right').waitFor()
  t.equal(tip(), await seen(), 'the commits have left all the same')
  t.same(stored?.requests, [])
  t.equal(await page.locator('img').count(), 0)

  says = null
  await open()
  await page.getByText(`pull request 1: ${forge.origin}/ada/tools/pulls/1`).waitFor()
  t.match(stored?.requests, [{ title: 'From the page', head: 'claude/paged', base: 'main' }])
  t.notMatch(await page.content(), token)
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
  // The browser notes the push and the pull request that were refused.
  t.match(problems, [/^console: .* 422 /, /^console: .* 422 /])
  t.equal(problems.length, 2)
})

async function screen() {
  return (await page.locator('.xterm-rows > div').allTextContents()).join('\n')
}
