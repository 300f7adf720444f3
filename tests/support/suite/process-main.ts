/**
 * Runs many test files in one process, one after the other, each as a subtest named by its path. The
 * parent sends one path at a time and gets TAP on stdout; an empty path ends the process.
 */
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { bundled } from './bundle-paths.ts'
import { setFileTest } from './current-file.ts'
import { followHandles, readToTheEnd } from './open-handles.ts'
import { processState } from './process-state.ts'
import { catchErrors } from './uncaught-errors.ts'

/** The bundle of this process and its files, if they are bundled. */
const bundle = process.env.TEST_BUNDLE
if (!bundle) register('./tap-per-file.mjs', import.meta.url)

const root = join(import.meta.dirname, '../../..')
// tap releases the channel to the parent, which would end this process between two files.
const alive = setInterval(() => {}, 60_000)
const follow = catchErrors(t)
const handles = followHandles()
handles.note('the runner')
const fileTimeout = Number(process.env.TEST_FILE_TIMEOUT ?? 60) * 1000
const endTimeout = Number(process.env.TEST_END_TIMEOUT ?? 60) * 1000

// A runner that was killed leaves no test process behind.
const orphaned = () => process.exit(1)
process.once('disconnect', orphaned)

for (let path = await nextFile(); path; path = await nextFile()) await runFile(path)
clearInterval(alive)
t.end()
// No test is left to fail: an error ends this process, which counts as a failure.
for (const event of ['uncaughtException', 'unhandledRejection']) process.removeAllListeners(event)
process.off('disconnect', orphaned)
process.disconnect()
readToTheEnd()
// A file that leaves a server or a timer behind would keep its own process from ending, too.
setTimeout(() => {
  console.error(`still open after the last file: ${process.getActiveResourcesInfo().join(', ')}`)
  for (const line of handles.open()) console.error(line)
  process.exit(1)
}, endTimeout).unref()
process.once('beforeExit', () => process.exit())

async function runFile(path: string) {
  const restore = processState()
  const counted = t.counts.total
  const memory = isInMemory(path) ? process.env.TEST_MEMORY : undefined
  if (memory) process.env.TMPDIR = memory
  await t.test(path, { timeout: fileTimeout }, async file => {
    const name = path.replaceAll(/[^\w.-]+/g, '-')
    file.testdirName = join(memory ?? join(root, '.tap'), 'fixtures', name)
    follow(file)
    setFileTest(file)
    const module = bundle ? join(bundle, bundled(path)) : join(root, path)
    await import(pathToFileURL(module).href)
  })
  // A file that cannot fail is not a test.
  if (counted === t.counts.total) t.fail(`${path} makes no assertion`)
  handles.note(path)
  restore()
}

/** `// on disk: REASON` in a unit test: its fixtures must not be below /dev. */
function isInMemory(path: string) {
  return (
    path.startsWith('tests/unit/') &&
    !/^\/\/ on disk: \S/m.test(readFileSync(join(root, path), 'utf8'))
  )
}

function nextFile(): Promise<string> {
  return new Promise(resolve => {
    process.once('message', (path: string) => resolve(path))
    process.send?.('next')
  })
}
