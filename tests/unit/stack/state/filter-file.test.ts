import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkoutRoot } from '../../../../src/config/paths.ts'
import { exec } from '../../../../src/process/exec.ts'
import { permitStart, writeFilterEvidence } from '../../../../src/stack/state/filter-file.ts'

const entrypoint = join(checkoutRoot(), 'claude/scripts/claude-secure-when-filtered')
const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
const other = boot.replace(/^./, first => (first === '0' ? '1' : '0'))

/** Runs the agent's entrypoint with this file, and returns whether it started the command. */
async function starts(file: string) {
  const { code, stdout, stderr } = await exec('perl', [entrypoint, file, 'echo', 'started'], {
    timeout: 30_000,
  })
  if (code === 0) return stdout === 'started\n'
  t.match({ code, stdout }, { code: 78, stdout: '' })
  t.match(stderr, /not started, because the host may accept datagrams/)
  return false
}

t.test(
  'a container starts while `start` is at work, and not by what a killed one left',
  async t => {
    const filter = join(t.testdir({}), 'filter')
    await permitStart({ filter })
    t.equal(await starts(filter), true)
    await permitStart({ filter }, Date.now() - 3_600_000)
    t.equal(await starts(filter), false)
  },
)

t.test('a container starts in the boot in which the filter was on, and in no other', async t => {
  const filter = join(t.testdir({}), 'filter')
  await writeFilterEvidence({ filter }, { boot, ask: null })
  t.equal(await starts(filter), true)
  await writeFilterEvidence({ filter }, { boot: other, ask: null })
  t.equal(await starts(filter), false)
})

t.test('a container without evidence does not start', async t => {
  const folder = t.testdir({ empty: '', odd: `boot\nboot ${boot} \nstarting never\nask me\n` })
  for (const name of ['missing', 'empty', 'odd']) t.equal(await starts(join(folder, name)), false)
  const filter = join(folder, 'filter')
  await writeFilterEvidence({ filter }, { boot: null, ask: null })
  t.equal(await starts(filter), false)
})

t.test(
  'the agent reads the file, regardless of the umask, and it is written only when it differs',
  async t => {
    const filter = join(t.testdir({}), 'filter')
    const before = process.umask(0o077)
    await writeFilterEvidence({ filter }, { boot, ask: '172.20.0.1' })
    process.umask(before)
    const first = await stat(filter)
    t.equal(first.mode & 0o777, 0o644)
    await writeFilterEvidence({ filter }, { boot, ask: '172.20.0.1' })
    t.equal((await stat(filter)).ino, first.ino)
    await writeFile(filter, 'starting 1\n')
    await writeFilterEvidence({ filter }, { boot, ask: null })
    t.equal(await readFile(filter, 'utf8'), `boot ${boot}\n`)
  },
)
