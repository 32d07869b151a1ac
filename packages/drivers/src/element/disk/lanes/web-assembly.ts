/** What we use of the WebAssembly of every JavaScript engine; Node's types leave it to browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    initial: number
    maximum: number
    shared: boolean
  }) => { readonly buffer: ArrayBuffer | SharedArrayBuffer }
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  validate(code: Uint8Array): boolean
}

export const PAGE_BYTES = 64 * 1024

/** Memory that threads share and code can be run on, aligned to pages. Threads may be sent it. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}

export function openMemory(pages: number): SharedMemory {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  if (!isShared(memory)) throw new Error('memory cannot be shared')
  return memory
}

function isShared(memory: { readonly buffer: ArrayBufferLike }): memory is SharedMemory {
  return memory.buffer instanceof SharedArrayBuffer
}

/** Whether this machine can run the code: there are ones without vector instructions. */
export function canRun(code: Uint8Array): boolean {
  return WebAssembly.validate(code)
}

export type WasmFunction = (...args: readonly number[]) => unknown

/** The functions of code that works on this memory. */
export function load(code: Uint8Array, memory: SharedMemory): ReadonlyMap<string, WasmFunction> {
  const module = new WebAssembly.Module(code)
  const { exports } = new WebAssembly.Instance(module, { own: { memory } })
  const functions = Object.entries(exports).filter(isNamedFunction)
  return new Map(functions)
}

function isNamedFunction(entry: [string, unknown]): entry is [string, WasmFunction] {
  return typeof entry[1] === 'function'
}
