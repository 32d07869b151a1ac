/** Control characters, and marks that reorder or hide text, could fool the reader of a terminal. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same JSON, with everything written out that a terminal would obey or not show as itself. */
export function escapeHidden(json: string): string {
  return json.replaceAll(HIDDEN, char => {
    const units = Array.from({ length: char.length }, (_, at) => char.charCodeAt(at))
    return units.map(unit => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}
