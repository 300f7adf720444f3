import * as z from 'zod'
import { type EngineQuery, filters } from './query.ts'

const ImageSummary = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Created: z.number(),
  Size: z.number(),
})
export type ImageSummary = z.infer<typeof ImageSummary>

const NetworkSummary = z.object({
  Id: z.string(),
  Name: z.string(),
  /** RFC 3339. */
  Created: z.string().nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  IPAM: z
    .object({ Config: z.array(z.object({ Subnet: z.string().nullish() })).nullish() })
    .nullish(),
})
export type NetworkSummary = z.infer<typeof NetworkSummary>

const VolumeList = z.object({
  Volumes: z
    .array(
      z.object({
        Name: z.string(),
        /** RFC 3339. */
        CreatedAt: z.string().nullish(),
        Labels: z.record(z.string(), z.string()).nullish(),
        /** -1 when unknown. */
        UsageData: z.object({ Size: z.number() }).nullish(),
      }),
    )
    .nullish(),
})
export type VolumeSummary = NonNullable<z.infer<typeof VolumeList>['Volumes']>[number]

/** Questions about images, networks and volumes. */
export function createResources(query: EngineQuery) {
  return {
    images: (reference: string) =>
      query(z.array(ImageSummary), `/images/json?${filters({ reference: [reference] })}`),

    networks: (labels: readonly string[]) =>
      query(z.array(NetworkSummary), `/networks?${filters({ label: labels })}`),

    /** Returns the volumes that carry every one of `labels`. */
    volumes: async (labels: readonly string[]) =>
      (await query(VolumeList, `/volumes?${filters({ label: labels })}`)).Volumes ?? [],

    /** Returns the names of all volumes, including those of other programs. */
    volumeNames: async () =>
      ((await query(VolumeList, '/volumes')).Volumes ?? []).map(({ Name }) => Name),

    /** Returns the bytes of each volume by name; none when the engine needs longer to count files. */
    async volumeSizes(milliseconds: number): Promise<Map<string, number>> {
      try {
        const options = { idleMilliseconds: milliseconds }
        const { Volumes } = await query(VolumeList, '/system/df?type=volume', options)
        return new Map(
          (Volumes ?? []).flatMap(({ Name, UsageData }) =>
            UsageData && UsageData.Size >= 0 ? [[Name, UsageData.Size] as const] : [],
          ),
        )
      } catch {
        return new Map()
      }
    },
  }
}
