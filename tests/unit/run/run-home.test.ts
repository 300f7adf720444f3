import t from 'tap'
import { runConfig, runHomes, workspaceKey } from '../../../src/run/run-home.ts'

t.test('no two folders share a key, and a key is one plain name', async t => {
  t.not(workspaceKey('/workspaces/a b'), workspaceKey('/workspaces/a-b'))
  t.match(workspaceKey(`/workspaces/${'ü '.repeat(100)}`), /^[A-Za-z0-9-]{1,60}$/)
})

t.test('the settings of runs are in the home of their workspace', async t => {
  const home = `${runHomes}/${workspaceKey('/workspace')}`
  t.equal(runConfig(home), '/home/claude/workspaces/workspace-c52ddf65534b/.claude')
})
