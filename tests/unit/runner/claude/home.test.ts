import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { answerFirstRun, firstRunAnswers } from '../../../../src/runner/claude/home.ts'

const key = 'sk-ant-api03-placeholder-0123456789'
const known = key.slice(-20)
const config = (folder: string) => JSON.parse(readFileSync(join(folder, '.claude.json'), 'utf8'))

t.test('the first-run questions of an empty home are answered', async t => {
  const folder = join(t.testdir({}), 'a/.claude')
  answerFirstRun(folder, '/workspace', key)
  t.match(config(folder), {
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [known], rejected: [] },
    projects: { '/workspace': { hasTrustDialogAccepted: true } },
  })
  t.equal(statSync(join(folder, '.claude.json')).mode & 0o777, 0o600)
  t.equal(statSync(folder).mode & 0o777, 0o700)
})

t.test('existing settings are kept, except a rejection of our key', async t => {
  const before = {
    theme: 'light',
    mine: 1,
    customApiKeyResponses: { approved: ['x'], rejected: [known, 'y'] },
    projects: { '/other': { a: 1 }, '/workspace': { b: 2 } },
  }
  t.strictSame(firstRunAnswers(before, '/workspace', key), {
    ...before,
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: ['x', known], rejected: ['y'] },
    projects: {
      '/other': { a: 1 },
      '/workspace': { b: 2, hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true },
    },
  })
  t.notOk('customApiKeyResponses' in firstRunAnswers({}, '/workspace', undefined))
})

t.test('anything that the agent put in its place is moved aside', async t => {
  const makers: Record<string, (path: string) => void> = {
    'no JSON': path => writeFileSync(path, '{'),
    'no object': path => writeFileSync(path, '[]'),
    'a folder': path => mkdirSync(join(path, 'x'), { recursive: true }),
    'a link': path => symlinkSync('/etc/passwd', path),
    'a pipe': path => execFileSync('mkfifo', [path]),
  }
  for (const [what, make] of Object.entries(makers)) {
    const folder = t.testdir({})
    make(join(folder, '.claude.json'))
    make(join(folder, '.claude.json.damaged'))
    answerFirstRun(folder, '/workspace', undefined)
    t.match(config(folder), { hasCompletedOnboarding: true }, what)
  }
})

t.test('a symlink in place of the folder is not followed', async t => {
  const root = t.testdir({ elsewhere: {} })
  symlinkSync(join(root, 'elsewhere'), join(root, '.claude'))
  answerFirstRun(join(root, '.claude'), '/workspace', undefined)
  t.match(config(join(root, '.claude')), { hasCompletedOnboarding: true })
  t.throws(() => config(join(root, 'elsewhere')), { code: 'ENOENT' })
})

t.test('a symlink in place of the new file is not written through', async t => {
  const root = t.testdir({ elsewhere: 'kept', home: {} })
  const folder = join(root, 'home')
  symlinkSync(join(root, 'elsewhere'), join(folder, `.claude.json.${process.pid}.tmp`))
  answerFirstRun(folder, '/workspace', undefined)
  t.equal(readFileSync(join(root, 'elsewhere'), 'utf8'), 'kept')
  t.ok(lstatSync(join(folder, '.claude.json')).isFile())
})
