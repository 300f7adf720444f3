import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readRunnerToken } from '../../../src/run/runner-token.ts'

t.test('the token of a file is read without its newline', async t => {
  const folder = t.testdir({ token: `${'0f'.repeat(32)}\n` })
  t.equal(await readRunnerToken(join(folder, 'token')), '0f'.repeat(32))
})

t.test('a short token, one that is no header, and a symlink are refused', async t => {
  const folder = t.testdir({
    short: 'short\n',
    lines: `${'x'.repeat(20)}\r\nx-other: header\n`,
    long: 'x'.repeat(5_000),
    folder: {},
  })
  symlinkSync('long', join(folder, 'link'))
  for (const name of ['short', 'lines', 'long', 'folder', 'link', 'missing']) {
    await t.rejects(readRunnerToken(join(folder, name)), {
      message: `${join(folder, name)} does not contain a token of at least 16 characters`,
      hint: /random token/,
    })
  }
})
