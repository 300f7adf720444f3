import t from 'tap'
import { troubleOfStatus } from '../../../src/stack/parent-answer.ts'
import { parentTrouble } from '../../../src/stack/parent-proxy.ts'

t.test('an answer of the parent is said in words', async t => {
  t.equal(troubleOfStatus(200, 'a.example'), null)
  t.match(troubleOfStatus(407, 'a.example'), /refuses the user and password/)
  t.match(troubleOfStatus(403, 'a.example'), /refuses a\.example/)
  t.match(troubleOfStatus(503, 'a.example'), /cannot reach a\.example/)
  t.match(troubleOfStatus(500, 'a\u001b[2Jb'), /^answers 500 for a[^\u001b]*b$/)
})

t.test('no answer, and an answer that is not HTTP, are trouble too', async t => {
  const dir = t.testdir({
    silent: '#!/bin/sh\nexit 1\n',
    other: '#!/bin/sh\nprintf "SSH-2.0-x\\033[2J\\n"\n',
    tunnel: '#!/bin/sh\necho "HTTP/1.1 200 Connection established"\n',
  })
  const ask = (name: string) =>
    parentTrouble({ kind: 'docker', file: `${dir}/${name}`, env: {} }, 'c', 'a.example')
  const { chmod } = await import('node:fs/promises')
  for (const name of ['silent', 'other', 'tunnel']) await chmod(`${dir}/${name}`, 0o755)
  t.equal(await ask('silent'), 'does not answer')
  t.match(await ask('other'), /^answers SSH-2\.0-x/)
  t.notMatch(await ask('other'), /\u001b/)
  t.equal(await ask('tunnel'), null)
})
