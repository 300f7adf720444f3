import { readFileSync } from 'node:fs'
import t from 'tap'
import { execOk } from '../../src/process/exec.ts'

const folder = new URL('../../proxy/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const dockerfile = read('Dockerfile')

t.test('the image is built on our base and asks no registry', async t => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(match => match[1])
  t.strictSame(bases, ['$BASE', '$BASE'])
  t.notMatch(dockerfile, /^# *syntax=/m)
})

t.test('it runs as an ordinary user, without a setuid file (C1)', async t => {
  t.equal(dockerfile.match(/^USER .*$/gm)?.at(-1), 'USER proxy')
  t.match(dockerfile, /find \/ -xdev -type f -perm \/6000 -exec chmod a-s/)
})

t.test(
  'the policy is not part of the image: without the mounted file nothing starts (N16)',
  async t => {
    t.notMatch(dockerfile, /COPY [^\n]*(squid\.conf|\. )/)
  },
)

t.test('everything the image copies is there', async t => {
  const copied = dockerfile
    .match(/^COPY (?:--chmod=\d+ )?(?!--from)(.*) \S+$/gm)
    ?.flatMap(line => line.split(' ').slice(1, -1))
    .filter(word => !word.startsWith('--'))
  t.ok(copied?.includes('entrypoint'))
  for (const name of copied ?? []) {
    if (name === 'errors') continue
    t.ok(read(name).length > 0, name)
  }
})

t.test(
  'a TLS name is compared without regard to case and a final dot; a missing one differs (N9)',
  async t => {
    const questions: [string, string][] = [
      ['0 api.test api.test -', '0 OK'],
      ['1 API.test api.test -', '1 OK'],
      ['2 api.test. api.test -', '2 OK'],
      ['3 other.test api.test -', '3 ERR'],
      ['4 xapi.test api.test -', '4 ERR'],
      ['5 api.test.evil.test api.test -', '5 ERR'],
      ['6 api.test.. api.test -', '6 ERR'],
      ['7 - api.test -', '7 ERR'],
      ['8 - - -', '8 ERR'],
      ['9 api%20test api%20test -', '9 OK'],
      ['10', '10 ERR'],
      // A space moves the words: the name would be compared with itself.
      ['11 x x api.test -', '11 ERR'],
      ['12 api.test api.test x -', '12 ERR'],
    ]
    const { stdout } = await execOk('awk', ['-f', new URL('same-name', folder).pathname], {
      input: questions.map(([question]) => `${question}\n`).join(''),
    })
    t.strictSame(
      stdout.trim().split('\n'),
      questions.map(([, answer]) => answer),
    )
  },
)

for (const script of ['check-policy', 'entrypoint', 'healthcheck', 'policy.sh', 'stack-conf']) {
  t.test(`${script} is valid for a POSIX shell`, async t => {
    await execOk('sh', ['-n', new URL(script, folder).pathname])
    t.pass()
  })
}
