import { parseOptions } from '../command-line.ts'
import { type Check, pass, refuseIf } from '../verdict.ts'
import { checkReset } from './switch.ts'

const values =
  '-p -C -S --directory --exclude --include --whitespace --build-fake-ancestor --patch-format'

/** `am` and `apply` with patches in files; a patch on stdin can be read only once. */
export const checkPatch: Check = (repository, args) => {
  const options = parseOptions(args, values)
  if (options.has('--abort')) {
    const before = repository.resolve('ORIG_HEAD')
    return before === null ? pass : checkReset(repository, ['--merge', before])
  }
  if (options.has('--cached', '--check', '--stat', '--numstat', '--summary')) return pass
  const files = [...options.words, ...(options.paths ?? [])].filter(file => file !== '-')
  if (files.length === 0) return pass
  const { stdout } = repository.ask(['apply', '--numstat', '-z', '--', ...files])
  const names = stdout.split('\0').map(entry => entry.split('\t').slice(2).join('\t'))
  return refuseIf(names.filter(name => repository.isProtected(name)))
}
