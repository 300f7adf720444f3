/** A control of the program's code, without which a test fails that needs no engine. */
export type SourceControl = {
  control: string
  file: string
  /** The text that states it, and the text without it. */
  remove: readonly [from: string, to: string]
  test: string
}

const unit = 'tests/unit'

export const sourceControls: readonly SourceControl[] = [
  {
    control: 'a header names no process of a caller that has a key',
    file: 'src/gateway/counting/run-names.ts',
    remove: ['if (caller.meterKey !== undefined) return meter ?? interactive', ''],
    test: 'tests/integration/gateway/tenants.test.ts',
  },
  {
    control: 'only its key names a process',
    file: 'src/base/run-placeholder.ts',
    remove: ["const proof = mac(signer, ['placeholder', meter])", "const proof = 'x'.repeat(43)"],
    test: `${unit}/gateway/http/caller.test.ts`,
  },
  {
    control: 'an announcement of a run needs a signature',
    file: 'src/gateway/counting/run-names.ts',
    remove: ['if (proof === null) return false', 'return true'],
    test: 'tests/integration/gateway/tenants.test.ts',
  },
  {
    control: 'an announcement of a run counts once',
    file: 'src/gateway/counting/run-names.ts',
    remove: ['if (proof && at <= (runs.get(meter)?.at ?? forgotten)) return false', ''],
    test: `${unit}/gateway/counting/run-names.test.ts`,
  },
  {
    control: 'a token budget counts what requests in flight ask for',
    file: 'src/gateway/counting/accounting.ts',
    remove: ['spent.tokens += estimatedTokens', ''],
    test: `${unit}/gateway/counting/accounting.test.ts`,
  },
  {
    control: 'only the worker gets the key that names runs',
    file: 'src/stack/stack-file.ts',
    remove: ["agent === 'runs' && stack.mode", 'stack.mode'],
    test: `${unit}/stack/stack-file.test.ts`,
  },
  {
    control: 'a process gets no placeholder but its own',
    file: 'src/runner/claude/command.ts',
    remove: ['given.map(name => [name, signed])', 'given.map(name => [name, env[name]])'],
    test: `${unit}/runner/claude/command.test.ts`,
  },
  {
    control: 'a tenant leaves the others their part of the gateway',
    file: 'src/gateway/http/shares.ts',
    remove: ['if (all + kept >= limit) return false', 'if (all >= limit) return false'],
    test: `${unit}/gateway/http/shares.test.ts`,
  },
  {
    control: 'names of agents are bounded',
    file: 'src/usage/tally.ts',
    remove: ['(named.get(entry.meter) ?? 0) >= limits.agents || ', ''],
    test: `${unit}/usage/tally.test.ts`,
  },
  {
    control: 'a start refuses a bridge without the reverse path filter',
    file: 'src/stack/host-side.ts',
    remove: ['if (off !== undefined) throw', 'if (off === null) throw'],
    test: 'tests/integration/stack/host-side.test.ts',
  },
  {
    control: 'a hello with two extensions of one type is refused',
    file: 'proxy/same-name',
    remove: ['taken + count > end || seen[type]++', 'taken + count > end'],
    test: 'tests/stack/squid-image.test.ts',
  },
  {
    control: 'a copy withholds a repository that is split over folders',
    file: 'src/workspace/copy/git-data.ts',
    remove: ['seen.has(`${folder}/commondir`) ||', 'false ||'],
    test: 'tests/integration/workspace/copy/git-shapes.test.ts',
  },
  {
    control: 'a repository that is split over folders is listed',
    file: 'src/workspace/host-files/repository-files.ts',
    remove: ["(has('head') && has('commondir')) ||", 'false ||'],
    test: `${unit}/workspace/host-files.test.ts`,
  },
  {
    control: 'a file that the host would obey is moved away',
    file: 'src/workspace/overlay/withdraw.ts',
    remove: ['for (const name of names) {', 'for (const name of names.slice(0, 0)) {'],
    test: `${unit}/workspace/overlay/withdraw.test.ts`,
  },
  {
    control: 'setuid bits are taken off',
    file: 'src/workspace/host-files/modes.ts',
    remove: [' & ~setuidBits', ''],
    test: `${unit}/workspace/host-files-modes.test.ts`,
  },
  {
    control: 'a folder that the agent closed is opened and checked',
    file: 'src/workspace/host-files/closed-folders.ts',
    remove: ['(mode & 0o500) !== 0o500', 'mode < 0'],
    test: `${unit}/workspace/host-files-modes.test.ts`,
  },
  {
    control: 'a folder that cannot be read is named',
    file: 'src/workspace/host-files/scan.ts',
    remove: ["['EACCES', 'ENAMETOOLONG']", "['']"],
    test: `${unit}/workspace/host-files.test.ts`,
  },
  {
    control: 'a check of the files that takes too long says so',
    file: 'src/cli/after-session.ts',
    remove: ['.catch(error => [', '.catch(error => [].slice() ?? ['],
    test: `${unit}/cli/after-session.test.ts`,
  },
  {
    control: 'the folder is held by its real path',
    file: 'src/files/beneath.ts',
    remove: [
      '`${descriptors}${file.fd}`) === path) return file',
      '`${descriptors}${file.fd}`)) return file',
    ],
    test: 'tests/integration/workspace/copy/root-swapped.test.ts',
  },
  {
    control: 'names are bytes',
    file: 'src/files/byte-names.ts',
    remove: ['if (!text.includes(unknown) ||', 'if (text ||'],
    test: 'tests/integration/workspace/copy/byte-names.test.ts',
  },
  {
    control: 'a run sets no limits of other processes',
    file: 'claude/lib/claude-secure/out-of-reach.pl',
    remove: ['$null . instruction($return, 0, 0, $refuse)', '$null . $end'],
    test: 'tests/integration/runner/claude/process.test.ts',
  },
  {
    control: 'the user of sessions is neither that of the agent nor in its group',
    file: 'src/stack/keeper.ts',
    remove: ['id !== agent.uid && id !== agent.gid', 'id > 0'],
    test: `${unit}/stack/keeper.test.ts`,
  },
  {
    control: 'closed folders are opened before a run',
    file: 'src/runner/claude/repair.ts',
    remove: ['(stats.mode & needed) !== needed', '(stats.mode & needed) < 0'],
    test: `${unit}/runner/claude/repair.test.ts`,
  },
  {
    control: 'no process waits with one below it',
    file: 'src/runner/pool/pool.ts',
    remove: ['lookForStrays(warm, firstLook)', 'void firstLook'],
    test: 'tests/integration/runner/warm.test.ts',
  },
  {
    control: 'a process that cannot be read has not ended',
    file: 'src/runner/ending/sweep.ts',
    remove: ['    throw error\n', '    return null\n'],
    test: `${unit}/runner/ending/sweep.test.ts`,
  },
  {
    control: 'a run with other runs beside it gets no shared folder',
    file: 'src/runner/claude/confine.ts',
    remove: ['(alone ? shared : [])', 'shared'],
    test: `${unit}/runner/claude/confine.test.ts`,
  },
  {
    control: 'a run gets its folder, and not what its path leads to by then',
    file: 'src/runner/claude/confine.ts',
    remove: ['[alone ? workspace.path : heldWorkspace,', '[workspace.path,'],
    test: `${unit}/runner/claude/confine.test.ts`,
  },
  {
    control: 'a workspace that was replaced starts no run',
    file: 'src/runner/claude/launch.ts',
    remove: ['confinement && !confinement.alone ?', 'workspace.path === null ?'],
    test: `${unit}/runner/claude/launch.test.ts`,
  },
  {
    control: 'no workspace is outside of the shared folder',
    file: 'src/runner/workspace.ts',
    remove: ['!isWithin(places.workspaces, path)', '!path.startsWith(places.workspaces)'],
    test: `${unit}/runner/workspace.test.ts`,
  },
  {
    control: 'no run starts in a workspace that was exchanged for a symlink',
    file: 'src/runner/workspace.ts',
    remove: ['path !== asked && (', 'path === null && ('],
    test: `${unit}/runner/workspace.test.ts`,
  },
  {
    control: 'a token pays what the gateway counted, and not only what an agent lets be reported',
    file: 'src/tenants/runs/spent-today.ts',
    remove: ['usd: Math.max(one.usd, other.usd)', 'usd: one.usd'],
    test: `${unit}/tenants/runs/spent-today.test.ts`,
  },
  {
    control: 'the tokens of one tenant leave memory for requests of the others',
    file: 'src/tenants/byte-budget.ts',
    remove: ['sum + bytes + kept > total', 'sum + bytes > total'],
    test: `${unit}/tenants/byte-budget.test.ts`,
  },
  {
    control: 'no statement of the runs is without its tenant',
    file: 'src/tenants/store/statements.ts',
    remove: [
      'WHERE tenant = ? AND run_id = ? AND ${present}',
      'WHERE ? > 0 AND run_id = ? AND ${present}',
    ],
    test: 'tests/server/store/tenant-store.test.ts',
  },
  {
    control: 'one process holds the runs of a server',
    file: 'src/tenants/store/database.ts',
    remove: ["pragma('locking_mode = EXCLUSIVE')", "pragma('locking_mode = NORMAL')"],
    test: 'tests/server/store/run-stores.test.ts',
  },
  {
    control: 'without Landlock a tenant has one workspace',
    file: 'src/tenants/runs/landlock-check.ts',
    remove: ['if (!isConfined) {', 'if (root === null) {'],
    test: `${unit}/tenants/runs/landlock-check.test.ts`,
  },
  {
    control: 'a runner asks every client for the token',
    file: 'src/runner/server.ts',
    remove: ['if (!isAuthorized(request, token)) return', 'if (token === null) return'],
    test: 'tests/integration/runner/refusals.test.ts',
  },
  {
    control: 'a cancel needs the word of the runner',
    file: 'src/run/follow.ts',
    remove: ["(signal.aborted ? { kind: 'unconfirmed' } : last)", 'last'],
    test: `${unit}/run/engine.test.ts`,
  },
  {
    control: 'the whole identity of a stack is compared: state folder',
    file: 'src/stack/identity.ts',
    remove: [' && hashed(a) === hashed(b)', ''],
    test: `${unit}/stack/state/owner.test.ts`,
  },
  {
    control: 'the whole identity of a stack is compared: volumes',
    file: 'src/stack/identity.ts',
    remove: [' && hashed(a) === hashed(b)', ''],
    test: `${unit}/stack/volumes.test.ts`,
  },
  {
    control: 'other users cannot enter the folder of locks',
    file: 'src/process/name-lock.ts',
    remove: [' || (stats.mode & 0o077) !== 0', ''],
    test: 'tests/integration/process/name-lock.test.ts',
  },
  {
    control: 'a stop removes the credential',
    file: 'src/stack/secrets.ts',
    remove: ['  await forgetCredential(folder)\n', ''],
    test: `${unit}/stack/secrets.test.ts`,
  },
  {
    control: 'a huge file of the agent is not read',
    file: 'src/stack/read-copy.ts',
    remove: ['size > fileLimit &&', 'size < 0 &&'],
    test: `${unit}/stack/read-copy.test.ts`,
  },
  {
    control: 'Ctrl-C ends the reading of a sparse file',
    file: 'src/workspace/copy/host-state.ts',
    remove: ['signal?.throwIfAborted()', 'void signal'],
    test: 'tests/integration/workspace/copy/apply.test.ts',
  },
  {
    control: 'abandoned requests count with their max_tokens',
    file: 'src/gateway/counting/accounting.ts',
    remove: ['= atMost?.maxTokens ?? 0', '= 0'],
    test: `${unit}/gateway/counting/accounting.test.ts`,
  },
  {
    control: 'requests in flight are reserved',
    file: 'src/gateway/counting/accounting.ts',
    remove: ["sum('its-end', except)", '0'],
    test: `${unit}/gateway/counting/accounting.test.ts`,
  },
  {
    control: 'input that the origin fetches is counted',
    file: 'src/gateway/counting/request-reader.ts',
    remove: ['&& !references.found()', ''],
    test: `${unit}/gateway/counting/request-reader.test.ts`,
  },
  {
    control: 'an update waits until a version has been public',
    file: 'src/images/npm-view.ts',
    remove: [" || !(Date.parse(time[name] ?? '') <= until)", ''],
    test: 'tests/integration/images/npm-view.test.ts',
  },
  {
    control: 'an approval shows the values of variables',
    file: 'src/config/workspace-requests.ts',
    remove: ['=${quotedValue(value)}', ''],
    test: `${unit}/config/workspace-requests.test.ts`,
  },
  {
    control: 'a copy made by root holds what the owner can read',
    file: 'src/workspace/copy/reader.ts',
    remove: ['if (!reader) return true', 'if (node) return true'],
    test: 'tests/integration/workspace/copy/pack.test.ts',
  },
  {
    control: 'a folder called like an id is not that stack',
    file: 'src/stack/inspect.ts',
    remove: ['(ofFolder ? startsWith(id, wanted) : id === wanted)', 'id === wanted'],
    test: `${unit}/operations/find-stacks.test.ts`,
  },
]
