import { createHash } from 'node:crypto'

/** A push that no gateway may pass on, and the bytes of the answer. */
export type HostilePush = {
  name: string
  body: Buffer
  answer: string
  headers?: Record<string, string>
}

export const zeros = '0'.repeat(40)
const some = '1'.repeat(40)

/** A line of git's protocol, in bytes. */
export function line(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text
}

/** A pack without objects, as git sends it for commits that the host has. */
export function pack({ version = 2, objects = 0 } = {}): string {
  const head = Buffer.from('PACK\0\0\0\0\0\0\0\0')
  head.writeUInt32BE(version, 4)
  head.writeUInt32BE(objects, 8)
  const bytes = Buffer.concat([head, createHash('sha1').update(head).digest()])
  return bytes.toString('latin1')
}

const caps = '\0 report-status side-band-64k agent=git/2.39.5'
const plain = '\0 report-status'

type Change = { old?: string; next?: string; ref: string }
const change = ({ old = zeros, next = some, ref }: Change) => `${old} ${next} ${ref}`

/** A list of refs with its end; the first line has the capabilities. */
export function refs(changes: readonly Change[], capabilities = plain): string {
  const [first = '', ...others] = changes.map(change)
  return `${[first + capabilities, ...others].map(line).join('')}0000`
}

const unsupported = 'is not supported'
const onlyOwn = 'only refs/heads/claude/* can be pushed to'
const ng = (ref: string, reason: string) => line(`ng ${ref} claude-secure: ${reason}\n`)
const report = (...lines: string[]) => `${line('unpack ok\n')}${lines.join('')}0000`
const err = (reason: string) => line(`ERR claude-secure: ${reason}`)

const own = 'refs/heads/claude/x'

/** Refs outside of `refs/heads/claude/`, or that another program could take for one. */
const foreignRefs = [
  'refs/heads/main',
  'HEAD',
  'refs/heads/claude',
  'refs/heads/claude/',
  'refs/heads/claude/../main',
  'refs/heads/claude/./x',
  'refs/heads/claude//x',
  'refs/heads/claude/x/',
  'refs/heads/claude/.x',
  'refs/heads/claude/x.lock',
  'refs/heads/claude/x.LOCK/y',
  'refs/heads/claude/x..y',
  'refs/heads/claude/x.',
  'refs/heads/claude/x@{1}',
  'refs/heads/claude/-x',
  'refs/heads/claude/x y',
  'refs/heads/claude/x\\..\\main',
  'refs/heads/claude/\x1b[2J',
  'refs/heads/claude/\xff',
  `refs/heads/claude/${'x'.repeat(200)}`,
  'refs/heads/Claude/x',
  'refs/heads/claudette/x',
  ' refs/heads/claude/x',
  'refs/tags/claude/x',
  'refs/tags/v1',
  'refs/for/main',
  'refs/pull/1/head',
  'refs/notes/commits',
  'refs/replace/1111111111111111111111111111111111111111',
  'refs/remotes/origin/main',
  'capabilities^{}',
  '.have',
]

/**
 * Returns the pushes, for a repository whose branch `claude/other` is another's.
 *
 * @param others commit of that branch.
 */
export function hostilePushes(others: string): HostilePush[] {
  const make = (name: string, text: string, answer: string, headers?: HostilePush['headers']) => ({
    ...{ name, answer, body: Buffer.from(text, 'latin1') },
    ...(headers && { headers }),
  })
  const refused = (name: string, changes: Change[], reasons: string[], capabilities?: string) =>
    make(
      name,
      refs(changes, capabilities) + pack(),
      report(...changes.map(({ ref }, index) => ng(ref, reasons[index] ?? reasons[0] ?? ''))),
    )
  const other = 'refs/heads/claude/other'
  const notOurs = 'this stack did not create the branch; push to a new one'
  const together = 'another ref of this push is refused'
  const good = { ref: own }
  const main = { ref: 'refs/heads/main' }
  return [
    ...foreignRefs.map(ref => refused(`ref ${JSON.stringify(ref)}`, [{ ref }], [onlyOwn])),
    refused('deletes main', [{ ...main, old: some, next: zeros }], [onlyOwn]),
    refused(
      'deletes a branch',
      [{ ...good, old: some, next: zeros }],
      ['a branch cannot be deleted'],
    ),
    refused('overwrites the branch of another', [{ ref: other, old: others }], [notOurs]),
    refused('hides main behind its own', [good, main], [together, onlyOwn]),
    refused('hides main before its own', [main, good], [onlyOwn, together]),
    refused('names a branch twice', [good, good], ['a ref is named twice']),
    refused(
      'names it in capitals',
      [good, { ref: 'refs/heads/claude/X' }],
      ['a ref is named twice'],
    ),
    refused('sends options', [good], [`push-options ${unsupported}`], `${plain} push-options`),
    refused('is atomic', [good], [`atomic ${unsupported}`], `${plain} atomic`),
    refused('has a certificate', [good], [`push-cert ${unsupported}`], `${plain} push-cert=1`),
    refused(
      'has a capability of tomorrow',
      [good],
      [`evil ${unsupported}`],
      `${plain} evil=\x1b[2J`,
    ),
    refused(
      'has many refs',
      Array.from({ length: 17 }, (_, at) => ({ ref: `${own}${at}` })),
      ['more than 16 refs at once'],
    ),
    make(
      'is answered in the band that it asked for',
      refs([main], caps) + pack(),
      `${line(`\x01${report(ng(main.ref, onlyOwn))}`)}0000`,
    ),
    make(
      'asks for no report',
      refs([good], '\0 side-band-64k') + pack(),
      err('a push without a report is not supported'),
    ),
    make(
      'has a second list in place of a pack',
      refs([good]) + refs([main]) + pack(),
      report(ng(own, 'the list of refs is not followed by a pack')),
    ),
    make(
      'has no pack',
      refs([good]),
      report(ng(own, 'the list of refs is not followed by a pack')),
    ),
    make(
      'has a pack of another version',
      refs([good]) + pack({ version: 4 }),
      report(ng(own, 'the pack has an unknown version')),
    ),
    make(
      'has a pack of many objects',
      refs([good]) + pack({ objects: 1_000_001 }),
      report(ng(own, 'the pack has more than 1000000 objects')),
    ),
    make('has a list without refs before its pack', `0000${refs([main])}${pack()}`, ''),
    make(
      'is shallow',
      `${line(`shallow ${some}`)}${refs([good])}${pack()}`,
      err('a shallow repository cannot be pushed from'),
    ),
    make(
      'is shallow behind a ref',
      `${line(change(good) + plain)}${line(`shallow ${some}`)}0000${pack()}`,
      report(ng(own, 'a shallow repository cannot be pushed from')),
    ),
    make(
      'begins with a certificate',
      `${line(`push-cert${plain}`)}${line('certificate version 0.1\n')}0000${pack()}`,
      err('signed pushes are not supported'),
    ),
    make(
      'hides a ref behind a NUL',
      `${line(change(good) + plain)}${line(`${change({ ref: `${own}2` })}\0${change(main)}`)}0000${pack()}`,
      report(ng(own, 'a line is not a change of a ref')),
    ),
    make(
      'hides a ref behind the end of a line',
      `${line(`${change(good)}\n${change(main)}${plain}`)}0000${pack()}`,
      err('a line is not a change of a ref'),
    ),
    make(
      'has ids of two kinds',
      `${line(`${zeros} ${'1'.repeat(64)} ${own}${plain}`)}0000${pack()}`,
      err('a line is not a change of a ref'),
    ),
    make(
      'has an id in capitals',
      `${line(`${zeros} ${'A'.repeat(40)} ${own}${plain}`)}0000${pack()}`,
      err('a line is not a change of a ref'),
    ),
    make(
      'has a length that is none',
      `00zz${refs([good])}`,
      err('malformed: a length is not a number'),
    ),
    make(
      'has a length with a sign',
      `+0a4${refs([good])}`,
      err('malformed: a length is not a number'),
    ),
    make('has a length of 3', `0003${refs([good])}`, err('malformed: a length is out of range')),
    make('has a delimiter', `0001${refs([good])}`, err('malformed: a length is out of range')),
    make(
      'has a line that is too long',
      `fff5${'x'.repeat(100)}`,
      err('malformed: a length is out of range'),
    ),
    make('ends in a line', refs([good]).slice(0, 60), err('the list of refs has no end')),
    make(
      'ends without the end of its list',
      line(change(good) + plain),
      report(ng(own, 'the list of refs has no end')),
    ),
    make('is empty', '', err('the list of refs has no end')),
    make(
      'has a list that is too long',
      `${line(change(good) + plain)}${line('x'.repeat(65_000))}`,
      report(ng(own, 'a line is not a change of a ref')),
    ),
    make('is compressed', refs([good]) + pack(), err('a compressed push is not supported'), {
      'content-encoding': 'gzip',
    }),
    make('is of another type', refs([good]) + pack(), err("the content type is not git's"), {
      'content-type': 'application/octet-stream',
    }),
  ]
}
