import {
  type Code,
  get,
  i32,
  loop,
  set,
  tee,
  v128,
  type WasmFunctionCode,
  wasmModule,
} from './wasm-code.ts'

/**
 * MD5 (RFC 1321) of one stream, of two, four and eight side by side. The steps of one stream wait
 * for each other: those of a second one fill that time, the lanes of a vector take four at a time,
 * and two vectors eight. 1.15 s/GB for one (as OpenSSL), 0.64 for two (0.78 in four lanes), 0.39
 * for four, 0.25 for eight; three are faster in four lanes (0.52) than mixed (0.59).
 */

/** Where things lie after the address that is given to the functions, in bytes. */
export const place = {
  /** Address of the next block of each lane, i32. */
  blocks: 0,
  /** A, B, C, D of the lanes 0 to 3, then of 4 to 7, i32. */
  states: 32,
  /** The constants of all steps, i32. */
  constants: 160,
  /** For the functions themselves: 16 words of four lanes, twice. */
  words: 416,
  bytes: 928,
} as const

const STEPS = 64
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]

const sine = (step: number) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32)
/** With vectors, the last round subtracts what it should add inverted: one less each. */
export const constants = Array.from({ length: STEPS }, (_, n) => sine(n) - (n < 48 ? 0 : 1))

function shiftOf(step: number): number {
  return SHIFTS[step >> 4]?.[step & 3] ?? 0
}

function wordOf(step: number): number {
  const [factor = 0, more = 0] =
    [
      [1, 0],
      [5, 1],
      [3, 5],
      [7, 0],
    ][step >> 4] ?? []
  return (factor * step + more) % 16
}

/** Local of a, b, c or d: each step, they change their parts. */
function turned(first: number, step: number): [a: number, b: number, c: number, d: number] {
  const at = (n: number) => first + ((n + 4 - (step % 4)) % 4)
  return [at(0), at(1), at(2), at(3)]
}

const steps = (code: (step: number) => Code): Code =>
  Array.from({ length: STEPS }, (_, step) => code(step)).flat()
const four = (code: (n: number) => Code): Code => [0, 1, 2, 3].flatMap(code)

/**
 * (address, count): `count` blocks of each of so many streams, whose steps are mixed: those of one
 * fill the time in which the other's wait.
 */
function scalars(name: string, streams: 1 | 2): WasmFunctionCode {
  const [address, count, block] = [0, 1, 2]
  const state = block + streams
  const all = Array.from({ length: streams }, (_, stream) => stream)
  const stateAt = (stream: number, word: number) => place.states + 4 * stream + 16 * word
  const words = all.flatMap(stream => [0, 1, 2, 3].map(word => [stream, word] as const))
  const each = (code: (local: number, at: number) => Code): Code =>
    words.flatMap(([stream, word]) => code(state + 4 * stream + word, stateAt(stream, word)))
  return {
    name,
    params: 2,
    i32: 5 * streams,
    v128: 0,
    body: [
      ...all.flatMap(n => [
        ...[...get(address), ...i32.load(place.blocks + 4 * n), ...set(block + n)],
      ]),
      ...each((local, at) => [...get(address), ...i32.load(at), ...set(local)]),
      ...loop([
        ...steps(n => all.flatMap(stream => scalarStep(n, block + stream, state + 4 * stream))),
        ...each((local, at) => [
          ...[...get(address), ...get(local), ...get(address), ...i32.load(at)],
          ...[...i32.add, ...tee(local), ...i32.store(at)],
        ]),
        ...all.flatMap(n => [...get(block + n), ...i32.value(64), ...i32.add, ...set(block + n)]),
        ...[...get(count), ...i32.value(1), ...i32.sub, ...tee(count)],
      ]),
    ],
  }
}

function scalarStep(step: number, block: number, state: number): Code {
  const [a, b] = turned(state, step)
  return [
    ...[...get(block), ...i32.load(4 * wordOf(step)), ...get(a), ...i32.add],
    ...[...i32.value(sine(step)), ...i32.add, ...scalarRound(step, state), ...i32.add],
    ...[...i32.value(shiftOf(step)), ...i32.rotl, ...get(b), ...i32.add, ...set(a)],
  ]
}

function scalarRound(step: number, state: number): Code {
  const [, b, c, d] = turned(state, step)
  const minusOne = i32.value(-1)
  switch (step >> 4) {
    case 0:
      return [...get(c), ...get(d), ...i32.xor, ...get(b), ...i32.and, ...get(d), ...i32.xor]
    case 1:
      // Added in two halves: the first one does not wait for the step before.
      return [
        ...[...get(d), ...minusOne, ...i32.xor, ...get(c), ...i32.and, ...i32.add],
        ...[...get(b), ...get(d), ...i32.and],
      ]
    case 2:
      return [...get(c), ...get(d), ...i32.xor, ...get(b), ...i32.xor]
    default:
      return [...get(d), ...minusOne, ...i32.xor, ...get(b), ...i32.or, ...get(c), ...i32.xor]
  }
}

/** (address, count): `count` blocks of each lane of so many vectors. */
function lanes(name: string, vectors: 1 | 2): WasmFunctionCode {
  const [address, count, block] = [0, 1, 2]
  const all = Array.from({ length: vectors }, (_, vector) => vector)
  const state = block + 4 * vectors
  const free = state + 4 * vectors
  const stateAt = (n: number) => place.states + 16 * n
  const words = 4 * vectors
  const each = (code: (n: number) => Code): Code => [...Array(words).keys()].flatMap(code)
  return {
    name,
    params: 2,
    i32: words,
    v128: words + 8,
    body: [
      ...each(n => [...get(address), ...i32.load(place.blocks + 4 * n), ...set(block + n)]),
      ...each(n => [...get(address), ...v128.load(stateAt(n)), ...set(state + n)]),
      ...loop([
        ...all.flatMap(vector => turnWords({ vector, block: block + 4 * vector, free })),
        ...steps(n => all.flatMap(vector => laneStep(n, vector, state + 4 * vector))),
        ...each(n => [
          ...[...get(address), ...get(state + n), ...get(address), ...v128.load(stateAt(n))],
          ...[...v128.add, ...tee(state + n), ...v128.store(stateAt(n))],
        ]),
        ...each(n => [...get(block + n), ...i32.value(64), ...i32.add, ...set(block + n)]),
        ...[...get(count), ...i32.value(1), ...i32.sub, ...tee(count)],
      ]),
    ],
  }
}

const bytesOf = (words: readonly number[]): Code =>
  words.flatMap(word => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3])
const lowWords = v128.shuffle(bytesOf([0, 4, 1, 5]))
const highWords = v128.shuffle(bytesOf([2, 6, 3, 7]))
const lowPairs = v128.shuffle(bytesOf([0, 1, 4, 5]))
const highPairs = v128.shuffle(bytesOf([2, 3, 6, 7]))

/** Makes sixteen vectors, each one word of four streams, of blocks as they lie in memory. */
function turnWords(of: { vector: number; block: number; free: number }): Code {
  const { vector, block, free } = of
  const address = 0
  const mixed = free + 4
  const mix = (n: number, [one, other]: readonly [number, number], how: Code): Code => {
    return [...get(free + one), ...get(free + other), ...how, ...set(mixed + n)]
  }
  return four(quarter => {
    const keep = (word: number, one: number, how: Code): Code => {
      const at = place.words + 256 * vector + 16 * (4 * quarter + word)
      return [
        ...[...get(address), ...get(mixed + one), ...get(mixed + one + 1), ...how],
        ...v128.store(at),
      ]
    }
    return [
      ...four(lane => [...get(block + lane), ...v128.load(16 * quarter), ...set(free + lane)]),
      ...[...mix(0, [0, 1], lowWords), ...mix(1, [2, 3], lowWords)],
      ...[...mix(2, [0, 1], highWords), ...mix(3, [2, 3], highWords)],
      ...[...keep(0, 0, lowPairs), ...keep(1, 0, highPairs)],
      ...[...keep(2, 2, lowPairs), ...keep(3, 2, highPairs)],
    ]
  })
}

function laneStep(step: number, vector: number, state: number): Code {
  const address = 0
  const [a, b] = turned(state, step)
  const shift = shiftOf(step)
  return [
    ...[...get(address), ...v128.loadSplat(place.constants + 4 * step)],
    ...[...get(address), ...v128.load(place.words + 256 * vector + 16 * wordOf(step))],
    ...[...v128.add, ...get(a), ...v128.add, ...laneRound(step, state), ...tee(a)],
    ...[...i32.value(shift), ...v128.shl, ...get(a), ...i32.value(32 - shift), ...v128.shr],
    ...[...v128.or, ...get(b), ...v128.add, ...set(a)],
  ]
}

/** Adds the function of the round to the sum that is there. */
function laneRound(step: number, state: number): Code {
  const [, b, c, d] = turned(state, step)
  switch (step >> 4) {
    case 0:
      return [
        ...[...get(c), ...get(d), ...v128.xor, ...get(b), ...v128.and, ...get(d), ...v128.xor],
        ...v128.add,
      ]
    case 1:
      return [
        ...[...get(c), ...get(d), ...v128.andNot, ...v128.add],
        ...[...get(b), ...get(d), ...v128.and, ...v128.add],
      ]
    case 2:
      return [...get(c), ...get(d), ...v128.xor, ...get(b), ...v128.xor, ...v128.add]
    default:
      // c ^ (b | ~d) is ~(c ^ (d & ~b)), and adding ~x is subtracting x and one.
      return [...get(d), ...get(b), ...v128.andNot, ...get(c), ...v128.xor, ...v128.sub]
  }
}

/** The functions `one`, `two`, `four` and `eight`. */
export const md5Code = wasmModule([
  ...[scalars('one', 1), scalars('two', 2)],
  ...[lanes('four', 1), lanes('eight', 2)],
])
