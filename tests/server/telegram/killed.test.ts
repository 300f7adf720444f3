import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTenantRuns } from '../../../src/tenants/runs/tenant-runs.ts'
import { accessFolder } from '../../integration/server/fixture.ts'
import { createDice } from '../../support/chaos/dice.ts'
import { childProgram } from '../../support/child-program.ts'
import { repetitions } from '../../support/soak.ts'
import { until } from '../../support/stack/process.ts'
import { person } from '../../support/telegram/bot-objects.ts'
import type { BotProgram } from '../../support/telegram/bot-program.ts'
import { startTelegram } from '../../support/telegram/stand-in.ts'
import { startWorkers } from '../runs/fixture.ts'

const source = join(import.meta.dirname, '../../support/telegram/bot-program.ts')
const updates = 50

t.test('a bot that is killed at random points handles each of 50 updates once', async t => {
  const dice = createDice(t)
  const kills = repetitions({ short: 8, full: 40 })
  const { settings, runners } = await startWorkers(t, ['main'])
  const telegram = await startTelegram()
  t.teardown(telegram.close)
  const { control } = telegram
  const people = Array.from({ length: 10 }, (_, index) => person(100 + index, `P${index}`))
  const { folder } = accessFolder(t)
  const workspaces = join(folder, 'workspaces')
  mkdirSync(workspaces)
  const runnerFolder = join(runners.main.root, 'workspaces')
  symlinkSync(runnerFolder, join(workspaces, 'main'))
  const path = join(folder, 'telegram.yml')
  writeFileSync(path, `allowed_chats: [${people.map(({ chat }) => chat.id).join()}]`)
  const { tenants: _, ...options } = settings
  const config: BotProgram = {
    ...{ settings: options, accessFolder: folder, workspacesFolder: workspaces },
    ...{ runnerFolder, path, url: telegram.url },
  }
  const program = await childProgram(
    t,
    `import { runBot } from ${JSON.stringify(source)}
    await runBot(${JSON.stringify(config)})`,
  )
  let bot: ChildProcess | null = null
  let output = ''
  function start() {
    bot = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    bot.stdout?.on('data', chunk => {
      output += chunk
    })
  }
  async function kill() {
    const child = bot
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  t.teardown(kill)

  const sent = Array.from({ length: updates }, (_, index) => {
    const { user, chat } = people[index % people.length] ?? dice.pick(people)
    const name = `n${index}.txt`
    const base64 = Buffer.from(name).toString('base64')
    const kinds = [
      { kind: 'prompt', text: `write answer ${index}` },
      { kind: 'command', text: '/status' },
      { kind: 'file', file: { kind: 'document' as const, name, base64 } },
      {
        kind: 'caption',
        file: { kind: 'document' as const, name, base64 },
        caption: `write ${index}`,
      },
      { kind: 'bash', text: `/bash echo line ${index} >> ran.txt` },
    ]
    const { kind, ...message } = kinds[Math.floor(index / people.length)] ?? dice.pick(kinds)
    const { message_id } = control.send({ chat, from: user, ...message })
    return { chat: chat.id, id: message_id, kind, index }
  })
  /** The answers to a message, without progress that a killed bot left. */
  const answers = ({ chat, id }: { chat: number; id: number }) =>
    control
      .messages(chat)
      .filter(({ reply_to_message: asked }) => asked?.message_id === id)
      .map(({ text }) => text ?? '')
      .filter(text => !/^(working|waiting)/.test(text))
  const isDone = () => sent.every(one => answers(one).length > 0)
  const requests = () => control.calls().length + control.calls({ method: 'getUpdates' }).length
  start()
  for (let count = 0; count < kills && !isDone(); count++) {
    const strike = requests() + dice.between(1, 14)
    await until('a point to strike', async () => requests() >= strike || isDone())
    await kill()
    start()
  }
  await until('an answer to each update', async () => isDone())
  await until('the last offset', async () => control.updates().waiting.length === 0)
  await kill()

  t.notMatch(output, /"kind":"error"/)
  for (const one of sent) {
    // Telegram cannot tell whether a killed bot has sent an answer: it is sent again rather than lost.
    t.ok(answers(one).length <= 1 + kills, `${one.kind} ${one.index}`)
  }
  const runs = await openTenantRuns({ ...settings, report: error => t.fail(error.message) })
  t.teardown(() => runs.close())
  const { runs: all } = await runs.of('main').list({ limit: 500 })
  for (const one of sent.filter(({ kind }) => ['prompt', 'caption', 'bash'].includes(kind))) {
    const own = all.filter(({ prompt }) => new RegExp(`\\b${one.index}( |$)`).test(prompt))
    const texts = answers(one)
    const isRefused = /^busy|^interrupted: the server was away/.test(texts[0] ?? '')
    t.equal(own.length, isRefused ? 0 : 1, `${one.kind} ${one.index}: ${texts.join(' | ')}`)
  }
  for (const { chat } of people) {
    const files = readdirSync(join(runnerFolder, `chat_${chat.id}`))
    t.equal(files.filter(name => name.startsWith('n')).length, 2, files.join())
  }
})
