import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readUserIgnore } from '../../../../src/workspace/ignore/git-files.ts'

t.test("the user's own ignore file counts behind a symlink too", async t => {
  const home = t.testdir({
    dotfiles: { ignore: 'secret.env\n', named: '*.key\n' },
    '.config': { git: { ignore: t.fixture('symlink', '../../dotfiles/ignore') } },
    '.named': t.fixture('symlink', 'dotfiles/named'),
  })
  const { HOME, XDG_CONFIG_HOME } = process.env
  t.teardown(() => Object.assign(process.env, { HOME, XDG_CONFIG_HOME }))
  Object.assign(process.env, { HOME: home, XDG_CONFIG_HOME: '' })
  t.equal(await readUserIgnore(), 'secret.env\n')
  await writeFile(join(home, '.gitconfig'), '[core]\n excludesFile = ~/.named\n')
  t.equal(await readUserIgnore(), '*.key\n')
})
