/** A container does not know how the user calls claude-secure: its messages name the subcommand alone. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/stack/checkout.ts'

const folders = [
  'claude',
  'proxy',
  'additions',
  'gateway',
  'src/runner',
  'src/git-front',
  'src/gateway',
]

t.test('no message that is made in a container names the path of the control script', async t => {
  const files = folders.flatMap(folder =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .map(path => join(folder, path))
      .filter(path => statSync(join(repository, path)).isFile()),
  )
  t.ok(files.length > 60, `${files.length} files`)
  const found = files.filter(file =>
    /claude\.ts [a-z]/.test(readFileSync(join(repository, file), 'utf8')),
  )
  t.same(found, [])
})
