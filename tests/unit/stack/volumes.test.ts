import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createEngine } from '../../../src/engine/engine.ts'
import {
  folderStack,
  renderIdentityLabels,
  type StackIdentity,
  stackIdentity,
} from '../../../src/stack/identity.ts'
import {
  createVolumes,
  refuseOtherNetworks,
  refuseOtherVolumes,
} from '../../../src/stack/volumes.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { stackValue } from '../../support/stack/stack-value.ts'

const stack = stackValue()
const { identity } = stack
const project = { 'com.docker.compose.project': identity.name }
const volume = (labels: Record<string, string>, name = 'home-1000') => ({
  Name: `${identity.name}_${name}`,
  Labels: { ...project, ...labels },
})
/** The same name for something else. */
const named = (of: StackIdentity) => ({ ...of, name: identity.name, id: identity.id })

async function fakes(t: Test, volumes: readonly object[], script = '') {
  const calls = join(await temporaryFolder(t, 'calls'), 'calls')
  const folder = await fakeProgram(t, 'docker', `echo "$*" >> ${calls}; ${script}`)
  const host = await startFakeEngine(t, { ...goodEngine, '/volumes': { Volumes: volumes } })
  const context = {
    engine: createEngine({ socketPath: host.slice('unix://'.length) }),
    docker: {
      kind: 'docker' as const,
      file: join(folder, 'docker'),
      env: { PATH: '/usr/bin:/bin' },
    },
  }
  return {
    context,
    created: () =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trim()
            .split('\n')
            .sort((a, b) => a.length - b.length)
        : [],
  }
}

t.test('missing volumes are created with the identity as labels', async t => {
  const { context, created } = await fakes(t, [])
  await createVolumes(context, stack, ['worker', 'gateway', 'proxy'])
  const labels = [
    `--label claude-secure.stack=${identity.name}`,
    '--label claude-secure.kind=folder',
    '--label claude-secure.workspace=/home/me/project',
  ].join(' ')
  const call = (key: string) =>
    `volume create --label com.docker.compose.project=${identity.name} --label com.docker.compose.volume=${key} ${labels} ${identity.name}_${key}-1000`
  t.same(created(), [call('home'), call('worker-home')])
})

t.test('a copy has a volume for its files, and sessions need none for runs', async t => {
  const { context, created } = await fakes(t, [])
  const copy = stackValue({ workspace: { ...stack.workspace, mode: 'copy' } })
  await createVolumes(context, copy, ['claude', 'gateway', 'proxy'])
  t.same(
    created().map(line => line.split(' ').at(-1)?.replace(identity.name, '')),
    ['_home-1000', '_workspace'],
  )
})

t.test('existing volumes stay as they are, with or without labels', async t => {
  const { context, created } = await fakes(t, [
    volume({}),
    volume(renderIdentityLabels(identity), 'worker-home-1000'),
  ])
  await createVolumes(context, stack, ['claude', 'worker'])
  t.same(created(), [])
})

t.test(
  'a volume of another folder with the same stack name is refused with both paths',
  async t => {
    const other = volume(renderIdentityLabels(named(folderStack('/y/project'))))
    const { context, created } = await fakes(t, [other])
    await t.rejects(createVolumes(context, stack, ['claude']), {
      message: `the volume ${other.Name} belongs to /y/project, and /home/me/project has the same stack name`,
      hint: /rename one of the two folders/,
    })
    t.same(created(), [])
  },
)

t.test('a session, and a kind that this version does not know, are other owners', async t => {
  const session = { kind: 'session', folder: '/home/me/project', session: 's' } as const
  t.throws(
    () =>
      refuseOtherVolumes(identity, [volume(renderIdentityLabels(named(stackIdentity(session))))]),
    { message: /belongs to session s of \/home\/me\/project/ },
  )
  const unknown = { ...renderIdentityLabels(identity), 'claude-secure.kind': 'cluster' }
  t.throws(() => refuseOtherVolumes(identity, [volume(unknown)]), {
    message: /belongs to an unknown kind of stack/,
  })
  refuseOtherVolumes(identity, [volume({}), volume(renderIdentityLabels(identity))])
})

t.test('an engine that cannot create one is named with its reason', async t => {
  const { context } = await fakes(t, [], 'echo "no space left on device" >&2; exit 1')
  await t.rejects(createVolumes(context, stack, ['claude']), {
    message: `cannot create the volume ${identity.name}_home-1000: no space left on device`,
  })
})

t.test('the owner counts where both are known, and the hint says what to do', async t => {
  const mine = { ...identity, owner: 1000 }
  const theirs = { ...identity, owner: 4242 }
  t.throws(() => refuseOtherVolumes(mine, [volume(renderIdentityLabels(theirs))]), {
    message: /belongs to \S+ of uid 4242, and \S+ of uid 1000 has the same stack name/,
    hint: /run this command as uid 4242; or remove that stack: .*stop .*, then .*clean /,
  })
  refuseOtherVolumes(mine, [volume(renderIdentityLabels(mine))])
  refuseOtherVolumes(mine, [volume(renderIdentityLabels(identity)), volume({})])
})

t.test(
  'a network that another stack left is refused, and one of an earlier version is not',
  async t => {
    const left = async (labels: Record<string, string>) => {
      const found = { Id: 'n1', Name: `${identity.name}_claude-internal`, Labels: labels }
      await refuseOtherNetworks({ networks: async () => [found] }, identity)
    }
    await left(project)
    await left({ ...project, ...renderIdentityLabels(identity) })
    await t.rejects(left(renderIdentityLabels(named(folderStack('/y/project')))), {
      message: /the network \S+ belongs to \/y\/project/,
    })
  },
)
