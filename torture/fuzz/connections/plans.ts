import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { mutate } from '../mutate.ts'
import { type DoorName, doors, type Kind, kindsOf } from './requests.ts'

/** How a connection ends; `calm` waits for its answer. */
export type Ending = 'reset' | 'half-close' | 'silence' | 'calm'

/** One hostile connection, all of it drawn from a seed and a number. */
export interface Plan {
  readonly number: number
  readonly door: DoorName
  readonly kind: string
  readonly isMangled: boolean
  readonly pieces: readonly Buffer[]
  /** Before each piece but the first. */
  readonly pauseMs: number
  /** Reads so many bytes of what comes, and then nothing more. */
  readonly readBytes: number
  readonly ending: Ending
  /** The end comes when the first bytes of an answer are there, or after this time. */
  readonly afterAnswer: boolean
  readonly waitMs: number
}

const mangledShare = 0.25
const cutShare = 0.6
const pieceMost = 4

/** Each kind that is answered comes once like this, before chance has its way. */
const inCalm = doors.flatMap(door => {
  const kinds = kindsOf[door].flat()
  return kinds.filter(({ answered }) => answered).map(kind => ({ door, kind }))
})

export const calmFirst = inCalm.length

/** The same seed and number give the same connection; only the times in signatures differ. */
export function planOf(seed: number, number: number, nowMs = Date.now()): Plan {
  const random = new SeededRandom(seed).fork(number)
  const { door, kind } = inCalm[number] ?? draw(random)
  const isCalm = number < calmFirst || (kind.answered && random.chance(0.1))
  const isMangled = !isCalm && random.chance(mangledShare)
  const folder = isMangled ? 'mangled' : 'whole'
  const made = kind.make({ random, folder, number: number + 1, nowMs })
  const sent = isMangled ? Buffer.from(mutate(made, { corpus: [made], words: [], random })) : made
  const isCut = !isCalm && random.chance(cutShare)
  const bytes = isCut ? sent.subarray(0, cutAt(sent, random)) : sent
  return {
    ...{ number, door, kind: kind.name, isMangled, pieces: piecesOf(bytes, random) },
    pauseMs: random.chance(0.5) ? 0 : random.below(12),
    readBytes: isCalm ? Number.POSITIVE_INFINITY : readBytesOf(random),
    ending: isCalm ? 'calm' : endingOf(random),
    afterAnswer: random.chance(0.5),
    waitMs: random.chance(0.3) ? 0 : random.below(120),
  }
}

function draw(random: SeededRandom): { readonly door: DoorName; readonly kind: Kind } {
  const at = random.fraction()
  const door = at < 0.45 ? 'rest' : at < 0.85 ? 's3' : 'metrics'
  const [ofPrograms, strange] = kindsOf[door]
  if (random.chance(0.4)) return { door, kind: random.pick(strange) }
  // A body that breaks off has been most trouble.
  const puts = ofPrograms.filter(({ name }) => name.startsWith('put'))
  const kinds = puts.length > 0 && random.chance(0.4) ? puts : ofPrograms
  return { door, kind: random.pick(kinds) }
}

/** A third of the cuts are in the head, where most of what a server decides is decided. */
function cutAt(bytes: Buffer, random: SeededRandom): number {
  const head = bytes.indexOf('\r\n\r\n') + 4
  const end = head > 4 && random.chance(0.35) ? head : bytes.length
  return random.below(end + 1)
}

function piecesOf(bytes: Buffer, random: SeededRandom): Buffer[] {
  const count = random.chance(0.5) ? 1 : 1 + random.below(pieceMost)
  const cuts = Array.from({ length: count - 1 }, () => random.below(bytes.length + 1))
  const ends = [...cuts.sort((a, b) => a - b), bytes.length]
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
}

function readBytesOf(random: SeededRandom): number {
  const draw = random.below(4)
  if (draw === 0) return 0
  return draw === 1 ? 1 + random.below(200_000) : Number.POSITIVE_INFINITY
}

function endingOf(random: SeededRandom): Ending {
  const draw = random.fraction()
  if (draw < 0.55) return 'reset'
  return draw < 0.85 ? 'half-close' : 'silence'
}

/** What it takes to see it again by hand. */
export function describePlan(plan: Plan): string {
  const { number, door, kind, isMangled, pieces, pauseMs, readBytes, ending } = plan
  const bytes = Buffer.concat(pieces)
  const shown = bytes.subarray(0, 600).toString('base64')
  const end = `${ending} ${plan.afterAnswer ? 'at the answer, or ' : ''}${plan.waitMs} ms later`
  const reading = readBytes === Number.POSITIVE_INFINITY ? 'all' : `${readBytes} bytes`
  return (
    `connection ${number}: ${door}, ${isMangled ? 'mangled ' : ''}${kind}, ` +
    `${bytes.length} bytes in ${pieces.length} pieces ${pauseMs} ms apart, reads ${reading}, ` +
    `${end}; base64 ${shown}${bytes.length > 600 ? '…' : ''}`
  )
}
