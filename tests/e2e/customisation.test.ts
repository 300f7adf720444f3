import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must } from '../support/stack/process.ts'
import { attachInternet, createTestStack, owner } from '../support/stack/test-stack.ts'

const data = await temporaryFolder(t, 'data')
await writeFile(join(data, 'single.txt'), 'one\n')
for (const name of ['given', 'read']) {
  await mkdir(join(data, name))
  await writeFile(join(data, name, 'file.txt'), `${name}\n`)
}
await must('chown', ['-R', `${owner}:${owner}`, data])

const custom = await temporaryFolder(t, 'custom')
await mkdir(join(custom, 'always-skills/tone'), { recursive: true })
await writeFile(
  join(custom, 'always-skills/tone/SKILL.md'),
  'Speak like a lighthouse keeper: SKILL-ONE.',
)
await mkdir(join(custom, 'bin'))
await writeFile(join(custom, 'bin/greet'), '#!/bin/sh\necho "greetings from $0"\n', { mode: 0o755 })
await must('chmod', ['-R', 'a+rX', custom])

const keys = await temporaryFolder(t, 'keys')
await must('ssh-keygen', [
  '-q',
  '-t',
  'ed25519',
  '-N',
  '',
  '-C',
  'agent',
  '-f',
  join(keys, 'id_ed25519'),
])
await writeFile(join(keys, 'known_hosts'), 'allowed.test ssh-ed25519 AAAA\n')
await writeFile(join(keys, 'other'), 'not for the agent')

const stack = await createTestStack(t, {
  start: false,
  allow: ['other.test'],
  files: {
    '.mcp.json': JSON.stringify({
      mcpServers: {
        local: {
          command: 'node',
          args: ['/workspace/mcp-server.mjs'],
          env: { LOUD: '!' },
          'x-claude-secure': { hosts: ['allowed.test'] },
        },
      },
    }),
    // Three answers, each one line; enough of the protocol for one tool.
    'mcp-server.mjs': `import { createInterface } from 'node:readline'
      const tool = { name: 'shout', description: 'Shouts.', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }
      for await (const line of createInterface({ input: process.stdin })) {
        const { id, method, params } = JSON.parse(line)
        if (id === undefined) continue
        const result =
          method === 'initialize' ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'local', version: '1' } }
          : method === 'tools/list' ? { tools: [tool] }
          : method === 'tools/call' ? { content: [{ type: 'text', text: params.arguments.text.toUpperCase() + process.env.LOUD }] }
          : {}
        console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
      }`,
    'claude-secure.config.json': JSON.stringify({
      environment: { OF_FOLDER: 'yes', GREETING: 'not this' },
      setupCommands: ['echo once >> "$HOME/setup.txt"; id -u > "$HOME/user.txt"', 'exit 3'],
      mounts: [{ source: join(data, 'read'), target: '/mnt/config', readonly: true }],
      bashTimeout: 90_000,
      maxThinkingTokens: 5_000,
      envFile: 'agent.env',
      volumes: [`${join(data, 'read')}:/mnt/volume:ro`],
      dockerfile: null,
      forwardSshKeys: true,
    }),
    'agent.env': 'OF_FILE=read\nOF_FOLDER=not this\n',
  },
  settings: {
    CLAUDE_ENV_GREETING: '"hello $HOME, it\'s me"',
    CLAUDE_MOUNT_GIVEN: `${data}/given:/mnt/given`,
    CLAUDE_MOUNT_READ: `${data}/read:/mnt/read:ro`,
    CLAUDE_MOUNT_SAME: `${data}/read`,
    CLAUDE_MOUNT_FILE: `${data}/single.txt:/mnt/single.txt:ro`,
    GIT_IDENTITY: `'Ada "L" King <ada@example.com>'`,
    CUSTOM_DIR: custom,
    SSH_DIR: keys,
  },
})
const unasked = await stack.cli(['start', '--detach'])
const accepted = await stack.cli(['config', '--accept'])
const started = await stack.cli(['start', '--detach', '--worker'])
if (started.code !== 0) throw new Error(started.stderr)
await attachInternet(stack)

for (const service of ['claude', 'worker']) {
  const sh = (script: string) => stack.inside(['sh', '-c', script], { service })

  t.test(`${service}: the user's variable arrives exactly as written`, async t => {
    t.equal((await sh('printf %s "$GREETING"')).stdout, "hello $HOME, it's me")
  })

  t.test(`${service}: the user's folders are mounted, and :ro is read-only`, async t => {
    t.equal((await sh('cat /mnt/given/file.txt /mnt/read/file.txt')).stdout, 'given\nread\n')
    t.equal((await sh(`echo written > /mnt/given/${service}`)).code, 0)
    const refused = await sh('echo written > /mnt/read/new')
    t.not(refused.code, 0)
    t.match(refused.stderr, /Read-only file system/)
    t.equal((await sh('rm -f /mnt/read/file.txt; mount -o remount,rw /mnt/read')).code !== 0, true)
  })

  t.test(`${service}: a mount without a target has the host's path`, async t => {
    t.equal((await sh(`cat ${data}/read/file.txt`)).stdout, 'read\n')
  })
}

for (const service of ['claude', 'worker']) {
  const sh = (script: string) => stack.inside(['sh', '-c', script], { service })

  t.test(
    `${service}: programs of the user are in PATH, and not for the agent to change`,
    async t => {
      const { stdout } = await sh('greet; command -v git')
      t.equal(stdout, 'greetings from /etc/claude-secure/custom/bin/greet\n/usr/local/bin/git\n')
      for (const attempt of [
        'echo x > greet',
        'echo x > new',
        'rm greet',
        'mv greet x',
        'chmod 0 greet',
      ]) {
        const { code } = await sh(`cd /etc/claude-secure/custom/bin && ${attempt}`)
        t.not(code, 0, attempt)
      }
      t.not((await sh('mkdir -p /etc/claude-secure/custom/other')).code, 0)
      t.not((await sh('echo x >> /etc/claude-secure/append-system-prompt.md')).code, 0)
    },
  )

  t.test(`${service}: commits have the user's identity, a repository may override it`, async t => {
    const commit = 'git commit -q --allow-empty -m x && git log -1 --format="%an <%ae> %cn"'
    const { stdout, stderr } = await sh(
      `set -e; cd "$(mktemp -d)"; git init -q; ${commit}; git config user.name Bob; ${commit}`,
    )
    t.equal(
      stdout,
      'Ada "L" King <ada@example.com> Ada "L" King\nBob <ada@example.com> Bob\n',
      stderr,
    )
  })
}

t.test('a run works beside a mounted file, and reads it', async t => {
  const { code, stdout, stderr } = await stack.cli(['run', '[[say done]]'], { timeout: 600_000 })
  t.equal(code, 0, stderr)
  t.equal(stdout, 'done\n')
  t.equal((await stack.inside(['cat', '/mnt/single.txt'], { service: 'worker' })).stdout, 'one\n')
})

t.test("the folder's configuration takes effect once approved, and .env wins", async t => {
  t.equal(unasked.code, 1)
  t.match(unasked.stderr, /requests access you have not approved/)
  t.equal(accepted.code, 0, accepted.stderr)
  for (const service of ['claude', 'worker']) {
    const sh = (script: string) => stack.inside(['sh', '-c', script], { service })
    t.equal((await sh('echo $OF_FOLDER $OF_FILE')).stdout, 'yes read\n')
    t.equal((await sh('echo $BASH_MAX_TIMEOUT_MS $MAX_THINKING_TOKENS')).stdout, '90000 5000\n')
    t.match(await sh('cat /mnt/volume/file.txt && echo x > /mnt/volume/file.txt'), {
      stdout: 'read\n',
      stderr: /Read-only/,
    })
    t.equal((await sh('cat ~/setup.txt ~/user.txt')).stdout, `once\n${owner}\n`, service)
    t.equal((await sh('cat /mnt/config/file.txt')).stdout, 'read\n')
    t.not((await sh('echo x > /workspace/claude-secure.config.json')).code, 0, 'not the agent’s')
  }
  t.match(started.stderr, /setup command failed with exit code 3/)
})

for (const service of ['claude', 'worker']) {
  const sh = (script: string) => stack.inside(['sh', '-c', script], { service })

  t.test(`${service}: the key pair of SSH_DIR signs, and ssh does not get out`, async t => {
    t.equal(
      (await sh('ls /etc/claude-secure/ssh')).stdout,
      'id_ed25519\nid_ed25519.pub\nknown_hosts\n',
    )
    t.equal(
      (await sh('stat -c "%a %u" /etc/claude-secure/ssh/id_ed25519')).stdout,
      `400 ${owner}\n`,
    )
    const key = '/etc/claude-secure/ssh/id_ed25519'
    const signed = await sh(
      `cd "$(mktemp -d)" && git init -q && git -c gpg.format=ssh -c user.signingkey=${key} commit -qS --allow-empty -m x && git cat-file -p HEAD`,
    )
    t.match(signed.stdout, /BEGIN SSH SIGNATURE/, signed.stderr)
    const { stdout } = await sh('ssh -G allowed.test')
    t.match(stdout, /stricthostkeychecking (true|yes)/)
    t.match(stdout, /userknownhostsfile \/etc\/claude-secure\/ssh\/known_hosts/)
    t.match(stdout, /identitiesonly yes/)
    const out = await sh('timeout 20 ssh git@allowed.test true')
    t.not(out.code, 0)
    t.match(out.stderr, /SSH does not leave this container/)
  })
}

t.test('bytes that are not TLS go nowhere, even through a listed name on 443', async t => {
  const talk = (words: string) => `
    const socket = require('node:net').connect(3128, 'proxy')
    socket.write('CONNECT other.test:443 HTTP/1.1\\r\\nHost: other.test:443\\r\\n\\r\\n')
    let seen = ''
    socket.on('data', data => { if (!seen) socket.write(${JSON.stringify(words)}); seen += data })
    socket.on('error', () => {}).on('close', () => console.log(seen)).setTimeout(20000, () => socket.destroy())`
  const before = (await stack.internet.events()).filter(({ kind }) => kind === 'tcp').length
  const { stdout } = await stack.inside(['node', '-e', talk('SSH-2.0-OpenSSH_10.0\r\n')])
  t.match(stdout, /^HTTP\/1\.1 200/, 'the tunnel itself is granted before anything is seen')
  t.notMatch(stdout, /SSH-|HTTP\/1\.1 400/, 'nothing answered')
  const after = (await stack.internet.events()).filter(({ kind }) => kind === 'tcp').length
  t.equal(after, before, 'nothing was dialled')
  const { code } = await stack.inside(['curl', '-sk', '--max-time', '120', 'https://other.test/'])
  t.equal(code, 0, 'HTTPS to the same name goes through')
  t.ok((await stack.internet.events()).filter(({ kind }) => kind === 'tcp').length > before)
})

t.test('a session: the skill ends the system prompt, and Bash finds the programs', async t => {
  const terminal = await stack.terminal(['start'])
  await terminal.waitFor(/^\s*[│>❯]/m)
  await terminal.submit('[[bash greet; echo "G=$GREETING"]]')
  await terminal.waitFor(/greetings from \/etc\/claude-secure\/custom\/bin\/greet/)
  await terminal.waitFor(/G=hello \$HOME, it's me/)
  await terminal.submit('[[tool mcp__local__shout {"text":"of the session"}]]')
  await terminal.waitFor(/OF THE SESSION!/)
  const systems = await systemPrompts()
  const skilled = systems.filter(text => text.includes('SKILL-ONE'))
  t.ok(skilled.length > 0, 'the skill reached the model')
  t.ok(
    skilled.some(text => /Claude Code/.test(text) && text.indexOf('SKILL-ONE') > 1_000),
    "behind Claude Code's own words",
  )
  const { stdout } = await stack.inside(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'])
  t.notMatch(stdout, /SKILL-ONE|lighthouse/, 'no text in an argument')
  await terminal.submit('/exit')
  await terminal.exitStatus()
})

t.test('a run: the same skill, before what the run itself appends', async t => {
  await stack.internet.forgetModelRequests()
  const request = {
    version: 1,
    runId: '00112233aabbccdd',
    workspace: '/workspace',
    request: {
      prompt:
        '[[bash greet; echo "G=$GREETING"; cat /mnt/read/file.txt]][[tool mcp__local__shout {"text":"of the run"}]]',
      appendSystemPrompt: 'OF-THE-RUN',
    },
  }
  // The end of its stdin would cancel the run.
  const script = 'exec claude-secure-run < <(cat; exec sleep 600 2> /dev/null)'
  const { stdout, stderr } = await stack.inside(['bash', '-c', script], {
    service: 'worker',
    input: `${JSON.stringify(request)}\n`,
  })
  t.match(stdout, /greetings from \/etc\/claude-secure\/custom\/bin\/greet/, stderr)
  t.match(stdout, /G=hello \$HOME, it's me\\nread/)
  t.match(stdout, /OF THE RUN!/, 'the MCP server of the folder, which was allowed')
  const texts = await systemPrompts()
  t.ok(
    texts.some(text => /SKILL-ONE[\s\S]*OF-THE-RUN/.test(text)),
    'one after the other',
  )
})

t.test(
  'an MCP server is shown with what it needs, and an unapproved one is not started',
  async t => {
    t.match(
      started.stderr,
      /MCP server local needs allowed\.test: run \S*\/claude\.ts allow --here allowed\.test/,
    )
    t.match(accepted.stderr, /the MCP server local runs \["node",.* with LOUD/)
    const inside = async () =>
      JSON.parse((await stack.inside(['cat', '/etc/claude-secure/mcp.json'])).stdout)
    t.same(Object.keys((await inside()).mcpServers), ['local'])
    await stack.internet.detach()
    const other = { mcpServers: { local: { command: 'touch', args: ['/workspace/MCP'] } } }
    await writeFile(join(stack.workspace, '.mcp.json'), JSON.stringify(other))
    const again = await stack.cli(['start', '--detach'])
    t.equal(again.code, 0, again.stderr)
    t.match(again.stderr, /MCP servers of this folder are not used, because they are not approved/)
    t.same(await inside(), { mcpServers: {} })

    await t.test('a terminal asks once, and a no is kept', async t => {
      const first = await stack.terminal(['start'])
      await first.waitFor(/local runs \["touch","\/workspace\/MCP"\]/)
      await first.waitFor(/Let the agent use them/)
      await first.press('n')
      await first.waitFor(/bypass permissions/)
      await new Promise(resolve => setTimeout(resolve, 3_000))
      await first.press('C-\\')
      t.equal(await first.exitStatus(), 0)
      const second = await stack.terminal(['start'])
      await second.waitFor(/bypass permissions/)
      t.notMatch(await second.screen(), /Let the agent use them/)
      await second.hangUp()
      t.not((await stack.inside(['test', '-e', '/workspace/MCP'])).code, 0, 'nobody started it')
      await stack.inside(['pkill', '-f', 'claude'])
    })
  },
)

t.test('a terminal shows the values that a changed configuration asks for', async t => {
  const config = {
    environment: { OF_FOLDER: 'judge this value' },
    setupCommands: ['echo judge-this'],
  }
  const path = join(stack.workspace, 'claude-secure.config.json')
  const approved = await readFile(path)
  await writeFile(path, JSON.stringify(config))
  await stack.internet.detach()
  const terminal = await stack.terminal(['start'])
  await terminal.waitFor(/OF_FOLDER.*judge this value/)
  await terminal.waitFor(/echo judge-this/)
  await terminal.press('C-c')
  t.not(await terminal.exitStatus(), 0)
  await writeFile(path, approved)
})

t.test('the next start notices a changed skill', async t => {
  await writeFile(join(custom, 'always-skills/tone/SKILL.md'), 'Now like a pilot: SKILL-TWO.')
  await stack.internet.detach()
  const { code, stderr } = await stack.cli(['start', '--detach', '--worker'])
  t.equal(code, 0, stderr)
  const { stdout } = await stack.inside(['cat', '/etc/claude-secure/append-system-prompt.md'])
  t.match(stdout, /SKILL-TWO/)
})

/** What each request to the model had as its system prompt. */
async function systemPrompts(): Promise<string[]> {
  const requests = await stack.internet.modelRequests()
  return requests.flatMap(({ path, body }) => {
    if (!path.startsWith('/v1/messages')) return []
    const { system } = JSON.parse(body)
    if (typeof system === 'string') return [system]
    return [(system ?? []).map(({ text }: { text: string }) => text).join('\n')]
  })
}

t.test('start lists writable mounts, and the audit accepts declared ones', async t => {
  t.match(started.stderr, /CLAUDE_MOUNT_.* lets the agent write in \S+given, \S+read, where hooks/)
  const audit = await stack.cli(['audit', '--json', '--probe', 'C2'], { timeout: 600_000 })
  const [probe] = JSON.parse(audit.stdout).probes
  const verdicts = new Map<string, string>(
    probe.checks.map(({ claim, verdict }: { claim: string; verdict: string }) => [claim, verdict]),
  )
  t.equal(verdicts.get('every mount is one that the design expects'), 'held', audit.stdout)
  t.equal(verdicts.get('every mount that should be read-only is read-only'), 'held')
  t.equal(
    verdicts.get('the workspace is the only folder of the host that the agent can write to'),
    'weak',
  )
})
