import { lstat, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fakeProgram } from '../../support/docker/fake-docker.ts'
import { repository, temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'

const script = await createControlScript(t)
const packages = join(script.checkout, 'node_modules')

/** Takes node_modules away for the time of a test. */
async function withoutPackages(t: { teardown: (fn: () => Promise<void>) => void }) {
  await rm(packages)
  t.teardown(async () => {
    await rm(packages, { recursive: true, force: true })
    await symlink(join(repository, 'node_modules'), packages)
  })
}

/** The real Node.js under another version, whoever asks for it: the shell or a script. */
async function nodeThatSays(t: Parameters<typeof fakeProgram>[0], version: string) {
  const folder = await temporaryFolder(t, 'version')
  const numbers = JSON.stringify({ ...process.versions, node: version.slice(1) })
  await writeFile(
    join(folder, 'version.cjs'),
    `Object.defineProperty(process, 'version', { value: '${version}' })
Object.defineProperty(process, 'versions', { value: ${numbers} })`,
  )
  const real = `exec ${process.execPath} --require ${folder}/version.cjs "$@"`
  return fakeProgram(t, 'node', `[ "$1" = -v ] && echo ${version} || ${real}`)
}

t.test('a machine without Node.js is told what to install', async t => {
  const folder = await temporaryFolder(t, 'bin')
  for (const name of ['sh', 'dirname', 'realpath', 'env', 'find', 'mkdir', 'flock']) {
    const found = await run('sh', ['-c', `command -v ${name}`])
    await symlink(found.stdout.trim(), join(folder, name))
  }
  isTwoLines(t, await script.run(['--version'], { env: { PATH: folder } }), {
    error: /Node\.js is not installed \(need 20\.19 or newer\)/,
    hint: /install Node\.js 20/,
  })
})

t.test('an old Node.js is refused with its version, before anything is installed', async t => {
  await withoutPackages(t)
  const old = await nodeThatSays(t, 'v18.20.4')
  isTwoLines(t, await script.run(['--version'], { env: { PATH: `${old}:${script.env.PATH}` } }), {
    error: /Node\.js v18\.20\.4 is too old \(need 20\.19\)/,
    hint: /install Node\.js 20/,
  })
  await t.rejects(lstat(packages), { code: 'ENOENT' })
})

t.test('an old Node.js is refused also where everything was installed by a newer one', async t => {
  t.equal((await script.run(['--version'])).code, 0)
  const old = await nodeThatSays(t, 'v18.20.4')
  isTwoLines(t, await script.run(['--version'], { env: { PATH: `${old}:${script.env.PATH}` } }), {
    error: /Node\.js v18\.20\.4 is too old \(need 20\.19\)/,
    hint: /install Node\.js 20/,
  })
})

t.test(
  'a registry that does not answer is named with the log, and nothing half is left',
  async t => {
    await withoutPackages(t)
    const env = {
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: await temporaryFolder(t, 'npm'),
      npm_config_fetch_retries: '0',
    }
    const outcome = await script.run(['--version'], { env })
    isTwoLines(t, outcome, {
      error: /npm ci failed: .*ECONNREFUSED/,
      hint: /\.build\/npm\.log; npm must reach its registry/,
    })

    t.test('and the next run, with a registry, begins anew', async t => {
      // A folder of its own: the launcher dates what it installed, and by a later date all bundles are old.
      const installed = join(repository, 'node_modules')
      const fake = await fakeProgram(
        t,
        'npm',
        `echo "$*" > npm-arguments; mkdir node_modules
ln -s ${installed}/* node_modules; cp ${installed}/.package-lock.json node_modules`,
      )
      const { mtimeMs } = await stat(join(installed, '.package-lock.json'))
      await rm(packages, { recursive: true, force: true })
      const again = await script.run(['--version'], { env: { PATH: `${fake}:${script.env.PATH}` } })
      t.equal(again.code, 0, again.stderr)
      t.match(again.stderr, /installing packages \(once\)/)
      const { stdout } = await run('cat', [join(script.checkout, 'npm-arguments')])
      t.match(stdout, /^ci --ignore-scripts .*--omit=dev/, 'no script of a package runs')
      t.equal((await stat(join(installed, '.package-lock.json'))).mtimeMs, mtimeMs, 'untouched')
    })
  },
)

t.test('packages behind a link are not installed over: they are of another checkout', async t => {
  const lock = join(script.checkout, 'package-lock.json')
  const { atime, mtime } = await stat(lock)
  const tomorrow = new Date(Date.now() + 86_400_000)
  await utimes(lock, tomorrow, tomorrow)
  t.teardown(() => utimes(lock, atime, mtime))
  isTwoLines(t, await script.run(['--version']), {
    error: /node_modules is a symlink, and older than package-lock\.json/,
    hint: /remove the symlink/,
  })
})

t.test('where nothing can be made, the owner of the checkout has to', async t => {
  const build = join(script.checkout, '.build')
  await rename(build, `${build}-aside`)
  await symlink('/nowhere/build', build)
  t.teardown(async () => {
    await rm(build)
    await rename(`${build}-aside`, build)
  })
  isTwoLines(t, await script.run(['--version']), {
    error: /cannot write .*\.build, which is out of date/,
    hint: /run \/.*\/claude\.ts --version once as the user who owns that folder/,
  })
})

t.test('other users of the machine can read the bundle', async t => {
  await script.run(['--version'])
  const { mode } = await stat(join(script.checkout, '.build/bundle'))
  t.equal(mode & 0o777, 0o755)
})

t.test('two first runs at once do not install over each other', async t => {
  await rm(join(script.checkout, '.build'), { recursive: true, force: true })
  const outcomes = await Promise.all([1, 2, 3].map(() => script.run(['--version'])))
  for (const { code, stdout, stderr } of outcomes) {
    t.equal(code, 0, stderr)
    t.match(stdout, /^claude-secure /)
  }
})

t.test('an edit of the sources takes effect; a broken one is named', async t => {
  await t.test('broken', async t => {
    await script.edit(t, 'src/cli/help.ts', text => `${text}\nthis is no TypeScript\n`)
    isTwoLines(t, await script.run(['--version']), {
      error: /cannot bundle the control script/,
      hint: /git -C .* status shows local changes/,
    })
  })
  // The launcher goes by times: what was put back must be newer than the bundle.
  const now = new Date()
  await utimes(join(script.checkout, 'src/cli/help.ts'), now, now)
  t.equal((await script.run(['--version'])).code, 0, 'and mended it works again')
})

t.test('a source that comes, goes or has any name is noticed', async t => {
  const bundled = async () => {
    t.equal((await script.run(['--version'])).code, 0)
    return (await stat(join(script.checkout, '.build/bundle'))).ino
  }
  const file = join(script.checkout, "src/cli/it's $HOME.ts")
  const before = await bundled()
  t.equal(await bundled(), before, 'nothing changed')
  await writeFile(file, '')
  const added = await bundled()
  t.not(added, before, 'it came')
  t.equal(await bundled(), added, 'and is known now')
  await rm(file)
  t.not(await bundled(), added, 'it went')
})

t.test('it runs from any folder, through a link, and whatever the folder holds', async t => {
  const link = join(await temporaryFolder(t, 'link'), 'cs')
  await symlink(join(script.checkout, 'claude.ts'), link)
  const { code, stdout } = await run(link, ['--version'], { cwd: '/', env: script.env })
  t.equal(code, 0)
  t.match(stdout, /^claude-secure /)
})

t.test('a checkout may move: the bundle does not remember where it was', async t => {
  const moved = `${script.checkout}-moved with space`
  await rename(script.checkout, moved)
  t.teardown(() => rename(moved, script.checkout))
  const { code, stderr } = await run(join(moved, 'claude.ts'), ['doctor', '--json'], {
    cwd: script.workspace,
    env: { ...script.env, DOCKER_HOST: 'unix:///nowhere' },
  })
  t.equal(code, 1, stderr)
  t.notMatch(stderr, /error:/)
})
