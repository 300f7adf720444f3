// exclusive: fills a disk
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { isTwoLines } from '../../support/stack/control-script.ts'
import { must, run } from '../../support/stack/process.ts'

const stack = await createChaosStack(t)
const state = stack.env.XDG_STATE_HOME ?? ''

/** A disk of its own, with what was in the folder, and not a byte free. */
async function fullDisk(t: Test, folder: string) {
  const aside = await temporaryFolder(t, 'aside')
  await must('cp', ['-a', `${folder}/.`, aside])
  await must('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
  const free = async () => void (await run('umount', [folder]))
  t.teardown(free)
  await must('cp', ['-a', `${aside}/.`, folder])
  await run('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=4k'])
  return free
}

/** Every file below a folder, by name and content. */
async function contentOf(folder: string) {
  return must('sh', [
    '-c',
    'cd "$0" && find . -type f ! -name filler -exec sha256sum {} + | sort',
    folder,
  ])
}

t.test('the state disk is full: start says so, and existing files stay intact', async t => {
  const settings = join(stack.checkout, '.env')
  const before = await readFile(settings, 'utf8')
  const stacks = join(state, 'claude-secure/stacks')
  const files = await contentOf(stacks)
  // Another setting, so that start has something to write.
  await writeFile(settings, `${before}AGENT_PIDS=300\n`)
  const free = await fullDisk(t, stacks)
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /cannot write \S+ \(ENOSPC\)/,
    hint: /check the free space/,
  })
  t.equal(await contentOf(stacks), files, 'no file was changed, and none is half written')
  await free()
  await writeFile(settings, before)
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  await stack.aftermath(t)
})

t.test('the disk is full before the first start: no partial credential is left', async t => {
  const empty = await temporaryFolder(t, 'state')
  await must('mkdir', ['-p', join(empty, 'claude-secure/stacks', stack.stack)])
  const free = await fullDisk(t, empty)
  const env = { ...stack.env, XDG_STATE_HOME: empty }
  const program = join(stack.checkout, 'claude.ts')
  const outcome = await run(program, ['start', '--detach'], { cwd: stack.workspace, env })
  isTwoLines(t, outcome, { error: /cannot write \S+ \(ENOSPC\)/, hint: /check the free space/ })
  t.equal(await contentOf(empty), '')
  await free()
})

t.test('the cache disk is full: start works without it', async t => {
  const cache = await temporaryFolder(t, 'cache')
  await fullDisk(t, cache)
  const program = join(stack.checkout, 'claude.ts')
  const env = { ...stack.env, XDG_CACHE_HOME: cache }
  const { code, stderr } = await run(program, ['start', '--detach'], { cwd: stack.workspace, env })
  t.equal(code, 0, stderr)
})

t.test("the agent's scratch space is full: Claude Code says so, and the rest goes on", async t => {
  await stack.withoutEgress(t, async () => {
    const { stderr } = await stack.inside(['sh', '-c', 'head -c 2G /dev/zero > /tmp/full'])
    t.match(stderr, /No space left/)
    const { stdout } = await stack.ask('[[say still here]]')
    t.notMatch(stdout, stack.secret)
    await stack.inside(['rm', '/tmp/full'])
    await stack.untilHealthy('proxy', 'gateway', 'claude')
  })
  await stack.aftermath(t)
})

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
