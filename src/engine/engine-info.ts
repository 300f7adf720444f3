import * as z from 'zod'
import { bodyText, type EngineAddress, engineGet } from './engine-request.ts'

const Info = z.object({
  /** Such as `name=seccomp,profile=builtin`, `name=apparmor`, `name=rootless`. */
  SecurityOptions: z.array(z.string()).nullish(),
  CgroupVersion: z.string().default(''),
  KernelVersion: z.string().default(''),
  DockerRootDir: z.string().default(''),
  /** The engine's clock, RFC 3339. */
  SystemTime: z.string().default(''),
  /** Only where they are set. */
  DefaultAddressPools: z.array(z.object({ Base: z.string(), Size: z.number() })).nullish(),
})
export type EngineInfo = z.infer<typeof Info>

const Volumes = z.object({ Volumes: z.array(z.object({ Name: z.string() })).nullish() })

/** What the engine says of the machine it is on. Slow, as the API goes: it asks the kernel a lot. */
export async function engineInfo(address: EngineAddress): Promise<EngineInfo> {
  return Info.parse(await ask(address, '/info'))
}

/** Names of all volumes, those of other programs too. */
export async function volumeNames(address: EngineAddress): Promise<string[]> {
  return (Volumes.parse(await ask(address, '/volumes')).Volumes ?? []).map(({ Name }) => Name)
}

async function ask(address: EngineAddress, path: string): Promise<unknown> {
  const { status, body } = await engineGet(address, path, { idleMilliseconds: 10_000 })
  const text = await bodyText(body)
  if (status !== 200) throw new Error(`the container engine answered ${status} to ${path}`)
  return JSON.parse(text)
}
