import t from 'tap'
import { renderPlan } from '../../../../src/cli/commands/uninstall.ts'
import type { UninstallPlan } from '../../../../src/operations/uninstall/plan.ts'
import type { Remains } from '../../../../src/stack/remains.ts'

const remains = (
  id: string,
  copy: Remains['copy'],
  state: 'up' | 'stopped' = 'stopped',
): Remains => ({
  stack: {
    ...{ id, stack: `claude-secure-app-${id}`, workspace: `/home/me/${id}`, kind: 'folder', state },
    ...{ workspaceMode: 'mount', credentials: null, created: null, session: null, runs: 0 },
    ...{ services: [], volumes: [], bytes: null, ours: true },
  },
  ...{ homes: 1, data: [], copy, runs: 0, applies: 0, own: { list: false, settings: false } },
})

const work = { kind: 'unapplied', changes: 2, git: false, commits: false, digest: 'x' } as const
const plan: UninstallPlan = {
  stacks: [remains('00000001', null, 'up'), remains('00000002', work)],
  others: [remains('00000003', null).stack],
  images: ['claude-secure/claude:1'],
  folders: ['/home/me/.local/state/claude-secure'],
  withdrawn: ['/state/\x1b]0;owned\x07'],
  left: ['/opt/claude-secure'],
}

t.test('the plan tells what goes from what stays', async t => {
  t.same(renderPlan(plan), [
    'stacks, with their volumes; 1 running, to be stopped first:',
    '  00000001  /home/me/00000001',
    "    conversations, and the agent's home",
    'kept, because a copy is kept, images:',
    '  claude-secure/claude:1',
    'folders with state, usage and downloads:',
    '  /home/me/.local/state/claude-secure',
    'kept, because the changes in the copy are not applied:',
    '  00000002  /home/me/00000002',
    '    the copy of the folder, with 2 unapplied changes',
    "    conversations, and the agent's home",
    'kept, files moved out of a workspace:',
    `  ${renderPlan(plan)
      .find(line => line.startsWith('  /state/'))
      ?.trim()}`,
    'not touched, stacks of other users:',
    '  00000003  /home/me/00000003',
    'not touched, yours to delete:',
    '  /opt/claude-secure',
  ])
  t.notMatch(renderPlan(plan).join('\n'), /\x1b|\x07/)
})

t.test('with --force nothing is kept', async t => {
  const lines = renderPlan(plan, { force: true }).join('\n')
  t.notMatch(lines, /kept/)
  t.match(lines, /^images of this checkout:$/m)
  t.match(lines, /2 unapplied changes/)
})
