import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// What a person sees of a copy that takes long to read. Sparse files take no room, and their full size to read.
const stack = await createTestStack(t, {
  workspaceOwner: 0,
  files: { 'a.txt': 'one\n' },
})
const agent = (script: string) => stack.inside(['sh', '-euc', `cd /workspace; ${script}`])

/** All that a command could leave: containers, networks and volumes, its state, and temporary files. */
async function remains() {
  const state = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure')
  const ofStack = `label=com.docker.compose.project=${stack.stack}`
  const lists = await Promise.all(
    ['container', 'network', 'volume'].map(kind =>
      must('docker', [kind, 'ls', '--quiet', '--filter', ofStack]),
    ),
  )
  const processes = (await must('ps', ['-eo', 'args'])).split('\n')
  return {
    lists,
    temporary: (await readdir(temporary)).sort(),
    state: (await readdir(state, { recursive: true })).sort(),
    workspace: (await readdir(stack.workspace)).sort(),
    processes: processes.filter(line => line.includes(`${stack.checkout}/.build/bundle`)),
  }
}
// Of its own: other tests run side by side.
const temporary = await temporaryFolder(t, 'tmp')
stack.env.TMPDIR = temporary

t.test('diff and apply show how far they are, and Ctrl-C ends them at once', async t => {
  // Ten files of 4 GiB, below the limit for one file.
  await agent('for i in 0 1 2 3 4 5 6 7 8 9; do truncate -s 4G sparse-$i; done; echo two > a.txt')
  const clean = await remains()
  for (const command of [['diff'], ['apply']]) {
    const what = command.join(' ')
    const terminal = await stack.terminal(command, { columns: 80 })
    const counted = /… reading the copy( \d+ s)?: \d+ files?, \d+\.\d [MG]B/
    const shown = await terminal.waitFor(counted)
    // The figures grow within a file, too.
    const first = shown.match(counted)?.[0] ?? ''
    await terminal.waitFor(
      new RegExp(`^(?!.*${first.replaceAll(/[.()]/g, '\\$&')}).*reading the copy.*B`, 'm'),
    )
    await terminal.press('C-c')
    t.equal(await terminal.exitStatus(), 130, what)
    const screen = await terminal.screen()
    t.match(screen, /^interrupted; run the command again/m, what)
    t.notMatch(screen, /^\s+at .*:\d+:\d+/m, 'no stack trace')
    t.same(await remains(), clean, `${what} leaves nothing behind`)
  }
  t.equal((await agent('cat a.txt')).stdout, 'two\n', 'and the stack goes on')
})

t.test('one file of 40 GB is refused by its name, without reading it', async t => {
  await agent('rm sparse-*; truncate -s 40G disk.img')
  for (const command of [['diff'], ['apply']]) {
    isTwoLines(t, await stack.cli(command), {
      error: /the agent made disk\.img in the copy as large as 40 GiB, more than 4 GiB/,
      hint: /shell and remove it or make it smaller/,
    })
  }
  await agent('rm disk.img')
  t.match((await stack.cli(['diff'])).stdout, /^\+two$/m)
})

t.test('apply shows the size of what it fetches', async t => {
  // Larger than what is kept in memory from the first reading, and than what is fetched before the key comes.
  await agent('truncate -s 3G zeros.bin')
  const terminal = await stack.terminal(['apply'], { columns: 80, rows: 60 })
  await terminal.waitFor(/… fetching the changes( \d+ s)?: \d+ files?, \d+\.\d [MG]B/)
  await terminal.press('C-c')
  t.equal(await terminal.exitStatus(), 130)
  t.same((await readdir(stack.workspace)).sort(), ['a.txt'], 'nothing was applied')
})
