/**
 * Controls of compose.yaml that `npm test` removes from a stack together, each with the claims of the audit
 * that it opens. The claims within a batch are disjoint, so each open claim has one cause. The mutation
 * suite removes each control alone.
 */
export type Batch = Readonly<Record<string, readonly string[]>>

const scratch = 'scratch folders are requested with noexec, nosuid and nodev'
const kernelLimits = 'the kernel enforces the requested limits'
const unconfined = 'no service is unconfined'
const mounted = 'every mount is one that the design expects'
const writable = 'every mount that should be read-only is read-only'
const seccomp = 'every process is filtered by seccomp'
const networks = 'each service is on its own networks and on no other'

export const composeBatches: readonly Batch[] = [
  {
    'no capabilities': ['every service drops all capabilities', 'no process has a capability'],
    noexec: [scratch],
    size: ['scratch folders have a size limit', 'the kernel limits the size of scratch folders'],
    'processes are limited': ['processes are limited', kernelLimits],
    'open files are limited': [
      'open files are limited',
      'the kernel enforces the limit on open files',
    ],
    'logs are limited': ['logs have a size limit'],
    'IPv6 is off': [
      'IPv6 is turned off in every container',
      'every service is started with IPv6 turned off',
    ],
    'no search domains of the host': ["no service has the host's search domains"],
    'the model gateway is the address of the API': [
      'the environment of claude sets the address of the API',
      'the environment of worker sets the address of the API',
    ],
  },
  {
    'no new privileges': ['no service can gain privileges', 'no process can gain privileges'],
    nosuid: [scratch],
    'memory is limited': ['memory is limited', 'swap is disabled', kernelLimits],
    'no core dumps': [
      'core dumps are disabled',
      'the kernel writes no core dumps',
      'no service can write core dumps',
    ],
    'services do not route': [
      'no service forwards packets between its networks',
      'every service is started with forwarding turned off',
    ],
    'no resolver but for names of the stack': ['only the proxy has a resolver for other names'],
    'nothing of the host but the workspace': [mounted],
    'the host manages the provider': [
      'settings of a repository cannot change this address in claude',
      'settings of a repository cannot change this address in worker',
    ],
    'the agent has a placeholder for a key': [
      'no environment holds a real key',
      'the engine reports no key',
      'no process was started with a key',
    ],
  },
  {
    'the default seccomp filter': [
      unconfined,
      seccomp,
      'the kernel refuses the agent the operations of root',
    ],
    'a read-only system': [
      'the root filesystem of every service is read-only',
      'the root filesystem is mounted read-only',
      'the agent cannot write to the system',
      'the agent cannot run a program from a scratch folder',
    ],
    nodev: [scratch],
    'the key that names runs is the worker’s': [
      mounted,
      'only the worker mounts the key that names runs',
    ],
    'processor time is limited': ['CPUs are limited', kernelLimits],
    'zombies are reaped': ['orphaned processes are reaped'],
    'policy files are mounted read-only': [writable],
    'the agent is on its own network only': [networks],
  },
  {
    'not privileged': [
      'no service is privileged',
      unconfined,
      'no process has a capability',
      seccomp,
      'the kernel refuses the agent the operations of root',
    ],
    // Not beside the processes of the host, where other programs may have been started with a key.
    'the credential is the gateway’s alone': [
      mounted,
      'only the gateway mounts the credential file',
    ],
    'no swap beyond the memory limit': ['swap is disabled'],
    'account files are mounted read-only': [writable],
    "only the container's own resolvers": [
      'programs ask only the resolvers of their own container',
    ],
    'only the proxy has a way out': [networks, 'this host gets no answer from proxy or gateway'],
    'no port is published': ['no port is published'],
  },
  {
    'no process namespace of the host': [
      unconfined,
      'no service shares a namespace',
      'no process has a capability',
      'no process can gain privileges',
      seccomp,
      'no process is root',
    ],
    'no device of the host': ['no service has a host device'],
  },
  {
    'after a reboot the agent waits for the filter of the host': [
      'the engine restarts the agent only while the host drops its datagrams',
    ],
    'an IPC namespace of its own': [
      unconfined,
      'no service shares a namespace',
      'scratch folders are mounted with noexec, nosuid and nodev',
      'the agent cannot run a program from a scratch folder',
    ],
    'no socket of the engine': [
      mounted,
      writable,
      'no service has a socket of the container engine',
    ],
  },
  {
    'the home is a volume of the stack': [
      'the home of claude is a volume',
      'the home of worker is a volume',
    ],
    'each folder has its own list': ["the proxy reads this folder's list and no other folder's"],
    'no route out of the internal networks': [
      'the networks of agent and gateway have no route out',
    ],
    'networks without IPv6': ['no network of the stack has IPv6 enabled'],
    'sessions have a user of their own': [
      'the agent cannot trace, read or signal what keeps a session',
      'the agent cannot limit or slow down what keeps a session',
      'the agent cannot use the terminal or the folder of what keeps a session',
    ],
  },
  {
    'the counts are the gateway’s alone': [mounted, writable],
    'no address of the host on the internal networks': [
      'these networks are created without an address of the host',
      'the bridges of these networks have no IPv4 address on this host',
      'the agent cannot reach a service that listens on every address of this host',
    ],
  },
  {
    // Alone: these claims are about the user of each service, which other batches need as it is.
    'an ordinary user': [
      'no service is configured to run as root',
      'no process is root',
      'claude runs as the owner of its files on the host',
      'worker runs as the owner of its files on the host',
      'gateway runs as the owner of its files on the host',
    ],
  },
]
