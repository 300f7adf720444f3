import * as z from 'zod'
import { parseJsonLine } from '../../base/json-line.ts'
import { exec } from '../../process/exec.ts'
import { asking, nobodyToAsk, type Preset, type PresetOptions } from './preset.ts'

/** The index that the user's pip is configured with, and the host its files come from. */
export const pypiSites: Preset = async options => {
  for (const pip of ['pip3', 'pip']) {
    const index = await indexOf(pip, options)
    if (!index) continue
    const files = await filesHost(pip, options)
    return files
      ? { urls: [index, files], notes: [] }
      : {
          urls: [index],
          notes: [
            'the host that files come from could not be found out: ./claude.ts log --denied shows it',
          ],
        }
  }
  throw nobodyToAsk('pypi', 'there is no pip to ask which index is used', 'install pip')
}

async function indexOf(pip: string, options: PresetOptions) {
  const configured = await exec(pip, ['config', 'get', 'global.index-url'], asking(options)).catch(
    () => null,
  )
  if (!configured) return null
  if (configured.code === 0 && URL.canParse(configured.stdout.trim())) {
    return configured.stdout.trim()
  }
  const help = await exec(pip, ['install', '--help'], asking(options))
  return defaultIndex(help.stdout)
}

/** `pip install --help` says which index it takes unless it is told another. */
export function defaultIndex(help: string): string | null {
  const text = help.replace(/\s+/g, ' ')
  return /--index-url <url> [^(]*\(default (https:\/\/[^\s)]+)\)/.exec(text)?.[1] ?? null
}

const Report = z.object({
  install: z.array(z.object({ download_info: z.object({ url: z.string() }) })).min(1),
})

/** pip resolves itself without installing anything: the index names the host of its files. */
async function filesHost(pip: string, options: PresetOptions) {
  const quiet = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--ignore-installed',
    '--retries',
    '0',
  ]
  const result = await exec(
    pip,
    ['install', '--dry-run', '--report', '-', ...quiet, 'pip'],
    asking(options),
  ).catch(() => null)
  const report = Report.safeParse(parseJsonLine(result?.stdout.trim() ?? ''))
  const url = report.data?.install[0]?.download_info.url
  return url?.startsWith('https://') ? url : null
}
