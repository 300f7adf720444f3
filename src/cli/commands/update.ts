import { UserError } from '../../base/errors.ts'
import { userEnvironment } from '../../config/environment.ts'
import { buildImages } from '../../images/images.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { runUpdatePins } from '../../operations/images/update.ts'
import { hasLiveSession, inspectStacks } from '../../stack/inspect.ts'
import { withLock } from '../../stack/state/lock.ts'
import type { Invocation } from '../invocation.ts'

/** Moves the pins to the newest releases and rebuilds; shows what changed. Not while somebody works. */
export async function update(options: { dryRun?: boolean }, invocation: Invocation) {
  const context = await openContext(invocation)
  const { log, settings, docker, root, signal } = context
  if (!options.dryRun) await refuseWhileAtWork(context)
  const changes = await runUpdatePins({
    log,
    root,
    dryRun: options.dryRun ?? false,
    today: new Date().toISOString().slice(0, 10),
    build: async pins => {
      const network = userEnvironment()
      await withLock('images', { log, signal }, () =>
        buildImages({
          log,
          settings,
          pins,
          target: settings.IMAGE_TARGET,
          client: docker,
          network,
          root,
          signal,
        }),
      )
    },
    signal,
  })
  for (const { name, before, after } of changes) console.log(`${name} ${before} → ${after}`)
  const text =
    changes.length === 0
      ? 'everything is the newest already'
      : options.dryRun
        ? 'nothing was changed; ./claude.ts update does it'
        : 'built; stacks that run change over at their next ./claude.ts start'
  log({ kind: 'info', text })
}

async function refuseWhileAtWork({ engine }: Context) {
  for (const stack of await inspectStacks(engine)) {
    if (!(await hasLiveSession(engine, stack))) continue
    throw new UserError(`Claude Code is at work in ${stack.workspace}`, {
      hint: 'end that session first (or ./claude.ts stop there), then update',
    })
  }
}
