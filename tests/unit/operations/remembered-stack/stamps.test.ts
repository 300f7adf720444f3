import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  additionsStamp,
  checkoutStamp,
  overlayStamp,
} from '../../../../src/operations/remembered-stack/stamps.ts'

const checkout = {
  'compose.yaml': 'services',
  'pins.json': '{}',
  '.env': 'AGENT_CPUS=1',
  '.build': { bundle: { stamp: '' } },
  proxy: { 'squid.conf': 'acl' },
  claude: { Dockerfile: 'FROM', scripts: { seed: '#!' } },
  gateway: { Dockerfile: 'FROM' },
  additions: { Dockerfile: 'FROM' },
}

t.test('every input of a stack is in the stamp', async t => {
  const root = t.testdir(checkout)
  const before = await checkoutStamp(root, root, {})
  t.equal(await checkoutStamp(root, root, {}), before, 'nothing changed')
  for (const path of [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    'proxy/squid.conf',
    'claude/scripts/seed',
    'gateway/Dockerfile',
    'additions/Dockerfile',
    'proxy/new',
  ]) {
    const last = await checkoutStamp(root, root, {})
    await writeFile(join(root, path), `changed ${path}`)
    t.not(await checkoutStamp(root, root, {}), last, path)
  }
  await rm(join(root, '.env'))
  const without = await checkoutStamp(root, root, {})
  t.not(await checkoutStamp(root, root, { ANTHROPIC_API_KEY: 'sk-1' }), without, 'the environment')
})

t.test('a secret is in the stamp as a hash only', async t => {
  const root = t.testdir(checkout)
  t.notMatch(await checkoutStamp(root, root, { ANTHROPIC_API_KEY: 'sk-ant-secret' }), /secret/)
})

t.test(
  'a protected file that appears, disappears or is replaced needs a full start; a commit does not',
  async t => {
    const folder = t.testdir({ '.git': { HEAD: 'a', config: '' }, 'a.txt': '' })
    const before = overlayStamp(folder)
    const replace = async (path: string) => {
      await writeFile(join(folder, `${path}.new`), '')
      await rename(join(folder, `${path}.new`), join(folder, path))
    }
    await replace('.git/HEAD')
    await replace('a.txt')
    t.equal(overlayStamp(folder), before)
    await replace('.git/config')
    const replaced = overlayStamp(folder)
    t.not(replaced, before)
    await writeFile(join(folder, '.envrc'), '')
    t.not(overlayStamp(folder), replaced)
    await rm(join(folder, '.envrc'))
    t.equal(overlayStamp(folder), replaced)
  },
)

t.test('a linked worktree, where .git is a file, has a stamp too', async t => {
  const folder = t.testdir({ '.git': 'gitdir: /elsewhere/.git/worktrees/x\n' })
  const before = overlayStamp(folder)
  await writeFile(join(folder, '.envrc'), 'x')
  t.not(overlayStamp(folder), before)
})

t.test('a replaced file of the repository that a .git file names changes the stamp', async t => {
  const folder = t.testdir({
    wt: { '.git': 'gitdir: ../repo/.git/worktrees/wt\n' },
    repo: { '.git': { config: '', worktrees: { wt: { gitdir: '' } } } },
  })
  const stamp = () => overlayStamp(join(folder, 'wt'))
  const before = stamp()
  await writeFile(join(folder, 'repo/.git/config'), 'in place')
  t.equal(stamp(), before)
  await writeFile(join(folder, 'new'), '')
  await rename(join(folder, 'new'), join(folder, 'repo/.git/config'))
  t.not(stamp(), before)
})

t.test("a skill, the user's programs and git configuration are in the stamp", async t => {
  const folder = t.testdir({ custom: { 'always-skills': { one: { 'SKILL.md': 'a' } } }, home: {} })
  const custom = join(folder, 'custom')
  const stamp = () => additionsStamp(custom, folder, join(folder, 'home'))
  const seen = new Set([stamp()])
  t.equal(stamp(), [...seen][0], 'nothing changed')
  await writeFile(join(custom, 'always-skills/one/SKILL.md'), 'changed')
  seen.add(stamp())
  await writeFile(join(custom, 'always-skills/SKILL.md'), 'new')
  seen.add(stamp())
  await writeFile(join(folder, 'home/.gitconfig'), '[user]')
  seen.add(stamp())
  await writeFile(join(custom, 'bin'), '')
  seen.add(stamp())
  await mkdir(join(folder, 'claude-secure.config.json'))
  seen.add(stamp())
  t.equal(seen.size, 5, 'a placeholder is none of it')
  t.ok(
    additionsStamp(join(folder, 'nowhere'), folder),
    'a folder that is not there has a stamp too',
  )
})
