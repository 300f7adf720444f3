/**
 * Returns whether a runtime puts its own kernel between a container and the host, as gVisor and Kata
 * do. The seccomp status that such a kernel reports is not the host's.
 */
export function isSandbox(runtime: string | null | undefined): boolean {
  return /(^|[/.-])(runsc|kata)/.test(runtime ?? '')
}
