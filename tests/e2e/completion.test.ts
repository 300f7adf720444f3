import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, realpath, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createFileStore } from '../../src/run/store/file-store.ts'
import { folderStack } from '../../src/stack/identity.ts'
import { resultOf } from '../support/run/transcript.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { createControlScript } from '../support/stack/control-script.ts'
import { openTerminal } from '../support/stack/terminal.ts'

// The shells that people have, as they start without a configuration, with the line that the docs give.
const script = await createControlScript(t)
const links = await temporaryFolder(t, 'links')
const link = join(links, 'my-claude')
await symlink(join(script.checkout, 'claude.ts'), link)

const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks')
const { name: here } = folderStack(await realpath(script.workspace))
await mkdir(join(state, 'claude-secure-elsewhere-00c0ffee'), { recursive: true })
// Its name is held machine-wide.
const runId = `00${randomBytes(7).toString('hex')}`
const run = await createFileStore(join(state, here, 'runs')).create({
  ...{ runId, workspace: '/workspace', startedAt: '2026-11-21T10:00:00.000Z', prompt: 'hello' },
  ...{ model: null, owner: null, surface: 'cli', idempotencyKey: null, requestDigest: null },
})
await run.finish({ ...resultOf('text'), runId })

const shells = {
  bash: {
    command: ['bash', '--norc', '--noprofile', '-i'],
    setUp: ['bind "set bell-style none"', 'eval "$(my-claude completion bash)"'],
  },
  'bash with bash-completion': {
    command: ['bash', '--norc', '--noprofile', '-i'],
    setUp: [
      'bind "set bell-style none"',
      '. /usr/share/bash-completion/bash_completion',
      'eval "$(my-claude completion bash)"',
    ],
  },
  zsh: {
    command: ['zsh', '-f', '-i'],
    setUp: ['autoload -Uz compinit && compinit -u -D', 'eval "$(my-claude completion zsh)"'],
  },
  fish: {
    command: ['fish', '--no-config', '--private'],
    setUp: ['my-claude completion fish | source'],
  },
}

/** What is typed before a Tab, and the line that is there after it. */
const cases: Record<string, readonly [typed: string, completed: string]> = {
  'a command': ['my-claude allowl', 'my-claude allowlist'],
  'an option': ['my-claude start --det', 'my-claude start --detach'],
  'a model': ['my-claude run --model fab', 'my-claude run --model fable'],
  'a model behind =': ['my-claude run --model=fab', 'my-claude run --model=fable'],
  'a run': [`my-claude run result ${runId.slice(0, 6)}`, `my-claude run result ${runId}`],
  'a stack': ['my-claude stop else', 'my-claude stop elsewhere-00c0ffee'],
  'claude.ts by its path': [
    `${script.checkout}/claude.ts start --det`,
    `${script.checkout}/claude.ts start --detach`,
  ],
  'a quoted word before it': ["my-claude run --effort 'low' --mod", "run --effort 'low' --model"],
}

for (const [shell, { command, setUp }] of Object.entries(shells)) {
  t.test(`a Tab in ${shell} completes the names of claude-secure`, async t => {
    const env = { ...script.env, PATH: `${links}:${script.env.PATH}`, PS1: '$ ', PROMPT: '$ ' }
    const terminal = await openTerminal(t, command, {
      ...{ cwd: script.workspace, env, columns: 200, rows: 50 },
    })
    for (const line of [...setUp, 'clear; echo re""ady']) {
      await terminal.type(line)
      await terminal.press('Enter')
    }
    await terminal.waitFor(/^ready/m)
    for (const [what, [typed, completed]] of Object.entries(cases)) {
      await terminal.type(typed)
      await terminal.press('Tab')
      // Read after the Tab; an autosuggestion is gone by then.
      await terminal.type('#')
      // The whole line: a prompt of root ends with `#`, and the line before may still show.
      const line = `${completed} #`
      t.match(
        await terminal.waitFor(new RegExp(line.replace(/[.+*?^$()[\]|\\]/g, '\\$&'))),
        line,
        what,
      )
      await terminal.press('C-u')
    }

    await terminal.type('my-claude sta')
    await terminal.press('Tab', 'Tab')
    const listed = await terminal.waitFor(/status/)
    t.match(listed, /start\b[\s\S]*status/, 'several are listed')
    t.notMatch(listed, /:4/, 'and nothing else')
    await terminal.press('C-c')

    for (const word of [`$(touch ran)`, '`touch ran`']) {
      await terminal.type(`my-claude run "${word}" ${word} --mod`)
      await terminal.press('Tab')
      await terminal.type('#')
      await terminal.waitFor(/#\s*$/m)
      await terminal.press('C-c')
    }
    t.notOk(existsSync(join(script.workspace, 'ran')), 'it runs nothing of what is typed')
  })
}
