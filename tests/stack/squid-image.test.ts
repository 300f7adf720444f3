import { readFileSync } from 'node:fs'
import t from 'tap'
import { ambiguousHellos, type MadeHello, plainHellos } from '../../src/audit/client-hello.ts'
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

const base64 = (made: MadeHello) => Buffer.from(made.raw.join(''), 'latin1').toString('base64')

/** Answers of `same-name`, asked in one run. */
async function sameName(lines: readonly string[]) {
  const { stdout } = await execOk('awk', ['-f', new URL('same-name', folder).pathname], {
    input: lines.map((line, i) => `${i} ${line}\n`).join(''),
  })
  return stdout.trim().split('\n')
}

t.test('a hello with one plain name is compared with the CONNECT name (N9)', async t => {
  const [one, capitals] = plainHellos('api.test').map(base64)
  const questions: [string, 'OK' | 'ERR'][] = [
    [`api.test api.test ${one} -`, 'OK'],
    [`API.test api.test ${capitals} -`, 'OK'],
    [`api.test API.test. ${one} -`, 'OK'],
    [`api.test other.test ${one} -`, 'ERR'],
    [`other.test other.test ${one} -`, 'ERR'],
    [`other.test api.test ${one} -`, 'ERR'],
    [`- api.test ${one} -`, 'ERR'],
    [`- - - -`, 'ERR'],
    [`api.test api.test - -`, 'ERR'],
    [`api.test api.test AAAA -`, 'ERR'],
    [`api.test api.test ${one}AAAA -`, 'ERR'],
    [`api.test api.test ${one?.slice(0, -8)} -`, 'ERR'],
    [`api.test api.test ${'A'.repeat(40_000)} -`, 'ERR'],
    // A space moves the words: the name would be compared with itself.
    [`x x api.test ${one} -`, 'ERR'],
    [`api.test api.test -`, 'ERR'],
    ['', 'ERR'],
  ]
  t.strictSame(
    await sameName(questions.map(([question]) => question)),
    questions.map(([, answer], i) => `${i} ${answer}`),
  )
})

t.test('a hello that has more than one reading is refused, whatever Squid reads (N20)', async t => {
  const refused = ambiguousHellos('api.test', 'evil.test')
  for (const [hellos, answer] of [
    [plainHellos('api.test'), 'OK'],
    [refused, 'ERR'],
  ] as const) {
    const answers = await sameName(hellos.map(made => `api.test api.test ${base64(made)} -`))
    for (const [i, { name }] of hellos.entries()) t.equal(answers[i], `${i} ${answer}`, name)
  }
})

t.test('a hello that is cut or changed at any byte is never read past its end', async t => {
  const made = plainHellos('api.test')[0]?.raw.join('') ?? ''
  const cut = Array.from({ length: made.length }, (_, i) => made.slice(0, i))
  const answers = await sameName(
    cut.map(text => `api.test api.test ${Buffer.from(text, 'latin1').toString('base64')} -`),
  )
  t.equal(answers.length, made.length)
  t.ok(answers.every(answer => answer.endsWith(' ERR')))
})

for (const script of ['check-policy', 'entrypoint', 'healthcheck', 'policy.sh', 'stack-conf']) {
  t.test(`${script} is valid for a POSIX shell`, async t => {
    await execOk('sh', ['-n', new URL(script, folder).pathname])
    t.pass()
  })
}

t.test(
  'check-policy makes up every name of the running container that the policy uses',
  async t => {
    const lines = read('squid.conf').split('\n')
    const defined = new Set(
      lines.flatMap(line => /^(?:acl|external_acl_type) (\w+)/.exec(line)?.[1] ?? []),
    )
    const used = lines.flatMap(line => {
      const [, words = ''] =
        /^(?:http_access (?:allow|deny)|acl \w+ (?:all-of|any-of)|note \w+ \w+) (.+)$/.exec(line) ??
        []
      return words.split(' ').map(word => word.replace('!', ''))
    })
    // Squid's own names, and those that proxy/grants compiles.
    const known = /^$|^(all|manager)$|^(granted|here)_/
    const needed = [...new Set(used)].filter(name => !defined.has(name) && !known.test(name))
    t.ok(needed.includes('server') && needed.includes('agent'), needed.join(' '))
    for (const name of needed) t.match(read('check-policy'), new RegExp(`^acl ${name} `, 'm'), name)
  },
)
