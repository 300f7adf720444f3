import { command } from '../../base/command.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { admits } from '../../egress/allowlist.ts'
import { isOver } from '../../egress/list-entries.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { currentStackName } from '../find-stacks.ts'
import { readPolicyLists } from './policy-files.ts'

/** Returns a warning for each denied name that another list admits in the current folder. */
export async function stillAllowed(
  names: readonly string[],
  port: number | undefined,
): Promise<string[]> {
  const { agent, checkout, here } = readPolicyLists(
    checkoutRoot(),
    stateFolder(await currentStackName()),
  )
  const now = new Date()
  const plain = agent.map(site => ({ ...site, port: 443 }))
  const lists = [
    { entries: here, by: "this folder's list", option: ' --here' },
    { entries: [...plain, ...checkout], by: 'the list for every folder', option: '' },
  ]
  return names.flatMap(name =>
    lists.flatMap(({ entries, by, option }) => {
      const entry = entries.find(
        entry =>
          admits(entry.name, name) &&
          (port === undefined || port === entry.port) &&
          !isOver(entry.until, now),
      )
      return entry
        ? [`${name} is still allowed by ${by}: run ${command(`deny${option} ${entry.name}`)}`]
        : []
    }),
  )
}
