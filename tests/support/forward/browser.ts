import { spawn } from 'node:child_process'
import type { Test } from 'tap'
import { temporaryFolder } from '../stack/checkout.ts'

/**
 * Opens a page in a Chromium of this host that connects to names below localhost, as docs/forward.md
 * recommends, and to the loopback. It runs until the test ends.
 */
export async function openBrowser(t: Test, url: string) {
  const profile = await temporaryFolder(t, 'browser')
  const browser = spawn(
    'chromium',
    [
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
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
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
