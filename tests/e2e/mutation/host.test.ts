// exclusive: changes the host
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type ComposeConfig, createMutableStack } from '../../support/mutation/mutable-stack.ts'
import { owner } from '../../support/stack/test-stack.ts'

type Mount = { target: string; read_only?: boolean }

const mountsOf = (config: ComposeConfig) => (config.services.claude?.volumes ?? []) as Mount[]
const environmentOf = (config: ComposeConfig) =>
  config.services.claude?.environment as Record<string, string>

t.test('a probe notices each removed mount over the workspace', async t => {
  const stack = await createMutableStack(t)
  const open = async (id: string) => {
    const [result] = await stack.audit([id])
    return result?.checks.filter(({ verdict }) => verdict === 'open') ?? []
  }
  const overlays = mountsOf(stack.config).filter(({ target }) => target.startsWith('/workspace/'))
  t.ok(overlays.length > 0, 'there are such mounts')
  t.same(await open('H1'), [], 'with all controls, every probe passes')

  for (const { target } of overlays) {
    t.test(target, async t => {
      await stack.mutate(config => {
        const mounts = mountsOf(config)
        mounts.splice(
          mounts.findIndex(mount => mount.target === target),
          1,
        )
      })
      const found = await open('H1')
      t.match(JSON.stringify(found), target.slice('/workspace/'.length), 'gone')
    })
  }

  t.test('a writable protected path is found', async t => {
    const [overlay] = overlays.filter(({ read_only }) => read_only)
    t.ok(overlay)
    await stack.mutate(config => {
      for (const mount of mountsOf(config)) {
        if (mount.target === overlay?.target) delete mount.read_only
      }
    })
    const claims = (await open('H1')).map(({ claim }) => claim)
    t.match(claims, ['each path that the host runs automatically has a mount of its own'])
    t.ok(claims.includes('the agent cannot write to paths that the host runs automatically'))
  })

  t.test('a changed program of the workspace is reported, and is not a failure', async t => {
    await stack.mutate(() => {})
    const makefile = join(stack.stack.workspace, 'Makefile')
    await writeFile(makefile, 'all:\n\ttrue\n')
    execFileSync('chown', [`${owner}:${owner}`, makefile])
    const [result] = await stack.audit(['H1'])
    t.equal(result?.verdict, 'weak')
    t.match(result?.checks.find(({ verdict }) => verdict === 'weak')?.evidence, /Makefile/)
  })

  t.test('settings files without a placeholder are reported when they appear', async t => {
    for (const name of ['.mcp.json', '.devcontainer.json']) {
      await stack.stack.inside(['sh', '-c', `echo '{}' > /workspace/${name}`])
      const found = JSON.stringify(await open('H1'))
      t.match(found, `wrote /workspace/${name}`)
    }
  })

  t.test('a start that does not list the names to move away is found', async t => {
    const record = join(
      stack.stack.env.XDG_STATE_HOME ?? '',
      `claude-secure/stacks/${stack.stack.stack}/protection.json`,
    )
    const text = await readFile(record, 'utf8')
    await writeFile(record, JSON.stringify({ ...JSON.parse(text), absent: [] }))
    const claims = (await open('H1')).map(({ claim }) => claim)
    await writeFile(record, text)
    t.ok(claims.includes('the end of a session moves such a file away if it appears'))
  })

  t.test('setuid bits that are still there are found', async t => {
    await stack.stack.inside([
      'sh',
      '-c',
      'cp /bin/true /workspace/run && chmod 4755 /workspace/run',
    ])
    const found = await open('H1')
    t.match(found, [
      { claim: 'no file of the agent has setuid or setgid bits', evidence: /\/run:/ },
    ])
    await stack.stack.inside(['rm', '/workspace/run'])
  })

  t.test('a key in any variable is found, and never shown', async t => {
    const key = `sk-ant-api03-${'hidden'.repeat(10)}AA`
    await stack.mutate(config => {
      environmentOf(config).MY_TOOL_CONFIG = JSON.stringify({ key })
    })
    const [result] = await stack.audit(['S1'])
    const claims = result?.checks.filter(({ verdict }) => verdict === 'open')
    t.match(
      claims?.map(({ claim }) => claim),
      ['no environment holds a real key', 'the engine reports no key', 'no process was started'],
    )
    t.notMatch(JSON.stringify(result), 'hidden')
  })
})
