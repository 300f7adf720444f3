import { type Attempt, attemptAll, connectTo, listedWorks, noneThrough } from '../attempts.ts'
import { check, type Probe } from '../probe.ts'
import { standards } from '../standards.ts'

/** The hosts of a CDN share addresses: only the TLS hello decides which of them answers. */
export const serverName: Probe = {
  id: 'N9',
  title: 'a tunnel for one name, used for another',
  attack: 'CONNECT to a listed name, and say another one, or none, in the TLS hello',
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
    const [works, [capitals], [other, unlisted, below], torn, [nameless], [plain]] =
      await Promise.all([
        listedWorks(twin),
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
    const still = await listedWorks(twin, 'the proxy is alive after all of them')
    return [
      works,
      check(
        'so does its name in capitals',
        capitals?.through === true,
        `hello ${names.listed.toUpperCase()}`,
      ),
      noneThrough('a hello for another listed name ends the tunnel', some(other)),
      noneThrough('a hello for an unlisted name ends it', some(unlisted, below)),
      noneThrough('a hello whose name is no single word ends it', torn),
      noneThrough('a hello without a name ends it', some(nameless)),
      noneThrough('bytes that are no TLS end it', some(plain)),
      still,
    ]
  },
}

function some<T>(...items: (T | undefined)[]): T[] {
  return items.filter(item => item !== undefined)
}
