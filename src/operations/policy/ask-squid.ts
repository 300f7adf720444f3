import type { Engine } from '../../engine/engine.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import {
  judgeInImage,
  judgeInProxy,
  type PolicyJudgement,
  policyProxies,
} from '../../stack/policy-proxies.ts'

/** Has Squid check a squid.conf, in a running proxy of the checkout or else in the newest image; null without either. */
export async function askSquid(
  { engine, docker }: { engine: Engine; docker: DockerClient },
  root: string,
  text: string,
): Promise<PolicyJudgement | null> {
  const [proxy] = await policyProxies(engine, root)
  if (proxy) return judgeInProxy(docker, proxy.container, text)
  const image = await newestProxyImage(engine)
  return image === undefined ? null : judgeInImage(docker, image, text)
}

export async function newestProxyImage(engine: Engine): Promise<string | undefined> {
  const images = await engine.images('claude-secure/proxy')
  return images.toSorted((a, b) => b.Created - a.Created)[0]?.RepoTags?.[0]
}
