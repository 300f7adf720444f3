import { type Attempt, attemptAll, connectTo, listedNameWorks, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { ambiguousHellos, type MadeHello, plainHellos } from '../client-hello.ts'
import { check, type Probe } from '../probe.ts'

/** Servers differ in what they make of a hello that breaks the rules: one of them may read the unlisted name. */
export const oneReading: Probe = {
  id: 'N20',
  title: 'a TLS hello that can be read in two ways',
  attack: 'put the listed name and another into one hello, where the proxy reads the listed one',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { names } = twin
    const request = connectTo(names.listed)
    const attempts = (hellos: readonly MadeHello[]): Attempt[] =>
      hellos.map(({ name, raw }) => ({ name, request, follow: { raw } }))
    const plain = await attemptAll(twin, attempts(plainHellos(names.listed)), 10_000)
    const ambiguous = await attemptAll(
      twin,
      attempts(ambiguousHellos(names.listed, names.unlisted)),
    )
    const ended = plain.filter(({ through }) => !through).map(({ name }) => name)
    return [
      check(
        'a hello with one plain name succeeds, also in several records and pieces',
        ended.length === 0,
        ended.length > 0 ? `ended: ${ended.join(', ')}` : `${plain.length} tried`,
      ),
      noneReached('a hello that has not exactly one plain name ends the tunnel', ambiguous),
      await listedNameWorks(twin, 'the proxy still works after these attempts'),
    ]
  },
}
