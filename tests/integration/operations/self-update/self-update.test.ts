import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { saveKept } from '../../../../src/operations/self-update/interrupted.ts'
import { selfUpdate } from '../../../../src/operations/self-update/self-update.ts'
import { temporaryFolder } from '../../../support/stack/checkout.ts'

const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'gc.auto=0']

function git(where: string, ...args: string[]) {
  return execFileSync('git', ['-C', where, ...identity, ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

function publishIn(origin: string, files: Record<string, string>, subject: string) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(origin, name, '..'), { recursive: true })
    writeFileSync(join(origin, name), text)
  }
  git(origin, 'add', '--all')
  git(origin, 'commit', '--quiet', '--message', subject)
  return readFileSync(join(origin, '.git/refs/heads/main'), 'utf8').trim()
}

const template = await makeTemplate()

/** A repository and its clone, made once: git starts a dozen programs for them. */
async function makeTemplate() {
  const folder = await temporaryFolder(t, 'self-update')
  const origin = join(folder, 'origin')
  mkdirSync(origin)
  // Without git's sample hooks, which each test would copy.
  git(origin, 'init', '--quiet', '--template=', '--initial-branch=main')
  const files = {
    'CHANGELOG.md': '# Changelog\n\n- old\n',
    'proxy/squid.conf': 'acl list\n\nmiddle\n\nend\n',
    'code.ts': '1\n',
    'additions/a.sh': 'a\n',
    '.gitignore': '.env\n',
  }
  publishIn(origin, files, 'feat: the first')
  git(folder, 'clone', '--quiet', '--template=', origin, join(folder, 'checkout'))
  return folder
}

/** A repository that publishes versions, and a checkout that follows it. */
async function setUp(t: Test) {
  const folder = await temporaryFolder(t, 'self-update')
  cpSync(template, folder, { recursive: true })
  const origin = join(folder, 'origin')
  const root = join(folder, 'checkout')
  const config = join(root, '.git/config')
  writeFileSync(config, readFileSync(config, 'utf8').replace(template, folder))
  const publish = (files: Record<string, string>, subject = 'feat: something new') =>
    publishIn(origin, files, subject)
  const asked: string[] = []
  const shown: string[] = []
  const run = ({ yes = true, dryRun = false, answer = true } = {}) =>
    selfUpdate({
      ...{ root, yes, dryRun, log: () => {}, signal: new AbortController().signal },
      async confirm(question) {
        asked.push(question)
        return answer
      },
      show: ({ commits, lines }) => void shown.push(`${commits}`, ...lines),
    })
  const read = (name: string) => readFileSync(join(root, name), 'utf8')
  const write = (name: string, text: string) => writeFileSync(join(root, name), text)
  const head = () => git(root, 'rev-parse', 'HEAD').trim()
  return { root, origin, publish, run, read, write, head, asked, shown }
}

t.test('the new version is shown, asked about, and installed', async t => {
  const { publish, run, read, head, asked, shown } = await setUp(t)
  t.same(await run(), { kind: 'current' })
  const before = head()
  const to = publish({ 'CHANGELOG.md': '# Changelog\n\n- new\n- old\n', 'code.ts': '2\n' })
  t.same(await run({ yes: false, answer: false }), { kind: 'available' })
  t.same(asked, ['Update claude-secure?'])
  t.same(shown, ['1', '- new'])
  t.same(await run({ dryRun: true }), { kind: 'available' })
  t.equal(head(), before)
  t.equal(read('code.ts'), '1\n', 'until then nothing is changed')
  t.same(await run(), {
    ...{ kind: 'updated', from: before.slice(0, 12), to: to.slice(0, 12), kept: [] },
  })
  t.equal(read('code.ts'), '2\n')
})

t.test('text of the remote reaches no terminal as it is', async t => {
  const { publish, run, shown } = await setUp(t)
  publish({ 'code.ts': '2\n' }, 'feat: \x1b]0;owned\x07\x1b[31mred')
  publish({ 'CHANGELOG.md': `# Changelog\n\n- \x1b[2Jnew\x9b31m\u202e\n- old\n` })
  await run({ dryRun: true })
  publish({ 'CHANGELOG.md': '# Changelog\n' })
  await run({ dryRun: true })
  t.equal(shown.length > 3, true)
  t.notMatch(shown.join('\n'), /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
})

t.test('changes of squid.conf, additions, .env and files of the user are kept', async t => {
  const { publish, run, read, write } = await setUp(t)
  write('.env', 'ANTHROPIC_API_KEY=mine\n')
  write('own-notes.txt', 'mine\n')
  write('proxy/squid.conf', 'acl list my.example\n\nmiddle\n\nend\n')
  write('additions/a.sh', 'mine\n')
  publish({ 'proxy/squid.conf': 'acl list\n\nmiddle\n\nnew end\n', 'code.ts': '2\n' })
  t.match(await run(), { kind: 'updated', kept: ['additions/a.sh', 'proxy/squid.conf'] })
  t.equal(read('proxy/squid.conf'), 'acl list my.example\n\nmiddle\n\nnew end\n')
  t.equal(read('additions/a.sh'), 'mine\n')
  t.equal(read('.env'), 'ANTHROPIC_API_KEY=mine\n')
  t.equal(read('own-notes.txt'), 'mine\n')
  t.equal(read('code.ts'), '2\n')
})

t.test('an update that was killed gives the files back at the next one', async t => {
  const { root, publish, run, read, write, head } = await setUp(t)
  const [from, path] = [head(), 'proxy/squid.conf']
  const mine = 'acl list my.example\n\nmiddle\n\nend\n'
  const merged = 'acl list my.example\n\nmiddle\n\nnew end\n'
  const to = publish({ [path]: 'acl list\n\nmiddle\n\nnew end\n' })
  const files = [{ path, mine, merged, mode: 0o600 }]
  // Killed before git merged.
  await saveKept(root, files, { from, to })
  t.match(await run(), { kind: 'updated', kept: [path] })
  t.equal(read(path), merged)
  t.equal(statSync(join(root, path)).mode & 0o777, 0o600)
  // Killed after it.
  await saveKept(root, files, { from, to })
  git(root, 'checkout', '--quiet', 'HEAD', '--', path)
  t.same(await run(), { kind: 'current' })
  t.equal(read(path), merged)
  // Edited since.
  await saveKept(root, files, { from, to })
  write(path, 'newer\n')
  await run()
  t.equal(read(path), 'newer\n')
  t.notOk(existsSync(join(root, '.build/self-update')))
})

t.test('a conflict in a kept file is refused before anything is changed', async t => {
  const { publish, run, read, write, head, shown } = await setUp(t)
  const before = head()
  write('proxy/squid.conf', 'mine\n\nmiddle\n\nend\n')
  publish({ 'proxy/squid.conf': 'theirs\n\nmiddle\n\nend\n', 'code.ts': '2\n' })
  await t.rejects(run(), {
    message: 'proxy/squid.conf was changed here and in the new version',
    hint: /git checkout HEAD -- proxy\/squid\.conf/,
  })
  t.equal(head(), before)
  t.equal(read('proxy/squid.conf'), 'mine\n\nmiddle\n\nend\n')
  t.same(shown, [])
})

t.test('other local changes and own commits are refused', async t => {
  const { root, publish, run, write, read } = await setUp(t)
  publish({ 'code.ts': '2\n' })
  write('code.ts', 'mine\n')
  await t.rejects(run(), { message: 'the checkout has local changes: code.ts', hint: /commit/ })
  t.equal(read('code.ts'), 'mine\n')
  git(root, 'commit', '--all', '--quiet', '--message', 'mine')
  await t.rejects(run(), { message: 'the checkout has 1 commit that origin/main lacks' })
  git(root, 'switch', '--quiet', '--detach')
  await t.rejects(run(), /is at a commit and on no branch/)
  git(root, 'switch', '--quiet', '--create', 'alone')
  await t.rejects(run(), /the branch alone follows no other branch/)
})

t.test('an untracked file in the way keeps everything as it was', async t => {
  const { publish, run, read, write } = await setUp(t)
  write('proxy/squid.conf', 'acl list my.example\n\nmiddle\n\nend\n')
  write('new.ts', 'mine\n')
  publish({ 'new.ts': 'theirs\n', 'proxy/squid.conf': 'acl list\n\nmiddle\n\nnew end\n' })
  await t.rejects(run(), /the checkout was not updated/)
  t.equal(read('new.ts'), 'mine\n')
  t.equal(read('proxy/squid.conf'), 'acl list my.example\n\nmiddle\n\nend\n')
})

t.test('no hook of the checkout runs', async t => {
  const { root, publish, run } = await setUp(t)
  const mark = join(root, 'ran')
  mkdirSync(join(root, '.git/hooks'))
  for (const hook of ['post-merge', 'post-checkout', 'reference-transaction']) {
    writeFileSync(join(root, '.git/hooks', hook), `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 })
  }
  publish({ 'code.ts': '2\n' })
  t.match(await run(), { kind: 'updated' })
  t.notOk(existsSync(mark))
})

t.test('a folder that is not a checkout, and a remote that does not answer, are named', async t => {
  const { root, origin, run } = await setUp(t)
  git(root, 'remote', 'set-url', 'origin', join(origin, 'nowhere'))
  await t.rejects(run(), { message: /^cannot fetch the new version: /, hint: /git remote -v/ })
  git(root, 'config', 'remote.origin.url', '--upload-pack=touch owned')
  await t.rejects(run(), /cannot fetch/)
  t.notOk(existsSync(join(root, 'owned')))
  const plain = { ...{ yes: true, dryRun: false, log: () => {}, show: () => {} } }
  await t.rejects(
    selfUpdate({
      ...plain,
      root: await temporaryFolder(t, 'plain'),
      signal: new AbortController().signal,
      confirm: async () => true,
    }),
    /is not a git checkout/,
  )
})
