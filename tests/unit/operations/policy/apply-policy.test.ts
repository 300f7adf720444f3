import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { LogEvent } from '../../../../src/base/log.ts'
import { updateGitHosts } from '../../../../src/operations/policy/apply-policy.ts'
import { gitHostsFolder } from '../../../../src/stack/additions/git.ts'
import { makeStateFolder, stateFolder } from '../../../../src/stack/state/state-folder.ts'

const lists = ['gateway_sites', 'server_sites', 'login_sites']
const conf = (names: string) =>
  [
    `acl allowed_sites dstdomain -n ${names}`,
    ...lists.map(list => `acl ${list} dstdomain -n`),
    '',
  ].join('\n')

t.test('git in a running stack learns the open names; an older stack is left alone', async t => {
  const folder = t.testdir({ state: {}, root: { proxy: { 'squid.conf': conf('git.test') } } })
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = join(folder, 'state')
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const [state, older] = [stateFolder('claude-secure-a'), stateFolder('claude-secure-b')]
  await makeStateFolder(state)
  await makeStateFolder(older)
  await mkdir(gitHostsFolder(state))
  const said: LogEvent[] = []
  const update = () =>
    updateGitHosts(join(folder, 'root'), ['claude-secure-a', 'claude-secure-b'], event => {
      said.push(event)
    })
  const file = join(gitHostsFolder(state), 'hosts.gitconfig')
  await update()
  t.match(await readFile(file, 'utf8'), 'insteadOf = git@git.test:')
  await t.rejects(access(gitHostsFolder(older)), { code: 'ENOENT' })
  await writeFile(join(folder, 'root/proxy/squid.conf'), conf(''))
  await update()
  t.equal(await readFile(file, 'utf8'), '', 'a denied name is gone')
  await writeFile(join(folder, 'root/proxy/squid.conf'), 'acl allowed_sites dstdomain -n -i x\n')
  await update()
  t.match(said, [
    { kind: 'warn', text: /git in claude-secure-a will know the new hosts at the next start/ },
  ])
})
