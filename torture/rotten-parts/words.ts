import { hash } from 'node:crypto'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'

/** Large letters lie in files of their own, small ones in packs. */
export const PART_BYTES_MIN = 8 * 1024
export const PACKED_BYTES_MAX = 4 * 1024
const sizes = { A: PART_BYTES_MIN, B: PART_BYTES_MIN, C: PART_BYTES_MIN + 513, t: 300, u: 1 }

type Letter = keyof typeof sizes
const letters = new Map(
  Object.entries(sizes).map(([letter, size]) => [
    letter,
    Buffer.from(new SeededRandom(letter.charCodeAt(0)).bytes(size)),
  ]),
)

/** Contents that begin, end and are made of each other; the empty word is empty content. */
export const words = [
  ...['', 't', 'u', 'A', 'B', 'C', 'At', 'Bt', 'Bu', 'AA', 'AB', 'BA', 'BC'],
  ...['ABt', 'ABu', 'AAt', 'BAt', 'ABA', 'ABC', 'BCt', 'ABAB', 'ABCt', 'ABABt'],
] as const

export function bytesOf(word: string): Buffer {
  return Buffer.concat([...word].map(letter => letters.get(letter as Letter) ?? Buffer.alloc(0)))
}

export const sha256Of = (word: string): string => hash('sha256', bytesOf(word))

/** Cuts a word into parts that a multipart upload may have, an empty last one among them. */
export function cutAtRandom(word: string, random: SeededRandom): string[] {
  const parts: string[] = []
  let part = ''
  for (const letter of word) {
    const isSmall = letter === 't' || letter === 'u'
    if (part !== '' && random.chance(isSmall ? 0.7 : 0.5)) {
      parts.push(part)
      part = ''
    }
    part += letter
  }
  parts.push(part)
  if (bytesOf(part).length >= PART_BYTES_MIN && random.chance(0.15)) parts.push('')
  return parts
}
