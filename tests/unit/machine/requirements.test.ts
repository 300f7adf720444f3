import t from 'tap'
import type { MachineVersions } from '../../../src/engine/find-engine.ts'
import { judgeRequirements } from '../../../src/machine/requirements.ts'

const good: MachineVersions = {
  engine: { kind: 'docker', version: '29.5.1' },
  compose: '2.26.1-4',
  buildx: '0.13.1+ds1',
  runc: { version: '1.3.3', revision: '' },
  containerd: { version: '2.2.0', revision: '' },
  desktop: null,
}

function severity(id: string, change: Partial<MachineVersions>) {
  return judgeRequirements({ ...good, ...change }).find(finding => finding.id === id)?.severity
}

t.test('a machine that meets the requirements has only ok findings', async t => {
  t.same(
    judgeRequirements(good).map(({ id, severity }) => [id, severity]),
    [
      ['engine', 'ok'],
      ['compose', 'ok'],
      ['buildx', 'ok'],
      ['runc', 'ok'],
      ['containerd', 'ok'],
    ],
  )
})

t.test('engines without the fix of CVE-2024-29018 are refused, line by line', async t => {
  const verdicts = {
    '20.10.24+dfsg1': 'refusal',
    '23.0.10': 'refusal',
    '23.0.11': 'ok',
    '23.1.0': 'ok',
    '24.0.0': 'refusal',
    '24.0.9': 'refusal',
    '24.9.9': 'refusal',
    '25.0.4': 'refusal',
    '25.0.5': 'ok',
    '25.0.6': 'ok',
    '26.0.0': 'ok',
    '26.1.5+dfsg1': 'ok',
    '27.0.0-rc.1': 'ok',
    dev: 'refusal',
  }
  for (const [version, verdict] of Object.entries(verdicts)) {
    t.equal(severity('engine', { engine: { kind: 'docker', version } }), verdict, version)
  }
  t.equal(severity('engine', { engine: null }), 'refusal')
})

t.test('Podman is accepted from 5.0 on, and needs no buildx', async t => {
  const podman = (version: string) => ({ engine: { kind: 'podman', version } as const })
  t.equal(severity('engine', podman('4.9.4')), 'refusal')
  t.equal(severity('engine', podman('5.0.0')), 'ok')
  t.equal(severity('buildx', { ...podman('5.4.2'), buildx: null }), undefined)
})

t.test('Compose below 2.24 is refused, and so is a missing plugin', async t => {
  for (const version of ['1.29.2', '2.10.0', '2.23.3', 'unknown']) {
    t.equal(severity('compose', { compose: version }), 'refusal', version)
  }
  for (const version of ['2.24.0', '2.26.1-4', 'v2.24.6', '5.0.1']) {
    t.equal(severity('compose', { compose: version }), 'ok', version)
  }
  t.equal(severity('compose', { compose: null }), 'refusal')
  t.equal(severity('buildx', { buildx: null }), 'refusal')
})

t.test('runc is a warning that names the open escapes, and knows backports', async t => {
  const open = (version: string, revision = '') =>
    judgeRequirements({ ...good, runc: { version, revision } })
      .filter(({ severity }) => severity === 'warning')
      .flatMap(({ message }) => message.match(/CVE-[\d-]+/g) ?? [])
  const three = ['CVE-2025-31133', 'CVE-2025-52565', 'CVE-2025-52881']
  t.same(open('1.1.5'), ['CVE-2024-21626', ...three])
  t.same(open('1.1.5+ds1', '1.1.5+ds1-1'), ['CVE-2024-21626', ...three])
  t.same(open('1.1.5+ds1', '1.1.5+ds1-1+deb12u1'), three)
  t.same(open('1.1.12'), three)
  t.same(open('1.2.7'), three)
  t.same(open('1.2.8'), [])
  t.same(open('1.3.2'), three)
  t.same(open('1.3.3'), [])
  t.same(open('1.4.1'), [])
  t.same(open('2.0.0'), [])
  t.equal(severity('runc', { runc: null }), undefined)
})

t.test('each refusal says which value was found and what to do', async t => {
  const findings = judgeRequirements({
    engine: { kind: 'docker', version: '24.0.7' },
    compose: '2.10.0',
    buildx: null,
    runc: null,
    containerd: null,
    desktop: null,
  })
  t.match(findings[0], { message: /24\.0\.7.*CVE-2024-29018/, hint: /setup/ })
  t.match(findings[1], { message: 'Docker Compose 2.10.0 is too old (need 2.24)', hint: /setup/ })
  t.match(findings[2], { message: /buildx/, hint: /setup/ })
})

t.test('Docker Desktop is judged where the engine is in one', async t => {
  t.equal(severity('desktop', {}), undefined)
  t.equal(severity('desktop', { desktop: '4.44.2' }), 'warning')
  t.equal(severity('desktop', { desktop: '4.44.3' }), 'ok')
})

t.test('a vulnerability that needs firewalld counts only with it', async t => {
  const engine = { kind: 'docker', version: '26.1.5' } as const
  t.equal(severity('engine-faults', { engine, firewalld: true }), 'warning')
  t.equal(severity('engine-faults', { engine }), 'note')
  const fixed = { kind: 'docker', version: '29.5.1' } as const
  t.equal(severity('engine-faults', { engine: fixed, firewalld: true }), undefined)
})

t.test('vulnerabilities that do not affect a stack are a note with the reason', async t => {
  const findings = judgeRequirements({ ...good, containerd: { version: '1.7.20', revision: '' } })
  const note = findings.find(({ id }) => id === 'containerd')
  t.match(note, {
    severity: 'note',
    message: /containerd 1\.7\.20 .*CVE-2024-40635, CVE-2024-25621/,
    hint: /CVE-2024-25621 lets other users .*; here the agent is not a user of this host/,
  })
})
