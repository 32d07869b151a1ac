/**
 * Just enough of an assembler for WebAssembly (https://webassembly.github.io/spec/core/binary/)
 * to write a loop of vector instructions down: functions without results on one shared memory.
 */

/** Bytes of one or more instructions. */
export type Code = readonly number[]

export interface WasmFunctionCode {
  readonly name: string
  /** Parameters, all i32; they are the first locals. */
  readonly params: number
  /** Further locals: so many i32, and after them so many v128. */
  readonly i32: number
  readonly v128: number
  readonly body: Code
}

const I32 = 0x7f
const V128 = 0x7b
const END = 0x0b
const PAGES_MAX = 65_536

/** LEB128: seven bits a byte, the lowest first. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left > 0x7f; left = Math.floor(left / 0x80)) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
  return bytes
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let left = value | 0
  for (; left < -0x40 || left > 0x3f; left >>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left & 0x7f)
  return bytes
}

function list(items: readonly Code[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(value: string): number[] {
  return list([...value].map(letter => [letter.charCodeAt(0)]))
}

function section(id: number, body: readonly Code[]): number[] {
  const bytes = list(body)
  return [id, ...unsigned(bytes.length), ...bytes]
}

/** A module that takes its memory as `own.memory`. */
export function wasmModule(functions: readonly WasmFunctionCode[]): Uint8Array {
  const isShared = 3
  const memory = [2, isShared, ...unsigned(1), ...unsigned(PAGES_MAX)]
  const bodies = functions.map(({ i32, v128, body }) => {
    const locals = list([
      [...unsigned(i32), I32],
      [...unsigned(v128), V128],
    ])
    return [...unsigned(locals.length + body.length + 1), ...locals, ...body, END]
  })
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      functions.map(({ params }) => [0x60, ...list(Array(params).fill([I32])), 0]),
    ),
    ...section(2, [[...text('own'), ...text('memory'), ...memory]]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      7,
      functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]),
    ),
    ...section(10, bodies),
  ])
}

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number): Code => [0x21, ...unsigned(local)]
/** Sets and leaves the value. */
export const tee = (local: number): Code => [0x22, ...unsigned(local)]

/** Runs the body again until it leaves a zero. */
export const loop = (body: Code): Code => [0x03, 0x40, ...body, 0x0d, 0, END]

const ALIGNED = 2

export const i32 = {
  value: (value: number): Code => [0x41, ...signed(value)],
  load: (offset: number): Code => [0x28, ALIGNED, ...unsigned(offset)],
  store: (offset: number): Code => [0x36, ALIGNED, ...unsigned(offset)],
  add: [0x6a],
  sub: [0x6b],
  and: [0x71],
  or: [0x72],
  xor: [0x73],
  rotl: [0x77],
} as const

const vector = (op: number): Code => [0xfd, ...unsigned(op)]

/** Four i32 at once. */
export const v128 = {
  load: (offset: number): Code => [...vector(0), 0, ...unsigned(offset)],
  /** One i32 for all four. */
  loadSplat: (offset: number): Code => [...vector(9), ALIGNED, ...unsigned(offset)],
  store: (offset: number): Code => [...vector(11), 0, ...unsigned(offset)],
  /** Bytes of two vectors: 0 to 15 are those of the first. */
  shuffle: (bytes: Code): Code => [...vector(13), ...bytes],
  and: vector(78),
  /** The first and not the second. */
  andNot: vector(79),
  or: vector(80),
  xor: vector(81),
  shl: vector(171),
  shr: vector(173),
  add: vector(174),
  sub: vector(177),
} as const
