import { standards } from '../audit-report.ts'
import { check, type Probe } from '../probe.ts'

const files = 'find / -xdev -type f -perm /6000 2>/dev/null; true'
// getcap is not in every image. No file with capabilities is in an unreadable folder.
const capabilities =
  'command -v getcap >/dev/null || PATH=$PATH:/sbin:/usr/sbin; command -v getcap >/dev/null && getcap -r / 2>/dev/null; true'

/** A file that runs with the rights of another user. */
export const setuidFiles: Probe = {
  id: 'C1',
  title: 'a setuid program that gives the rights of root',
  attack: 'look in every service for files that run with the rights of another user',
  standards: [standards.setuid, standards.newPrivileges, standards.escalation],
  async run(scene) {
    const services = [...scene.inspections.containers.keys()].sort()
    const search = async (script: string) => {
      const found = await Promise.all(
        services.map(async service => {
          const { code, stdout } = await scene.inside(service, ['sh', '-c', script])
          return code === 0
            ? stdout
                .split('\n')
                .filter(Boolean)
                .map(path => `${service}: ${path}`)
            : [`${service}: cannot run a program there`]
        }),
      )
      return found.flat()
    }
    const [setuid, capable] = await Promise.all([search(files), search(capabilities)])
    const evidence = (found: readonly string[], none: string) =>
      found.length === 0 ? `${none} in ${services.join(', ')}` : found.slice(0, 5).join('; ')
    return [
      check(
        'no file is setuid or setgid',
        setuid.length === 0,
        evidence(setuid, 'find -perm /6000: none'),
      ),
      check(
        'no file has capabilities',
        capable.length === 0,
        evidence(capable, 'getcap, where it is installed: none'),
      ),
    ]
  },
}
