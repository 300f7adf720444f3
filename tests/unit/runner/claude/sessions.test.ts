import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  createSessions,
  findTranscript,
  hasTranscript,
} from '../../../../src/runner/claude/sessions.ts'

const id = '00000000-0000-4000-8000-000000000000'

t.test('the last session is stored per workspace', async t => {
  const folder = join(t.testdir({}), 'homes')
  const sessions = createSessions(folder)
  const a = { path: '/workspaces/a', key: 'a', home: join(folder, 'a'), temporary: '/tmp/a' }
  const b = { ...a, key: 'b' }
  t.equal(sessions.last(a), null)
  sessions.remember(a, id)
  t.equal(sessions.last(a), id)
  t.equal(sessions.last(b), null)
  writeFileSync(join(folder, 'a.session'), '--resume=x')
  t.equal(sessions.last(a), null, 'what is no id is none')
})

t.test('only conversations of the workspace are found', async t => {
  const home = t.testdir({ '.claude': { projects: { '-workspace': {}, other: {} } } })
  const workspace = { path: '/workspace', key: 'k', home, temporary: '/tmp/k' }
  const projects = join(home, '.claude/projects')
  t.notOk(hasTranscript(workspace, id))
  t.notOk(hasTranscript({ ...workspace, home: '/nonexistent' }, id))
  const path = join(projects, '-workspace', `${id}.jsonl`)
  symlinkSync('/etc/passwd', path)
  mkdirSync(join(projects, 'other', `${id}.jsonl`))
  t.notOk(hasTranscript(workspace, id), 'neither a link nor a folder')
  const second = '00000000-0000-4000-8000-000000000001'
  writeFileSync(join(projects, 'other', `${second}.jsonl`), '')
  t.notOk(hasTranscript(workspace, second), 'nor an empty file')
  writeFileSync(join(projects, 'other', `${second}.jsonl`), '{}\n')
  t.equal(findTranscript(workspace, second), join(projects, 'other', `${second}.jsonl`))
})
