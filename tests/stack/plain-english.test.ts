/** The words and constructions of the style guide in CONTRIBUTING.md that a pattern can find. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const top = join(import.meta.dirname, '../..')

/** Folders and files that are held to the list. */
const scanned =
  /^(?:src|docs|proxy|claude|gateway|additions|bin)\/|^(?:README|CONTRIBUTING|AGENTS|SECURITY|CHANGELOG)\.md$|^(?:claude|build)\.ts$|^compose\.yaml$|^\.env\.example$/

/** What must not be written, and what to write. */
const rules: readonly (readonly [pattern: RegExp, better: string])[] = [
  [/\bail(?:s|ing|ed|ments?)?\b/i, 'unhealthy, fail'],
  [/\breckon(?:s|ed|ing)?\b/i, 'count, calculate, consider'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix, repair'],
  [/\btell(?:s|ing)? of\b|\btold of\b/i, 'report, list, name'],
  [/\bwell again\b/i, 'healthy again, recovered'],
  [/\banew\b/i, 'again'],
  [/\bwish(?:es|ed|ing)?\b/i, 'want, request'],
  [/\bbears?\b(?! in mind)/i, 'has, carries'],
  [/\bbesides,|,? besides\b[.;]/i, 'also'],
  [/\bnobody\b/i, 'no one, or name the subject'],
  [/\bsomebody\b/i, 'someone, or name the subject'],
  [/\bwhoever\b/i, 'name the subject: the user who, a process that'],
  [/\bwhatever\b/i, 'everything, any, regardless of'],
  [/\bforthwith\b|\bhitherto\b|\bthereby\b|\bwherein\b/i, 'a plain word'],
  [
    /\b(?:is|are|was|were) no (?!longer\b|more than\b|other\b|reason\b|need\b|way\b|entry\b)[a-z]+/i,
    'is not a …; there is no …',
  ],
  [/\bhave no say\b|\bhas no say\b/i, 'cannot influence'],
  [
    /(?:^|[.:*] |- )What (?:is|was|has|comes|came|goes|went|cannot|can|does|did|they|it|we|the|a)\b[^?.]*? (?:is|are|was|stays|goes|gets|counts|comes)\b[^?]*$/,
    'begin with the subject',
  ],
  [/\bfrom (?:now|then) on\b|\bof its own accord\b/i, 'after that; by itself'],
]

/** “there is no X” and a pronoun before it are plain; “X is no Y” is not. `nobody` is an account. */
const plain = [
  /\b(?:there|that|which|where|it) (?:is|are|was|were) no\b/gi,
  /^\s*\|.*`[^`]*`/g,
  /\bnobody:x:\S*/g,
]

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: top })
  .toString()
  .trimEnd()
  .split('\n')
  .filter(path => scanned.test(path) && !/\.(?:cast|svg|json|png)$/.test(path))
  .filter(path => existsSync(join(top, path)))

const found = files.flatMap(path => [
  ...findings(path.replace(/[/.-]/g, ' ')).map(finding => `${path}: file name: ${finding}`),
  ...readFileSync(join(top, path), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      findings(line).map(
        finding => `${path}:${index + 1}: ${finding}\n    ${line.trim().slice(0, 160)}`,
      ),
    ),
])

t.test('messages, documents, comments and names use plain words', async t => {
  t.equal(found.join('\n'), '')
})

t.test('each pattern finds what it is against', async t => {
  const foreign = [
    'a service that ails',
    'the total is reckoned',
    'mends the owner',
    'tells of it',
    'is well again',
    'made anew',
    'a wish',
    'bears a label',
    'it is, besides.',
    'nobody reads it',
    'somebody may',
    'whoever asks',
    'whatever it is',
    'a file that is no link is refused'.replace('that is', 'is'),
    'it has no say',
    'What is missing is made',
    'from then on',
  ]
  for (const sentence of foreign) t.not(findings(sentence).length, 0, sentence)
  for (const sentence of [
    'there is no engine',
    'what is wrong?',
    'fail',
    'it is no longer there',
  ]) {
    t.same(findings(sentence), [], sentence)
  }
})

function findings(line: string): string[] {
  const text = plain.reduce((rest, pattern) => rest.replace(pattern, ''), line)
  return rules.flatMap(([pattern, better]) => {
    const match = pattern.exec(text)
    return match === null ? [] : [`“${match[0].trim().slice(0, 40)}”: write ${better}`]
  })
}
