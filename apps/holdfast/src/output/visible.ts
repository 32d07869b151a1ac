import { escapeHidden } from '@holdfast/core/escape-hidden.ts'

/** Control characters, and marks that reorder or hide text, could fool the reader of a terminal. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** The text with everything that a terminal would not show as itself written out. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, char => {
    const code = char.codePointAt(0) ?? 0
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same of lines of JSON, whose meaning does not change. */
export function visibleJson(lines: string): string {
  return lines.split('\n').map(escapeHidden).join('\n')
}

/** The same of lines of CSV, for a terminal. */
export function visibleCsv(lines: string): string {
  return lines.split(/\r?\n/).map(visible).join('\n')
}

/** Text of any length, made visible piece by piece: no piece ends within a character. */
export async function* visiblePieces(
  pieces: AsyncIterable<Uint8Array>,
  shown: (text: string) => string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let held = ''
  for await (const piece of pieces) {
    const text = held + decoder.decode(piece, { stream: true })
    // What ends a line may come in two pieces.
    held = text.endsWith('\r') ? '\r' : ''
    yield shown(text.slice(0, text.length - held.length))
  }
  yield shown(held + decoder.decode())
}
