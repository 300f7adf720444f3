import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

const claim =
  'the server cannot change its tokens, sockets and counts, nor the folder of all tenants'

/** A taken-over server must not make a token, nor have the engine mount what a link names. */
export const serverFiles: Probe = {
  id: 'W6',
  title: 'tokens and sockets that a taken-over server changes',
  attack: "create files beside the server's tokens, sockets, counts and workspaces",
  standards: [standards.hostFolders, standards.readOnly],
  async run(scene) {
    return [await orUnknown(claim, () => createsNothing(scene))]
  },
}

async function createsNothing(scene: Scene): Promise<Check> {
  const sockets = (scene.tenants ?? []).map(tenant => `/run/claude-secure/workers/${tenant}`)
  const folders = [
    '/etc/claude-secure/server',
    '/etc/claude-secure/telegram',
    '/run/secrets/workers',
    '/var/lib/claude-secure/usage',
    '/workspaces',
    ...sockets,
  ]
  const own = '/var/lib/claude-secure/server'
  const script = `for d; do f="$d/.claude-secure-audit-$$"
    if (: > "$f") 2> /dev/null; then echo "$d"; rm -f "$f"; fi
  done`
  const { stdout } = await scene.inside('server', ['sh', '-c', script, 'sh', own, ...folders])
  const written = stdout.split('\n').filter(Boolean)
  if (!written.includes(own)) throw new Error('the server cannot write its own store either')
  const open = written.filter(folder => folder !== own)
  return check(
    claim,
    open.length === 0,
    open.length > 0 ? `written: ${list(open)}` : `${folders.length} folders tried`,
  )
}
