import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { Plan } from './plans.ts'

/** How a hostile connection goes about TLS. */
export interface Way {
  /**
   * `whole`: as it should. `bare`: without any. Else only the first bytes of the client pass, hello
   * included, and then nothing more, or bytes that belong to nothing. `again`: a new handshake
   * inside the connection, several times.
   */
  readonly kind: 'whole' | 'bare' | 'cut' | 'garbage' | 'again'
  /** Of what TLS sends, so many bytes pass as they are. */
  readonly passes: number
  readonly garbage: Uint8Array
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** A half-close comes without the word that TLS has for it. */
  readonly isWordless: boolean
}

const streamOfWays = 0x715

/** The same seed and plan give the same way; who waits for an answer goes it whole. */
export function wayOf(seed: number, { number, ending }: Plan): Way {
  const random = new SeededRandom(seed ^ streamOfWays).fork(number)
  const kind = ending === 'calm' ? 'whole' : kindOf(random)
  return {
    kind,
    passes: kind === 'cut' || kind === 'garbage' ? passesOf(random) : Number.POSITIVE_INFINITY,
    garbage: random.bytes(1 + random.below(random.pick([5, 600, 20_000]))),
    maxVersion: kind === 'again' || random.chance(0.3) ? 'TLSv1.2' : 'TLSv1.3',
    isWordless: random.chance(0.5),
  }
}

function kindOf(random: SeededRandom): Way['kind'] {
  const draw = random.fraction()
  if (draw < 0.5) return 'whole'
  if (draw < 0.65) return 'bare'
  if (draw < 0.8) return 'cut'
  return draw < 0.95 ? 'garbage' : 'again'
}

/** A hello has some 300 to 1,800 bytes, what follows it some 80; then comes what is sent. */
function passesOf(random: SeededRandom): number {
  return random.below(random.pick([6, 400, 2000, 2000, 4000, 60_000]))
}

export function describeWay({ kind, passes, garbage, maxVersion, isWordless }: Way): string {
  const passed = kind === 'cut' || kind === 'garbage' ? ` after ${passes} bytes` : ''
  const soil = kind === 'garbage' ? ` of ${garbage.length} bytes` : ''
  const half = isWordless ? 'without' : 'with'
  return `${kind}${soil}${passed} about ${maxVersion}, half-closed ${half} a word`
}
