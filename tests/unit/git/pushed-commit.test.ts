import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { notePushed, readPushed } from '../../../src/git/pushed-commit.ts'

const stack = 'claude-secure-app-00000001'

t.test('the newest pushed commit of a session is kept', async t => {
  const root = t.testdir({ stacks: { [stack]: {} } })
  t.equal(await readPushed(stack, root), null)
  for (const commit of ['a'.repeat(40), 'b'.repeat(64)]) {
    await notePushed(stack, commit, root)
    t.equal(await readPushed(stack, root), commit)
  }
})

t.test(
  'a file with other text names no commit: clean would take it for an option of git',
  async t => {
    const root = t.testdir({ stacks: { [stack]: {} } })
    await mkdir(join(root, 'stacks', stack), { recursive: true })
    await writeFile(join(root, 'stacks', stack, 'pushed-commit'), '--all\n')
    t.equal(await readPushed(stack, root), null)
  },
)
