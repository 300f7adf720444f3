import { exec } from '../../process/exec.ts'
import { clientOptions, type Preset, unknownSource } from './preset.ts'

/** Returns the registry of the user's npm. */
export const npmSites: Preset = async options => {
  const ask = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const how = { ...clientOptions(options), env }
    return (await exec('npm', ['config', 'get', 'registry', ...args], how)).stdout.trim()
  }
  const none = '/nonexistent'
  const [registry, builtIn] = await Promise.all([
    ask(options.env).catch(cause => {
      throw unknownSource('npm', 'cannot run npm, so its registry is unknown', 'install npm', cause)
    }),
    // As in the container, where npm is not configured.
    ask(
      { PATH: options.env.PATH },
      `--userconfig=${none}/user`,
      `--globalconfig=${none}/global`,
    ).catch(() => ''),
  ])
  if (!URL.canParse(registry)) {
    throw unknownSource(
      'npm',
      `npm reports "${registry}", which is not a registry`,
      'fix its configuration',
    )
  }
  const notes =
    builtIn === registry
      ? []
      : [`to use it in the container, put this in the project's .npmrc: registry=${registry}`]
  return { urls: [registry], notes }
}
