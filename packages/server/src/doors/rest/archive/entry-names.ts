/**
 * Names of archive entries. Whoever unpacks must get files below one folder, whatever the assets
 * are called: no absolute paths, no `..`, no drive letters, no two entries with one name.
 */
export class EntryNames {
  readonly #taken = new Set<string>()
  /** By name, where to go on counting: a thousand equal names would else be counted through. */
  readonly #counts = new Map<string, number>()

  add(name: string): string {
    const safe = safeEntry(name)
    const folded = safe.toLowerCase()
    const dot = safe.lastIndexOf('.')
    const stemEnd = dot > safe.lastIndexOf('/') + 1 ? dot : safe.length
    let entry = safe
    let count = this.#counts.get(folded) ?? 2
    for (; this.#taken.has(entry.toLowerCase()); count += 1) {
      entry = `${safe.slice(0, stemEnd)} (${count})${safe.slice(stemEnd)}`
    }
    this.#counts.set(folded, count)
    this.#taken.add(entry.toLowerCase())
    return entry
  }
}

const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

function safeEntry(name: string): string {
  const parts = name
    .toWellFormed()
    .replaceAll('\\', '/')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    .replaceAll(/[\u0000-\u001f\u007f-\u009f:*?"<>|\u2028-\u202e\u2066-\u2069]/g, '_')
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .map(safePart)
  return parts.length === 0 ? 'unnamed' : parts.join('/')
}

function safePart(part: string): string {
  // Windows drops dots and spaces at the end, so that `..` and `.. ` would meet again there. A
  // pattern for the end would be tried from every dot of a name of dots.
  let end = part.length
  while (end > 0 && (part[end - 1] === '.' || part[end - 1] === ' ')) end -= 1
  const trimmed = part.slice(0, end) + '_'.repeat(part.length - end)
  return RESERVED.test(trimmed) ? `_${trimmed}` : trimmed
}
