import t from 'tap'
import { runFolder, slugForm, workspaceSlug } from '../../../src/config/schedule-history.ts'

t.test("a workspace has claudebox's folder name, and never a way out of the history", async t => {
  t.equal(workspaceSlug('/workspaces'), 'workspaces')
  t.equal(workspaceSlug('/workspaces/my-app/api'), 'workspaces_my_app_api')
  t.equal(workspaceSlug('/'), 'workspace')
  for (const hostile of ['/workspaces/../..', '/workspaces/\n', `/${'/a'.repeat(900)}`, '新']) {
    t.match(workspaceSlug(hostile), slugForm, hostile)
  }
  const [one, other] = ['a', 'b'].map(end => workspaceSlug(`/workspaces/${'x'.repeat(300)}${end}`))
  t.not(one, other, 'long names stay apart')
})

t.test('the folder of a run has its time and its job', async t => {
  t.equal(runFolder.exec('20261130-090000-daily_1')?.[1], 'daily_1')
  t.equal(runFolder.exec('20261130-090000.2-a-b')?.[1], 'a-b')
  for (const other of ['.export-x', '20261130-090000-', '20261130-090000-a/b', '..']) {
    t.notMatch(other, runFolder)
  }
})
