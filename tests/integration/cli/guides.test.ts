/** The lines of docs/guides for cron and systemd, in the environment that each of them gives a command. */
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { repository, temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'
import { owner } from '../../support/stack/test-stack.ts'

const guide = (name: string) => readFile(join(repository, 'docs/guides', name), 'utf8')
const user = ['setpriv', `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', 'env', '-i']
const asUser = process.getuid?.() === 0 ? user : ['env', '-i']
// No engine: each line gets past its arguments, its files and the settings, and no further.
const engine = 'DOCKER_HOST=unix:///nowhere/docker.sock'

/** The project of the guides with its prompt, and the home of the user who owns it. */
async function project(t: Test) {
  const place = await temporaryFolder(t, 'guide')
  const home = join(place, 'home')
  const folder = join(place, 'project')
  await mkdir(join(folder, '.prompts'), { recursive: true })
  await mkdir(home)
  await writeFile(join(folder, '.prompts/morning.md'), 'Good morning.\n')
  await chmod(place, 0o755)
  if (process.getuid?.() === 0) {
    for (const path of [home, folder]) await chown(path, owner, owner)
  }
  return { folder, home }
}

/** A checkout of root, which others may read but not write, as in /opt. */
const { checkout, run: asOwner } = await createControlScript(t)
await chmod(checkout, 0o755)
const settings = `ANTHROPIC_API_KEY=sk-ant-api03-${'x'.repeat(60)}\n`
await writeFile(join(checkout, '.env'), settings, { mode: 0o600 })
if (process.getuid?.() === 0) await chown(join(checkout, '.env'), owner, owner)
t.match(await asOwner(['--version']), { code: 0 })

/** Fails for arguments (2) and for a file; only the engine is left to fail for. */
const noEngine = { error: /cannot reach|no container engine|nowhere\/docker\.sock/, hint: /./ }

t.test("cron's line runs as the owner of the project and writes its log", async t => {
  const { folder, home } = await project(t)
  const line = /^0 6 \* \* \* (.*)$/m.exec(await guide('cron.md'))?.[1] ?? ''
  t.match(line, /claude\.ts run /)
  t.notMatch(line, /%/, '% ends a line of a crontab')
  const command = line.replaceAll('/opt/claude-secure', checkout).replace('/srv/project', folder)
  // What Debian's cron sets, with the folder of this machine's Node.js.
  const path = `PATH=${join(process.execPath, '..')}:/usr/bin:/bin`
  const variables = [`HOME=${home}`, 'LOGNAME=ci', 'SHELL=/bin/sh', path, engine]
  const [program = '', ...args] = [...asUser, ...variables, '/bin/sh', '-c', command]
  const { code, stdout, stderr } = await run(program, args, { cwd: home })
  t.match({ stdout, stderr }, { stdout: '', stderr: '' }, 'nothing is left for mail')
  const log = await readFile(join(home, 'claude-morning.log'), 'utf8')
  isTwoLines(t, { code, stdout: '', stderr: log }, noEngine)
})

t.test("the unit's command runs as its user, without a terminal", async t => {
  const { folder, home } = await project(t)
  const unit = await guide('systemd.md')
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
  t.equal(value('WorkingDirectory'), '/srv/project')
  t.notMatch(unit, /^Environment=.*(KEY|TOKEN)/m, 'systemctl show prints the environment')
  const command = value('ExecStart').replaceAll('/opt/claude-secure', checkout).split(' ')
  t.match(command, [`${checkout}/claude.ts`, 'run'])
  // What systemd sets for a unit with User=, with the folder of this machine's Node.js.
  const path = `PATH=${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin`
  const variables = [`HOME=${home}`, 'USER=ci', 'LOGNAME=ci', 'SHELL=/bin/sh', path, engine]
  const [program = '', ...args] = [...asUser, ...variables, ...command]
  const outcome = await run(program, args, { cwd: folder })
  t.equal(outcome.stdout, '')
  isTwoLines(t, outcome, noEngine)
})

t.test('the script for CI is one that sh reads', async t => {
  const script = /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(await guide('ci.md'))?.[1] ?? ''
  t.match(script, /claude\.ts" run /)
  const { code, stderr } = await run('sh', ['-n'], { input: script })
  t.equal(code, 0, stderr)
})
