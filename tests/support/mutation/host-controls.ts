import type { Control } from './control.ts'

export type HostControl = Control & {
  /** The test that removes it. */
  test: string
}

const forward = { probe: 'B2', test: 'tests/unit/audit/probes/b2-forwards.test.ts' }

/** What protects the host's files and its loopback. The tests remove one mount, or one rule, at a time. */
export const hostControls: readonly HostControl[] = [
  {
    control: 'each mount over the workspace, and that it is read-only',
    stated: 'src/workspace/overlay/plan.ts',
    probe: 'H1',
    test: 'mutation/host.test.ts',
  },
  {
    control: 'each mount of a repository outside the workspace, and that it is read-only',
    stated: 'src/workspace/repository/plan.ts',
    probe: 'H1',
    test: 'mutation/repository.test.ts',
  },
  {
    control: 'a reverse path filter on the bridges of the internal networks',
    stated: 'src/stack/host-side.ts',
    probe: 'N19',
    test: 'tests/e2e/datagrams.test.ts',
  },
  {
    control: 'each name without a mount is listed, to be moved away if it appears',
    stated: 'src/stack/protection.ts',
    probe: 'H1',
    test: 'mutation/host.test.ts',
  },
  {
    control: 'setuid and setgid bits of files that the agent changed are taken off',
    stated: 'src/stack/loose-modes.ts',
    probe: 'H1',
    test: 'mutation/host.test.ts',
  },
  {
    ...forward,
    control: 'a forward listens on the loopback',
    stated: 'src/stack/forward/local-port.ts',
  },
  {
    ...forward,
    control: 'a forward refuses the Host of another website, whatever the method',
    stated: 'src/stack/forward/request-guard.ts',
  },
]
