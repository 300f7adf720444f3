/** Something the lock is made of, and what notices when it is gone. */
export type Control = {
  /** "no capabilities". Unique among all controls. */
  control: string
  /** File, and the place in it. */
  stated: string
  /** Id of the probe that must turn red. */
  probe: string
}
