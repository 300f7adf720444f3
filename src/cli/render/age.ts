const units = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3_600 },
  { unit: 'm', seconds: 60 },
] as const

/** Renders an age in one unit: `3d`, `2h`, `5m`, `12s`. */
export function renderAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const unit = units.find(unit => seconds >= unit.seconds)
  return unit ? `${Math.floor(seconds / unit.seconds)}${unit.unit}` : `${seconds}s`
}
