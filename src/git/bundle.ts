import { UserError } from '../base/errors.ts'
import { isObjectId } from './repository.ts'

/** What the container says before its pack, and the pack. */
export type Sent = {
  /** The commit of the session's branch in the copy; null when it has none. */
  branch: string | null
  /** The commit that is checked out there. */
  head: string | null
  /** Number of objects in the pack; 0 when the copy has nothing new. */
  objects: number
  pack: AsyncIterable<Buffer>
}

/** Maximum bytes of a bundle's header: a container must not fill our memory. */
const headerBytes = 64 * 1024

/**
 * Reads a line with the two commits and then a bundle, as `exportScript` writes them. All of it comes from the
 * agent: nothing is trusted but its length.
 * https://git-scm.com/docs/gitformat-bundle
 *
 * @throws UserError for a stream of another form or a pack of more than `limit` bytes.
 */
export async function readSent(stream: AsyncIterable<Buffer>, limit: number): Promise<Sent> {
  const chunks = stream[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const more = async () => {
    const { done, value } = await chunks.next()
    if (!done) held = Buffer.concat([held, value])
    return !done
  }
  const line = async (): Promise<string | null> => {
    for (;;) {
      const end = held.indexOf(0x0a)
      if (end >= 0) {
        const text = held.subarray(0, end).toString('latin1')
        held = held.subarray(end + 1)
        return text
      }
      if (held.length > headerBytes) throw refused('its header is too long')
      if (!(await more())) return null
    }
  }
  const tips = /^tips ([0-9a-f-]{1,64}) ([0-9a-f-]{1,64})$/.exec((await line()) ?? '')
  if (!tips) throw refused('it does not begin with the tips')
  const [branch, head] = [tipOf(tips[1]), tipOf(tips[2])]
  const first = await line()
  if (first === null && held.length === 0) return { branch, head, objects: 0, pack: nothing() }
  if (first !== '# v2 git bundle' && first !== '# v3 git bundle')
    throw refused('it has another form')
  let read = 0
  for (;;) {
    const text = await line()
    if (text === null) throw refused('it ends in its header')
    if (text === '') break
    read += text.length
    if (read > headerBytes) throw refused('its header is too long')
    // Without a part of the objects a commit could not be shown.
    if (text.startsWith('@filter')) throw refused('it is a partial one')
  }
  while (held.length < 12 && (await more())) {}
  // git writes the header before it finds that nothing is new.
  if (held.length === 0) return { branch, head, objects: 0, pack: nothing() }
  if (held.toString('latin1', 0, 4) !== 'PACK' || held.length < 12) throw refused('it has no pack')
  const objects = held.readUInt32BE(8)
  const rest = held
  async function* pack() {
    let bytes = rest.length
    yield rest
    for (;;) {
      const { done, value } = await chunks.next()
      if (done) return
      bytes += value.length
      if (bytes > limit) throw refused(`it holds more than ${limit} bytes`)
      yield value
    }
  }
  return { branch, head, objects, pack: pack() }
}

async function* nothing(): AsyncGenerator<Buffer> {}

function tipOf(text: string | undefined): string | null {
  if (text === undefined || text === '-') return null
  if (isObjectId(text)) return text
  throw refused('a tip is not a commit')
}

function refused(why: string) {
  return new UserError(`the commits of the container were refused: ${why}`, {
    hint: 'look at the repository in the container; its commits stay there',
  })
}

/**
 * Runs in the container, as the agent: prints the commits of the branch and of HEAD, and a bundle of what the
 * host lacks. Arguments: the folder, the branch, and the commits that the host has.
 */
export const exportScript = `
cd "$1" || exit 1
g() { /usr/bin/git -c safe.directory=* -c core.hooksPath=/dev/null -c pack.threads=1 "$@"; }
branch=refs/heads/$2; shift 2
set -- $(for known; do printf '^%s ' "$known"; done)
tip=$(g rev-parse --verify --quiet "$branch^{commit}") || tip=-
# One reading where both are the same: a commit between two readings would look like one beside the branch.
if [ "$(g symbolic-ref --quiet HEAD)" = "$branch" ]; then head=$tip
else head=$(g rev-parse --verify --quiet 'HEAD^{commit}') || head=-; fi
printf 'tips %s %s\\n' "$tip" "$head"
[ "$tip" = - ] && branch=
[ "$head" = - ] && exit 0
g bundle create --quiet - --ignore-missing $branch HEAD "$@" || true
`
