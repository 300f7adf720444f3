import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

/** What is left of a stack, by its label. */
async function left(stack: string) {
  const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${stack}`]
  return {
    containers: (await must('docker', ['ps', '--all', ...filter])).trim(),
    networks: (await must('docker', ['network', 'ls', ...filter])).trim(),
  }
}

t.test('a stack whose internal network gives the host an address does not stay up', async t => {
  const stack = await createTestStack(t, { start: false })
  const edit = async (path: string, change: (text: string) => string) => {
    const file = join(stack.checkout, path)
    const text = await readFile(file, 'utf8')
    t.not(change(text), text, `${path} has what is taken out`)
    await writeFile(file, change(text))
    return () => writeFile(file, text)
  }
  // As an engine does that does not know these options: it says nothing and makes an ordinary bridge.
  const undo = [
    await edit('compose.yaml', text =>
      text.replaceAll("inhibit_ipv4: 'true'", "inhibit_ipv4: 'false'"),
    ),
    await edit('src/stack/render-networks.ts', text => text.replaceAll("'isolated'", "'nat'")),
  ]
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /the engine gave the host the address \d+\.\d+\.\d+\.\d+ on \S+-internal/,
    hint: /update the engine, because the agent could reach services of this host there/,
  })
  t.same(await left(stack.stack), { containers: '', networks: '' }, 'it was taken down again')

  for (const restore of undo) await restore()
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
})
