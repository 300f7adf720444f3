type Refusal = { reason: string; hint: string }

const own = (what: string): Refusal => ({ reason: `claude-secure sets ${what}`, hint: 'remove it' })
const opens = (what: string): Refusal => ({ reason: `it opens ${what}`, hint: 'remove it' })
const exception: Refusal = {
  reason: 'it weakens the hardening without a reason',
  hint: 'remove it, or state an exception with its reason: docs/services.md lists them',
}
const file: Refusal = {
  reason: 'it reads a file of the host',
  hint: 'build the file into an image with build: FOLDER',
}

/** Keys of Compose that a service beside the agent cannot have. */
export const refusedServiceKeys: Readonly<Record<string, Refusal>> = {
  ports: {
    reason: 'a published port opens the stack to this host and its networks',
    hint: 'remove it: the agent uses the ports in expose by the name of the service',
  },
  networks: own('the network'),
  network_mode: own('the network'),
  dns: own('the resolver'),
  dns_search: own('the resolver'),
  dns_opt: own('the resolver'),
  extra_hosts: opens('addresses outside of the stack'),
  links: own('the names'),
  external_links: opens('other stacks'),
  hostname: own('the names'),
  domainname: own('the names'),
  container_name: own('the names'),
  labels: own('the labels'),
  mac_address: own('the network'),
  privileged: opens('the host'),
  devices: opens('devices of the host'),
  device_cgroup_rules: opens('devices of the host'),
  gpus: opens('devices of the host'),
  runtime: own('the runtime'),
  pid: opens('a namespace of another container or the host'),
  ipc: opens('a namespace of another container or the host'),
  uts: opens('a namespace of another container or the host'),
  userns_mode: opens('a namespace of another container or the host'),
  cgroup: opens('a namespace of another container or the host'),
  cgroup_parent: opens('the limits of another group'),
  volumes_from: opens('the files of another container'),
  security_opt: exception,
  cap_add: exception,
  cap_drop: own('the capabilities'),
  read_only: exception,
  group_add: exception,
  sysctls: own('the kernel settings'),
  ulimits: own('the limits'),
  memswap_limit: own('it to mem_limit, so that there is no swap'),
  deploy: own('the limits'),
  logging: own('the limits of the log'),
  init: own('an init process'),
  restart: own('the restart policy'),
  profiles: own('when the service runs: SERVICES= in .env selects services'),
  depends_on: own('the order: make the service wait for others by itself'),
  extends: file,
  env_file: file,
  secrets: file,
  configs: file,
  develop: file,
  pull_policy: own('it: nothing is pulled'),
  platform: own('the platform'),
}
