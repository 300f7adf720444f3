import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { offerSkills, takenSkills } from '../../../../src/operations/additions/offer-skills.ts'
import { readAlwaysSkills } from '../../../../src/stack/additions/always-skills.ts'

/** Offers the skills of a folder, to a person who says `answer` or to nobody. */
async function offer(
  t: Test,
  answer: boolean | null,
  skills: Parameters<Test['testdir']>[0] = { one: skill() },
) {
  const root = t.testdir({
    claude: { '.always-skills': skills ?? {}, 'secret.json': 'x' },
    more: {},
  })
  const places = {
    claude: join(root, 'claude'),
    additions: join(root, 'additions'),
    state: join(root, 'state'),
  }
  const lines: string[] = []
  let asked = 0
  const again = () =>
    offerSkills(
      {
        log: event => lines.push('text' in event ? (event.text ?? '') : ''),
        confirm: async () => {
          asked += 1
          return answer === true
        },
        canAsk: answer !== null,
      },
      places,
    )
  const copied = await again()
  return { ...places, copied, again, lines, asked: () => asked }
}

const skill = () => ({ 'SKILL.md': 'Be brief.' })

t.test('a yes copies the skills into the additions, and is asked once', async t => {
  const found = await offer(t, true, { one: skill(), deep: { two: skill() }, 'notes.md': 'x' })
  t.equal(found.copied, true)
  t.match(found.lines, [/has 2 skills/, /deep\/two\/SKILL\.md \(9 bytes\)/, /one\/SKILL\.md/])
  const target = join(found.additions, takenSkills)
  t.equal(readFileSync(join(target, 'deep/two/SKILL.md'), 'utf8'), 'Be brief.')
  t.notOk(existsSync(join(target, 'notes.md')), 'skills only')
  t.match(await readAlwaysSkills(found.additions), /from-claudebox\/one\/SKILL\.md[\s\S]*Be brief/)
  t.equal(await found.again(), false)
  t.equal(found.asked(), 1)
})

t.test('a no is remembered for this content, and a change asks again', async t => {
  const found = await offer(t, false)
  t.equal(found.copied, false)
  await found.again()
  t.equal(found.asked(), 1)
  t.notOk(existsSync(found.additions))
  writeFileSync(join(found.claude, '.always-skills/one/SKILL.md'), 'changed')
  await found.again()
  t.equal(found.asked(), 2)
})

t.test('without a terminal nothing is taken, and the way is shown', async t => {
  const found = await offer(t, null)
  t.notOk(existsSync(found.additions))
  t.match(found.lines, [/1 skill that the agent does not have: copy them to .*always-skills/])
})

t.test('a skill that leads out of the folder stops the offer and not the start', async t => {
  for (const target of ['/etc/passwd', '../../secret.json']) {
    const found = await offer(t, true, { bad: { 'SKILL.md': t.fixture('symlink', target) } })
    t.equal(found.copied, false)
    t.match(found.lines, [/not used: the skill .* leads out of the folder/], target)
    t.equal(found.asked(), 0)
  }
})

t.test('nothing is said when there are no skills', async t => {
  t.same((await offer(t, true, {})).lines, [])
})
