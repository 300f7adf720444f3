/** Returns a container of a stack as the engine lists it: a fake engine's answer. */
export function stackContainer(
  stack: string,
  service: string,
  labels: Record<string, string> = {},
) {
  return {
    Id: `${stack}-${service}`,
    Names: [`/${stack}-${service}-1`],
    Image: 'claude-secure/claude:0',
    ImageID: 'sha256:0',
    State: 'running',
    Status: 'Up 3 minutes (healthy)',
    Created: 1,
    Labels: {
      'claude-secure.stack': stack,
      'claude-secure.workspace': `/home/me/${stack}`,
      'com.docker.compose.service': service,
      ...labels,
    },
  }
}
