import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { relay } from '../forward/relay.ts'
import { repository, temporaryFolder } from '../stack/checkout.ts'

/** A page of the test, and what went wrong in it: errors, refusals of its policy, requests to elsewhere. */
export type TestPage = { page: Page; problems: string[] }

/**
 * Starts the Chromium of this host in a network of its own, from which it reaches these loopback ports and nothing
 * else: it ends its websockets when a network of the host changes, as each start of a container does.
 */
export async function startChromium(t: Test, ports: readonly number[]) {
  const sockets = await temporaryFolder(t, 'ports')
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, socket =>
      relay(socket, connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })),
    )
    await once(server.listen(join(sockets, `${port}`)), 'listening')
    t.teardown(() => server.close())
  }
  const program = join(repository, 'tests/support/forward/loopback-relay.ts')
  const own = process.getuid?.() === 0 ? '' : '--user --map-root-user'
  const file = join(await temporaryFolder(t, 'browser'), 'chromium')
  const words = [process.execPath, '--import', 'tsx', program, sockets, `${ports}`, 'chromium']
  const command = words.map(word => `'${word}'`).join(' ')
  await writeFile(
    file,
    `#!/bin/sh\ncd '${repository}'\nRELAY_PIPES=1 exec unshare --net ${own} -- ${command} "$@"\n`,
  )
  await chmod(file, 0o755)
  const browser = await chromium.launch({
    executablePath: file,
    // The tests may run as root; the pages are ours.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
    timeout: 120_000,
  })
  t.teardown(() => browser.close())

  /** Opens an address in a browser without history; `waits` for conditions are long, as elsewhere in the tests. */
  return async (url: string, options: BrowserContextOptions = {}): Promise<TestPage> => {
    const context = await browser.newContext({ locale: 'en-GB', ...options })
    context.setDefaultTimeout(120_000)
    const page = await context.newPage()
    const problems: string[] = []
    const { origin } = new URL(url)
    page.on('pageerror', error => problems.push(`error: ${error.message}`))
    page.on('console', message => {
      if (message.type() === 'error') problems.push(`console: ${message.text()}`)
    })
    page.on('request', request => {
      if (new URL(request.url()).origin !== origin) problems.push(`request: ${request.url()}`)
    })
    page.on('popup', popup => problems.push(`popup: ${popup.url()}`))
    await page.goto(url)
    return { page, problems }
  }
}

export const desktop = { viewport: { width: 1280, height: 800 } }
export const phone = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
}

/** Takes a picture; with TEST_PICTURES it becomes the one of the documents. */
export async function takePicture(page: Page, name: string): Promise<Buffer> {
  const path = join(repository, 'docs/pictures', `${name}.png`)
  return page.screenshot(process.env.TEST_PICTURES ? { path } : {})
}

/** Returns the text on a terminal's screen, one line for each row. */
export async function screenOf(page: Page, pane = 0): Promise<string> {
  const rows = page.locator('.pane').nth(pane).locator('.xterm-rows > div')
  return (await rows.allTextContents())
    .map(row => row.replaceAll('\u00a0', ' ').trimEnd())
    .join('\n')
}

export function readClipboard(page: Page): Promise<string> {
  return page.evaluate<string>('navigator.clipboard.readText()')
}

export async function writeClipboard(page: Page, text: string): Promise<void> {
  await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`)
}

/** Returns whether the page is wider than its window. */
export function isTooWide(page: Page): Promise<boolean> {
  const root = 'document.documentElement'
  return page.evaluate<boolean>(`${root}.scrollWidth > ${root}.clientWidth`)
}
