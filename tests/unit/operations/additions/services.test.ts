import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  consentedServices,
  describeService,
  findServices,
} from '../../../../src/operations/additions/services.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

const file = `image: postgres:17
expose: [5432]
healthcheck: { test: [CMD, pg_isready] }
exceptions: { writable-root: initdb writes there }
`
const key = `sk-ant-api03-${'a'.repeat(60)}`

async function folder(t: Test, text = file) {
  const path = await mkdtemp(join(tmpdir(), 'claude-secure-test-services-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  await mkdir(join(path, 'services'))
  await writeFile(join(path, 'services/db.yaml'), text)
  return path
}

type Context = Parameters<typeof findServices>[0]
function context(image: string | null, SERVICES = 'all'): Context {
  const images = async () => (image === null ? [] : [{ Id: image, Created: 0, Size: 0 }])
  return { engine: { images }, settings: { SERVICES, ANTHROPIC_API_KEY: key } } as never
}

t.test('an image that is not here is named, and not pulled', async t => {
  await t.rejects(findServices(context(null), await folder(t)), {
    message: 'services/db.yaml: the image postgres:17 is not on this engine',
    hint: /docker pull postgres:17/,
  })
})

t.test('the real credential does not go into a service', async t => {
  const path = await folder(t, `${file}environment: { KEY: ${key} }\n`)
  await t.rejects(findServices(context('sha256:1'), path), {
    message: 'services/db.yaml contains the credential of .env',
  })
})

t.test('SERVICES=none asks nothing', async t => {
  t.equal(await findServices(context(null, 'none'), await folder(t)), null)
  t.equal(await findServices(context(null), null), null)
})

t.test('an approval covers one file and one image', async t => {
  const path = await folder(t)
  const state = stateFolder('claude-secure-app-00000001', join(path, 'state'))
  const questions: string[] = []
  const told: string[] = []
  const person = (canAsk: boolean, answer = true) => ({
    canAsk,
    log: (event: { kind: string; text?: string }) => void told.push(event.text ?? ''),
    confirm: async (question: string) => {
      questions.push(question)
      return answer
    },
  })
  const first = await findServices(context('sha256:1'), path)
  await t.rejects(consentedServices(person(false), first, state), {
    message: 'you have not approved these services in this folder: db',
    hint: /config --accept.*SERVICES=none/,
  })
  t.same(await consentedServices(person(true, false), first, state), [], 'a refusal starts none')
  t.equal((await consentedServices(person(true), first, state)).length, 1)
  t.match(told.join('\n'), /db is less hardened: writable-root \(initdb writes there\)/)
  t.equal(questions.length, 2)
  t.equal((await consentedServices(person(false), first, state)).length, 1, 'remembered')
  const other = await findServices(context('sha256:2'), path)
  await t.rejects(consentedServices(person(false), other, state), { message: /not approved/ })
})

t.test('the description has everything that a person approves', async t => {
  const found = await findServices(context('sha256:1'), await folder(t))
  t.same(found?.services.flatMap(describeService), [
    'db: image postgres:17, user 10001:10001, ports 5432',
    'db is less hardened: writable-root (initdb writes there)',
  ])
})
