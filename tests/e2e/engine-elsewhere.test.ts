import { join } from 'node:path'
import t from 'tap'
import { createControlScript, isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { owner } from '../support/stack/test-stack.ts'

t.test('an engine on another file system is refused in words', async t => {
  const script = await createControlScript(t)
  // A mount namespace of its own: what is written below its tmpfs exists for this process, and not for the engine.
  const commands = [
    `mount -t tmpfs none ${script.workspace}`,
    `mkdir ${script.workspace}/state ${script.workspace}/project ${script.workspace}/custom`,
    `chown ${owner}:${owner} ${script.workspace}/project`,
    `cd ${script.workspace}/project`,
    `exec ${join(script.checkout, 'claude.ts')} start --detach`,
  ]
  const env = {
    ...script.env,
    XDG_STATE_HOME: `${script.workspace}/state`,
    DOCKER_HOST: 'unix:///var/run/docker.sock',
    ANTHROPIC_API_KEY: `sk-ant-api03-${'elsewhere'.repeat(10)}AA`,
    CUSTOM_DIR: `${script.workspace}/custom`,
  }
  const outcome = await run('unshare', ['--mount', 'sh', '-ec', commands.join('\n')], { env })
  isTwoLines(t, outcome, {
    error: /unix:\/\/\/var\/run\/docker\.sock has another file system/,
    hint: /on the machine of the engine/,
  })
  const left = await must('docker', ['ps', '--all', '--format', '{{.Names}} {{.Mounts}}'])
  t.notMatch(left, script.workspace, 'nothing was started')
})
