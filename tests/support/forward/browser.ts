import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { repository, temporaryFolder } from '../stack/checkout.ts'
import { relay } from './relay.ts'

/**
 * Opens a page in a Chromium of this host that connects to names below localhost, as docs/forward.md
 * recommends, and to these ports of the loopback. It runs until the test ends.
 */
export async function openBrowser(t: Test, url: string, ports: readonly number[]) {
  const profile = await temporaryFolder(t, 'browser')
  const sockets = await temporaryFolder(t, 'ports')
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, socket =>
      relay(socket, connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })),
    )
    await once(server.listen(join(sockets, `${port}`)), 'listening')
    t.teardown(() => server.close())
  }
  const program = join(repository, 'tests/support/forward/loopback-relay.ts')
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const browser = spawn(
    'unshare',
    [
      ...['--net', ...own, '--', process.execPath, '--import', 'tsx', program, sockets],
      `${ports}`,
      'chromium',
      '--headless=new',
      // The tests may run as root; the pages are ours.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      `--user-data-dir=${profile}`,
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
      url,
    ],
    { cwd: repository, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  )
  let said = ''
  browser.stderr.on('data', chunk => {
    said = (said + chunk).slice(-2_000)
  })
  let wanted = false
  browser.once('exit', code => {
    if (!wanted) t.fail(`the browser ended with ${code}`, { said })
  })
  t.teardown(async () => {
    wanted = true
    const ended = new Promise(resolve => browser.once('close', resolve))
    // All its processes, which share the group.
    if (browser.pid) process.kill(-browser.pid, 'SIGKILL')
    await ended
  })
}
