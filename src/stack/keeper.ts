/** Below 65534, which the kernel shows for every user outside of a mapping, and within the usual mappings. */
const usual = 65_532

/**
 * Returns the user that owns what keeps a session: its tmux and the person's terminal. It needs no entry
 * in a container, has no capability, and is never the agent's user or group, whose processes could then
 * signal, trace and write to it.
 */
export function keeperUser(agent: { uid: number; gid: number }): string {
  const free = [usual, usual + 1, usual - 1].find(id => id !== agent.uid && id !== agent.gid)
  return `${free}:${free}`
}

/** Returns the user in a label, or null for a stack of a version without it, whose sessions had the agent's. */
export function parseKeeper(label: string | undefined): string | null {
  return label !== undefined && /^[1-9][0-9]{0,9}:[1-9][0-9]{0,9}$/.test(label) ? label : null
}
