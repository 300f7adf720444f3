import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bundlePrograms, serverPrograms, writeBundle } from '../../../src/images/program-bundle.ts'
import { createGate } from '../../../src/tenants/gate.ts'
import { createSchemaCheck } from '../../../src/tenants/schema-check.ts'

const root = join(import.meta.dirname, '../../..')

/** The program of the thread, as the image has it. */
const bundle = await bundlePrograms(
  root,
  serverPrograms.filter(({ out }) => out === 'schema-worker.js'),
)

async function programOf(t: Test) {
  const folder = t.testdir()
  await writeBundle(bundle, folder)
  return join(folder, 'schema-worker.js')
}

const gate = createGate(2)
const schema = { type: 'object', required: ['colour'], additionalProperties: false }

/** Backtracks 2^40 times on `evil`. */
const hostile = { type: 'string', pattern: '^(a+)+$' }
const evil = `${'a'.repeat(40)}!`

t.test('a schema is compiled and checked in a thread', async t => {
  const compile = createSchemaCheck({ gate, program: await programOf(t), milliseconds: 20_000 })
  const colours = { ...schema, properties: { colour: { type: 'string' } } }
  const validate = await compile(colours)
  t.equal(await validate({ colour: 'red' }), null)
  t.match(await validate({ colour: 7 }), /\/colour must be string/)
  t.match(await validate(undefined), /must be object/)
  const refusal = { code: 'schema', message: /schema is not valid/ }
  await t.rejects(compile({ type: 'nonsense' }), refusal)
  await t.rejects(compile({ pattern: '(' }), refusal)
  t.equal(await validate({ colour: 'blue' }), null, 'a refused schema holds up no other')
})

t.test('a pattern that never ends holds up neither the process nor the next check', async t => {
  const program = await programOf(t)
  const other = createSchemaCheck({ gate, program, milliseconds: 20_000 })
  const { validate: slow, milliseconds } = await slowCheck(program)
  const late = slow(evil)
  t.equal(await (await other(hostile))('aaa'), null, 'another tenant is served meanwhile')
  t.equal(await late, `it could not be checked within ${milliseconds / 1_000} s`)
  t.equal(await (await other(hostile))('aab'), 'it must match pattern "^(a+)+$"')
})

/** Compiles the hostile schema with the shortest of several limits that suffices on this machine. */
async function slowCheck(program: string) {
  for (let milliseconds = 300; ; milliseconds *= 2) {
    const compile = createSchemaCheck({ gate, program, milliseconds })
    const validate = await compile(hostile).catch((error: Error) => {
      if (milliseconds > 20_000) throw error
    })
    if (validate) return { validate, milliseconds }
  }
}

/** A program that begins to compile after some time, and comes to its end or not. */
function slowProgram(t: Test, { ends }: { ends: boolean }) {
  const say = (message: object) => `parentPort.postMessage(${JSON.stringify(message)});`
  const checked = say({ kind: 'checked', problem: null })
  const work = `${say({ kind: 'loaded' })} ${ends ? checked : 'for (;;);'}`
  const text = `const { parentPort } = require('node:worker_threads'); setTimeout(() => { ${work} }, 300)`
  return join(t.testdir({ 'slow.cjs': text }), 'slow.cjs')
}

t.test('a schema that takes too long to compile is refused', async t => {
  const program = slowProgram(t, { ends: false })
  await t.rejects(createSchemaCheck({ gate, program, milliseconds: 50 })(schema), {
    code: 'schema',
    message: 'the JSON schema could not be compiled within 0.05 s',
  })
})

t.test('the start of a thread, which is slow on a busy machine, does not count', async t => {
  const program = slowProgram(t, { ends: true })
  const validate = await createSchemaCheck({ gate, program, milliseconds: 50 })(schema)
  t.equal(await validate({}), null)
})

t.test('a value that fills the memory of the thread fails its own check alone', async t => {
  const compile = createSchemaCheck({
    gate,
    program: await programOf(t),
    milliseconds: 60_000,
    megabytes: 24,
  })
  const validate = await compile({ type: 'array' })
  const large = Array.from({ length: 70_000 }, (_, index) => `${index}`.padEnd(500))
  t.equal(await validate(large), 'it takes too much memory to check')
  t.equal(await validate([]), null)
})

t.test('without its program no schema is accepted, and no answer is valid', async t => {
  const program = await programOf(t)
  const compile = createSchemaCheck({ gate, program, milliseconds: 20_000 })
  const validate = await compile(schema)
  rmSync(program)
  await t.rejects(compile(schema), { message: /schema-worker\.js/ })
  t.match(await validate({ colour: 'red' }), /^it could not be checked: /)
})
