import type { InspectedContainer } from '../../../src/audit/inspections.ts'

/** A service as compose.yaml wants it; `change` makes it another one. */
export function container(change: (container: InspectedContainer) => void = () => {}) {
  const made: InspectedContainer = {
    Id: 'id',
    Name: '/project-claude-1',
    Image: 'sha256:0',
    AppArmorProfile: 'docker-default',
    State: { Status: 'running', Pid: 1 },
    Config: {
      Image: 'image',
      User: '4242:4242',
      Env: [],
      Healthcheck: { Test: ['CMD', 'true'] },
    },
    HostConfig: {
      Privileged: false,
      ReadonlyRootfs: true,
      CapAdd: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      NetworkMode: 'project_claude-internal',
      PidMode: '',
      IpcMode: 'private',
      UTSMode: '',
      UsernsMode: '',
      Devices: null,
      Tmpfs: {
        '/tmp': 'size=64m,mode=1777,noexec,nosuid,nodev',
        '/run': 'size=16m,mode=1777,noexec,nosuid,nodev',
      },
      MaskedPaths: ['/proc/kcore'],
      ReadonlyPaths: ['/proc/sys'],
      Memory: 256 << 20,
      MemorySwap: 256 << 20,
      NanoCpus: 1e9,
      PidsLimit: 128,
      Ulimits: [
        { Name: 'nofile', Hard: 8192, Soft: 8192 },
        { Name: 'core', Hard: 0, Soft: 0 },
      ],
      Init: true,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      RestartPolicy: { Name: 'unless-stopped' },
      Runtime: 'runc',
    },
    Mounts: [],
    NetworkSettings: { Networks: {} },
  }
  change(made)
  return made
}
