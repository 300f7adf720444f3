/** The program that speaks to the engine, and the whole environment it is run with. */
export type DockerClient = {
  kind: 'docker' | 'podman'
  file: string
  env: Record<string, string>
}
