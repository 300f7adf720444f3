/**
 * The controls of compose.yaml that `npm test` removes from one stack at the same time, and the claims of
 * the audit that each of them alone opens. Claims within a batch are disjoint, so that each red claim has
 * one cause. The suite of mutations removes each control alone.
 */
export type Batch = Readonly<Record<string, readonly string[]>>

const scratch = 'scratch folders take no programs, devices or setuid files'
const kernelLimits = 'the kernel has the limits that were asked for'
const unconfined = 'no service is unconfined'
const mounted = 'nothing is mounted but what the design says'
const writable = 'what is mounted to be read cannot be written'
const seccomp = 'every process is filtered by seccomp'
const networks = 'each service is on its own networks and on no other'

export const composeBatches: readonly Batch[] = [
  {
    'no capabilities': ['every service drops all capabilities', 'no process has a capability'],
    noexec: [scratch],
    size: ['scratch folders are limited', 'the kernel limits the scratch folders'],
    'processes are limited': ['processes are limited', kernelLimits],
    'open files are limited': ['open files are limited', 'the kernel has the limit of open files'],
    'logs are limited': ['logs are limited'],
    'IPv6 is off': [
      'their kernels have IPv6 turned off',
      'every service is started with IPv6 turned off',
    ],
    'no search domains of the host': ["the host's search domains are not taken over"],
    'the model gateway is the address of the API': [
      'the environment of claude names who is asked',
      'the environment of worker names who is asked',
    ],
  },
  {
    'no new privileges': ['no service may gain privileges', 'no process can gain privileges'],
    nosuid: [scratch],
    'memory is limited': ['memory is limited', 'nothing is swapped', kernelLimits],
    'no core dumps': [
      'no memory is dumped to disk',
      'the kernel dumps no memory',
      'no service can dump its memory to disk',
    ],
    'services do not route': [
      'no service is a router between its networks',
      'every service is started so',
    ],
    'no resolver but for names of the stack': ['only the proxy has a resolver for other names'],
    'nothing of the host but the workspace': [mounted],
    'the host manages the provider': [
      'settings of a repository have no say in claude in who is asked',
      'settings of a repository have no say in worker in who is asked',
    ],
    'the agent has a placeholder for a key': [
      'no environment holds a real key',
      'the engine tells no key',
      'no process was started with a key',
    ],
  },
  {
    'the default seccomp filter': [
      unconfined,
      seccomp,
      'the kernel refuses the agent what only root does',
    ],
    'a read-only system': [
      'the system of every service is read-only',
      'the system is mounted read-only',
      'the agent cannot write to the system',
      'the agent cannot run a program from a scratch folder',
    ],
    nodev: [scratch],
    'processor time is limited': ['processors are limited', kernelLimits],
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
      'the kernel refuses the agent what only root does',
    ],
    'no swap beyond the memory limit': ['nothing is swapped'],
    'account files are mounted read-only': [writable],
    'only the proxy has a way out': [networks],
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
    'no device of the host': ['no service has a device of the host'],
    'the credential is the gateway’s alone': [
      mounted,
      'its file is mounted into the gateway alone',
    ],
  },
  {
    'an IPC namespace of its own': [
      unconfined,
      'no service shares a namespace',
      'scratch folders are mounted without programs, devices and setuid files',
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
    'no route out of the internal networks': [
      'the networks of agent and gateway have no route out',
    ],
    'networks without IPv6': ['no network of the stack is made with IPv6'],
  },
  {
    'the counts are the gateway’s alone': [mounted, writable],
    'no address of the host on the internal networks': [
      'they are made without an address of the host',
      'their bridges have no IPv4 address on this host',
      'a service of this host that listens on every address is not reached',
    ],
  },
  {
    // In claude, which does not start as root, nothing else can be tried.
    'an ordinary user': [
      'no service is configured to run as root',
      'no process is root',
      'claude runs as the owner of what it has of the host',
      'worker runs as the owner of what it has of the host',
      'gateway runs as the owner of what it has of the host',
    ],
  },
]
