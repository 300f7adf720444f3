import * as z from 'zod'
import { command } from '../../base/command.ts'
import { parseJsonLine } from '../../base/json.ts'
import { exec } from '../../process/exec.ts'
import { clientOptions, type Preset, type PresetOptions, unknownSource } from './preset.ts'

/** Returns the index of the user's pip, and the host that serves its files. */
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
            `the host that serves the files is unknown: pip install something, then run ${command('log --denied')}`,
          ],
        }
  }
  throw unknownSource('pypi', 'pip is not installed, so its index is unknown', 'install pip')
}

async function indexOf(pip: string, options: PresetOptions) {
  const configured = await exec(
    pip,
    ['config', 'get', 'global.index-url'],
    clientOptions(options),
  ).catch(() => null)
  if (!configured) return null
  if (configured.code === 0 && URL.canParse(configured.stdout.trim())) {
    return configured.stdout.trim()
  }
  const help = await exec(pip, ['install', '--help'], clientOptions(options))
  return defaultIndex(help.stdout)
}

/** Parses the default index out of `pip install --help`. */
export function defaultIndex(help: string): string | null {
  const text = help.replace(/\s+/g, ' ')
  return /--index-url <url> [^(]*\(default (https:\/\/[^\s)]+)\)/.exec(text)?.[1] ?? null
}

const Report = z.object({
  install: z.array(z.object({ download_info: z.object({ url: z.string() }) })).min(1),
})

/** Resolves pip itself without installing it: the report names the host of the index's files. */
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
    clientOptions(options),
  ).catch(() => null)
  const report = Report.safeParse(parseJsonLine(result?.stdout.trim() ?? ''))
  const url = report.data?.install[0]?.download_info.url
  return url?.startsWith('https://') ? url : null
}
