import { realpath } from 'node:fs/promises'
import t from 'tap'
import { renderCommands } from '../../../src/base/command.ts'
import { renderCopyNotice } from '../../../src/operations/copy/copy-notice.ts'
import { stackNotice } from '../../../src/operations/notices.ts'
import { labels } from '../../../src/stack/labels.ts'

const stack = 'claude-secure-app-0123abcd'
const shown = (lines: readonly string[]) =>
  lines.map(line => renderCommands(line, words => `./claude.ts ${words}`))
const place = { address: { socketPath: '/nowhere.sock' }, stack }

/** An engine with one container of the stack in a state. */
const engineWith = (state: string | null) => ({
  containers: async () =>
    state === null
      ? []
      : [
          {
            Id: 'c',
            Names: [],
            ImageID: 'i',
            Image: 'i',
            State: state,
            Status: '',
            Created: 0,
            Labels: { [labels.stack]: stack, 'com.docker.compose.service': 'proxy' },
          },
        ],
})

t.test('a stack that outlives the session is named, with the commands for this folder', async t => {
  const here = { ...place, workspace: await realpath(process.cwd()) }
  t.same(shown(await stackNotice(here, engineWith('running'))), [
    `${stack} is still up: ./claude.ts start comes back, ./claude.ts stop ends it`,
  ])
  t.same(shown(await stackNotice({ ...here, workspace: '/elsewhere' }, engineWith('running'))), [
    `${stack} is still up: ./claude.ts attach 0123abcd comes back, ./claude.ts stop 0123abcd ends it`,
  ])
  t.same(shown(await stackNotice({ ...here, ofRun: true }, engineWith('running'))), [
    `${stack} is still up: ./claude.ts stop ends it`,
  ])
  t.same(await stackNotice(here, engineWith('exited')), [])
  t.same(await stackNotice(here, engineWith(null)), [])
})

t.test('changes in the copy are counted, or reported without a count', async t => {
  t.same(renderCopyNotice(0), [])
  t.match(shown(renderCopyNotice(1))[0], /the copy: \.\/claude\.ts diff .*\.ts apply/)
  t.match(renderCopyNotice(1)[0], /^1 changed file is/)
  t.match(renderCopyNotice(1_000)[0], /^1000 changed files are in the copy/)
  t.match(shown(renderCopyNotice(null))[0], /in its copy: \.\/claude\.ts diff .*\.ts apply/)
})
