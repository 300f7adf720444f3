/**
 * Runtimes that put a kernel of their own between a container and the host: gVisor and Kata. What
 * the kernel inside says of seccomp is not the host's word there.
 */
export function isSandbox(runtime: string | null | undefined): boolean {
  return /(^|[/.-])(runsc|kata)/.test(runtime ?? '')
}
