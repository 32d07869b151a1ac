const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

export function secondsText(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `90`, `15m`, `2h` and `7d` are seconds. */
export function parseSeconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text)
  if (match === null) return undefined
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] || 's'] ?? 1
  return Number(match[1]) * unit
}

export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15})([kmgt]?)i?b?$/i.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * 1024 ** ' kmgt'.indexOf((match[2] || ' ').toLowerCase())
}

/** To the minute, UTC. */
export function timeText(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ')
}
