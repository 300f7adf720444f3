import { type Attempt, attemptAll, connectTo, listedNameWorks, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { check, type Probe } from '../probe.ts'

/** The hosts of a CDN share addresses: only the TLS hello decides which of them answers. */
export const serverName: Probe = {
  id: 'N9',
  title: 'a tunnel for one name, used for another',
  attack: 'CONNECT to a listed name, and send another name, or none, in the TLS hello',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { names } = twin
    const request = connectTo(names.listed)
    const hello = (name: string, host: string): Attempt => ({
      name,
      request,
      follow: { hello: host },
    })
    const [works, [capitals], [other, unlisted, below], several, [nameless], [plain]] =
      await Promise.all([
        listedNameWorks(twin),
        attemptAll(twin, [hello('in capitals', names.listed.toUpperCase())], 10_000),
        attemptAll(twin, [
          hello('another listed name', names.alsoListed),
          hello('an unlisted name', names.unlisted),
          hello('a name below', names.belowListed),
        ]),
        // The program that compares the two names reads them as words of a line, and answers line by
        // line.
        attemptAll(twin, [
          hello('two words', 'x x'),
          hello('two words and a tab', 'x\tx'),
          hello('the listed name and another', `${names.listed} ${names.listed}`),
          hello('a line end', `x x\nx x`),
        ]),
        attemptAll(twin, [{ name: 'no name', request, follow: 'hello-without-name' }]),
        attemptAll(twin, [{ name: 'no TLS', request, follow: 'plain' }]),
      ])
    // A proxy that crashed on a hello refuses everything for a moment, which is not a control.
    const still = await listedNameWorks(twin, 'the proxy still works after these attempts')
    return [
      works,
      check(
        'a hello with the listed name in capitals succeeds',
        capitals?.through === true,
        `hello ${names.listed.toUpperCase()}`,
      ),
      noneReached('a hello for another listed name ends the tunnel', some(other)),
      noneReached('a hello for an unlisted name ends the tunnel', some(unlisted, below)),
      noneReached('a hello with several words as its name ends the tunnel', several),
      noneReached('a hello without a name ends the tunnel', some(nameless)),
      noneReached('data that is not TLS ends the tunnel', some(plain)),
      still,
    ]
  },
}

function some<T>(...items: (T | undefined)[]): T[] {
  return items.filter(item => item !== undefined)
}
