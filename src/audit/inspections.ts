import * as z from 'zod'
import type { Engine } from '../engine/engine.ts'

const strings = z.array(z.string()).nullish()

/** The fields of `docker inspect` that probes read. */
export const InspectedContainer = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  AppArmorProfile: z.string().nullish(),
  State: z.looseObject({ Status: z.string(), Pid: z.number() }),
  Config: z.looseObject({
    Image: z.string(),
    User: z.string(),
    Env: strings,
    Cmd: strings,
    Entrypoint: strings,
    Labels: z.record(z.string(), z.string()).nullish(),
    Healthcheck: z.looseObject({ Test: strings }).nullish(),
  }),
  HostConfig: z.looseObject({
    Privileged: z.boolean(),
    ReadonlyRootfs: z.boolean(),
    CapAdd: strings,
    CapDrop: strings,
    SecurityOpt: strings,
    NetworkMode: z.string(),
    PidMode: z.string(),
    IpcMode: z.string(),
    UTSMode: z.string().nullish(),
    UsernsMode: z.string().nullish(),
    CgroupnsMode: z.string().nullish(),
    Dns: strings,
    DnsSearch: strings,
    Devices: z.array(z.unknown()).nullish(),
    DeviceRequests: z.array(z.unknown()).nullish(),
    DeviceCgroupRules: strings,
    MaskedPaths: strings,
    ReadonlyPaths: strings,
    Tmpfs: z.record(z.string(), z.string()).nullish(),
    Sysctls: z.record(z.string(), z.string()).nullish(),
    Memory: z.number(),
    MemorySwap: z.number(),
    NanoCpus: z.number(),
    CpuQuota: z.number().nullish(),
    PidsLimit: z.number().nullish(),
    Ulimits: z.array(z.object({ Name: z.string(), Hard: z.number(), Soft: z.number() })).nullish(),
    Init: z.boolean().nullish(),
    LogConfig: z.object({ Type: z.string(), Config: z.record(z.string(), z.string()).nullish() }),
    PortBindings: z.record(z.string(), z.unknown()).nullish(),
    PublishAllPorts: z.boolean().nullish(),
    RestartPolicy: z.object({ Name: z.string() }),
    Runtime: z.string().nullish(),
    ExtraHosts: strings,
  }),
  Mounts: z.array(
    z.looseObject({
      Type: z.string(),
      Name: z.string().nullish(),
      Source: z.string(),
      Destination: z.string(),
      RW: z.boolean(),
      Propagation: z.string().nullish(),
    }),
  ),
  NetworkSettings: z.looseObject({
    Ports: z.record(z.string(), z.unknown()).nullish(),
    Networks: z.record(
      z.string(),
      z.looseObject({
        NetworkID: z.string(),
        IPAddress: z.string(),
        GlobalIPv6Address: z.string().nullish(),
        Gateway: z.string().nullish(),
        Aliases: strings,
      }),
    ),
  }),
})
export type InspectedContainer = z.infer<typeof InspectedContainer>

export const InspectedNetwork = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Driver: z.string(),
  EnableIPv6: z.boolean(),
  Internal: z.boolean(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Options: z.record(z.string(), z.string()).nullish(),
  IPAM: z.looseObject({
    Config: z
      .array(z.looseObject({ Subnet: z.string().nullish(), Gateway: z.string().nullish() }))
      .nullish(),
  }),
  Containers: z
    .record(z.string(), z.looseObject({ Name: z.string(), IPv4Address: z.string() }))
    .nullish(),
})
export type InspectedNetwork = z.infer<typeof InspectedNetwork>

/** A stack as the engine reports it: a container cannot forge any of it. */
export type Inspections = {
  /** By service name. */
  containers: Map<string, InspectedContainer>
  /** By the name in compose.yaml, such as `claude-internal`. */
  networks: Map<string, InspectedNetwork>
  /** All other networks of this engine. */
  otherNetworks: InspectedNetwork[]
  /** The engine's raw output for everything in the project, for searches. */
  text: string
}

export async function inspectProject(engine: Engine, project: string): Promise<Inspections> {
  const summaries = await engine.containers([`com.docker.compose.project=${project}`])
  const raw = await Promise.all(summaries.map(({ Id }) => engine.inspect(`/containers/${Id}/json`)))
  const containers = raw.map(value => InspectedContainer.parse(value))
  const images = await Promise.all(
    [...new Set(containers.map(({ Image }) => Image))].flatMap(image => [
      engine.inspect(`/images/${encodeURIComponent(image)}/json`),
      engine.inspect(`/images/${encodeURIComponent(image)}/history`),
    ]),
  )
  const networkSummaries = await engine.networks([])
  const rawNetworks = await Promise.all(
    networkSummaries.map(({ Id }) => engine.inspect(`/networks/${Id}`).catch(() => null)),
  )
  const networks = rawNetworks.flatMap(value => {
    // A network that was removed in the meantime.
    if (value === null) return []
    return [InspectedNetwork.parse(value)]
  })
  const label = (network: InspectedNetwork, name: string) =>
    network.Labels?.[`com.docker.compose.${name}`]
  const own = networks.filter(network => label(network, 'project') === project)
  return {
    containers: new Map(
      containers.map(container => [
        container.Config.Labels?.['com.docker.compose.service'] ?? container.Name,
        container,
      ]),
    ),
    networks: new Map(own.map(network => [label(network, 'network') ?? network.Name, network])),
    otherNetworks: networks.filter(network => label(network, 'project') !== project),
    text: JSON.stringify([raw, images, own]),
  }
}
