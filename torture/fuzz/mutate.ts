import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'

const inputBytesMax = 64 * 1024
const numbers = ['0', '-1', '1e5', '007', '9007199254740993', '18446744073709551616', '0x10']
const marks = [
  '\r\n',
  '\n',
  '\0',
  '"',
  '\\',
  '%00',
  '%2e%2e/',
  '../',
  ';',
  ',',
  '=',
  ':',
  '--',
  '*',
]
const units = [
  'ï',
  '😀',
  '\ud800',
  'Ａ',
  '\u0300',
  '__proto__',
  'constructor',
  ' ',
  '\t',
  '',
  '\x7f',
]
const general = [...numbers, ...marks, ...units]

/** One to four changes of an input, or a piece of another in it. */
export function mutate(
  input: Uint8Array,
  {
    corpus,
    words,
    random,
  }: {
    readonly corpus: readonly Uint8Array[]
    readonly words: readonly string[]
    readonly random: SeededRandom
  },
): Uint8Array {
  let bytes = Buffer.from(input)
  const changes = 1 + random.below(4)
  for (let i = 0; i < changes; i += 1) {
    const at = random.below(bytes.length + 1)
    const length = Math.min(bytes.length - at, 1 + random.below(16))
    const rest = bytes.subarray(at)
    const word = Buffer.from(random.pick(words.length > 0 && random.chance(0.5) ? words : general))
    switch (random.below(8)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
        break
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), word, rest])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + word.length)])
        break
      case 5:
        bytes = Buffer.concat([
          bytes.subarray(0, at + length),
          bytes.subarray(at, at + length),
          rest,
        ])
        break
      case 6: {
        const other = random.pick(corpus)
        const from = random.below(other.length + 1)
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(from)])
        break
      }
      default:
        bytes = bytes.subarray(0, at)
    }
  }
  if (random.chance(0.001)) bytes = Buffer.concat(Array<Buffer>(1 + random.below(2000)).fill(bytes))
  return bytes.subarray(0, inputBytesMax)
}
