import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../../src/process/exec.ts'
import { readAlwaysSkills } from '../../../../src/stack/additions/always-skills.ts'

t.test('each SKILL.md at any depth, in the order of the paths, and nothing else', async t => {
  const folder = t.testdir({
    'always-skills': {
      b: { 'SKILL.md': 'second\n' },
      a: { deep: { 'SKILL.md': '\nfirst\n\n' }, 'README.md': 'not this' },
    },
    '.always-skills': { 'SKILL.md': 'zeroth' },
    skills: { 'SKILL.md': 'nor this' },
  })
  t.equal(
    await readAlwaysSkills(folder),
    [
      '# Skills that always apply\n',
      '## .always-skills/SKILL.md\n\nzeroth\n',
      '## always-skills/a/deep/SKILL.md\n\nfirst\n',
      '## always-skills/b/SKILL.md\n\nsecond\n',
    ].join('\n'),
  )
})

t.test('none is no error', async t => {
  t.equal(await readAlwaysSkills(t.testdir({})), null)
  t.equal(await readAlwaysSkills(t.testdir({ 'always-skills': {} })), null)
})

t.test('a link within the folder is followed, one that leads out is refused', async t => {
  const folder = t.testdir({
    shared: 'shared text',
    'always-skills': { 'SKILL.md': t.fixture('symlink', '../shared') },
  })
  t.match(await readAlwaysSkills(folder), /shared text/)
  for (const target of ['/etc/passwd', '../../outside', '/nowhere']) {
    const hostile = t.testdir({
      outside: 'secret',
      custom: { 'always-skills': { 'SKILL.md': t.fixture('symlink', target) } },
    })
    await t.rejects(readAlwaysSkills(join(hostile, 'custom')), { message: /leads out/ }, target)
  }
})

t.test('a linked folder is not entered', async t => {
  const folder = t.testdir({
    out: { 'SKILL.md': 'secret' },
    custom: { 'always-skills': { x: t.fixture('symlink', '../../out') } },
  })
  t.equal(await readAlwaysSkills(join(folder, 'custom')), null)
})

t.test('what is no text is refused by its name', async t => {
  const folder = t.testdir({ 'always-skills': {} })
  const path = join(folder, 'always-skills/SKILL.md')
  for (const [content, message] of [
    [Buffer.from('a\0b'), /SKILL\.md holds NUL bytes/],
    [Buffer.from([0xc3, 0x28]), /SKILL\.md is not UTF-8/],
    [Buffer.alloc(256 * 1024 + 1, 'x'), /SKILL\.md is larger than 262144 bytes/],
  ] as const) {
    await writeFile(path, content)
    await t.rejects(readAlwaysSkills(folder), { message })
  }
})

t.test('a pipe does not keep start waiting', async t => {
  const folder = t.testdir({ 'always-skills': {} })
  await exec('mkfifo', [join(folder, 'always-skills/SKILL.md')])
  await t.rejects(readAlwaysSkills(folder), { message: /is not a regular file/ })
})

t.test('all together have a bound, and a tree has one', async t => {
  const text = 'x'.repeat(250 * 1024)
  const many = Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e'].map(name => [name, { 'SKILL.md': text }]),
  )
  await t.rejects(readAlwaysSkills(t.testdir({ 'always-skills': many })), {
    message: /makes all skills together larger than 1048576 bytes/,
  })
  const deep = { a: { a: { a: { a: { a: { a: { a: { a: {} } } } } } } } }
  await t.rejects(readAlwaysSkills(t.testdir({ 'always-skills': deep })), {
    message: /8 folders deep/,
  })
})
