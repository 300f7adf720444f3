import { exec } from '../../process/exec.ts'
import { asking, nobodyToAsk, type Preset } from './preset.ts'

/** The registry that the user's npm is configured with. */
export const npmSites: Preset = async options => {
  const ask = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const how = { ...asking(options), env }
    return (await exec('npm', ['config', 'get', 'registry', ...args], how)).stdout.trim()
  }
  const none = '/nonexistent'
  const [registry, builtIn] = await Promise.all([
    ask(options.env).catch(cause => {
      throw nobodyToAsk('npm', 'npm cannot be asked for its registry', 'install npm', cause)
    }),
    // As in the container, where nobody has configured it.
    ask(
      { PATH: options.env.PATH },
      `--userconfig=${none}/user`,
      `--globalconfig=${none}/global`,
    ).catch(() => ''),
  ])
  if (!URL.canParse(registry)) {
    throw nobodyToAsk('npm', `npm names no registry, but "${registry}"`, 'configure npm')
  }
  const notes =
    builtIn === registry
      ? []
      : [`npm in the container asks it where the project's .npmrc says: registry=${registry}`]
  return { urls: [registry], notes }
}
