import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { readUserIgnore } from '../../../../src/workspace/ignore/git-files.ts'

t.test("the user's own ignore file counts behind a symlink too", async t => {
  const home = t.testdir({
    dotfiles: { ignore: 'secret.env\n', named: '*.key\n' },
    '.config': { git: { ignore: t.fixture('symlink', '../../dotfiles/ignore') } },
    '.named': t.fixture('symlink', 'dotfiles/named'),
  })
  useEnvironment(t, { HOME: home, XDG_CONFIG_HOME: '' })
  t.equal(await readUserIgnore(), 'secret.env\n')
  await writeFile(join(home, '.gitconfig'), '[core]\n excludesFile = ~/.named\n')
  t.equal(await readUserIgnore(), '*.key\n')
})

t.test("an ignore file that the system's configuration names counts", async t => {
  const git = (await promisify(execFile)('sh', ['-c', 'command -v git'])).stdout.trim()
  const home = t.testdir({
    bin: { git: `#!/bin/sh\nGIT_CONFIG_SYSTEM="$HOME/system" exec '${git}' "$@"\n` },
    ignore: '*.pem\n',
    system: '[core]\n excludesFile = ~/ignore\n',
  })
  await chmod(join(home, 'bin/git'), 0o755)
  useEnvironment(t, { HOME: home, XDG_CONFIG_HOME: '', PATH: `${home}/bin:${process.env.PATH}` })
  t.equal(await readUserIgnore(), '*.pem\n')
})

function useEnvironment(t: Test, values: Record<string, string>) {
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of Object.keys(values)) delete process.env[name]
    Object.assign(process.env, before)
  })
  Object.assign(process.env, values)
}
