import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Lab } from '../open-lab.ts'
import type { Answer, Asked, Wire } from '../wire.ts'

/** A request, the waits that it came to, and what it wrote. */
export interface Waiting {
  /** Names in their order. */
  readonly waits: readonly string[]
  /** Transactions that were committed for it. */
  readonly written: readonly string[]
  /** Those that were handed to the catalog. */
  readonly handed: readonly string[]
  readonly answer: Promise<Answer>
  /** Resolves to whether it waits there; false: it was answered before. */
  readonly held: Promise<boolean>
  letGo(): void
}

interface Marked {
  readonly waits: string[]
  readonly written: string[]
  readonly handed: string[]
  readonly at: At
  readonly reached: () => void
  readonly gate: Promise<void>
}

/**
 * Number of the wait that it is held at, or what says that it is the last of these, or where it
 * first hands something to the catalog.
 */
export type At = number | 'write' | ((waits: readonly string[]) => boolean)

/** Tells the server which request this is; no door knows it. */
const MARK = 'x-wait-mark'
const begun = channel('http.server.request.start')

type Hold = (name: string) => Promise<void> | undefined

/**
 * Holds requests at whatever they wait for. Every function that requests wait for is wrapped on its
 * instance, and everything that follows from a request is known for its own, by the context that
 * Node carries along; so each says by itself where it waits.
 */
export class Waits implements Disposable {
  readonly #own = new AsyncLocalStorage<Marked>()
  readonly #marked = new Map<string, Marked>()
  readonly #begin = (message: unknown) => {
    const { request } = message as { readonly request: IncomingMessage }
    const mark = request.headers[MARK]
    const known = typeof mark === 'string' ? this.#marked.get(mark) : undefined
    // Also without one: the connection may have served another before.
    this.#own.enterWith(known ?? { ...unmarked, waits: [], written: [], handed: [] })
  }

  /** With `commits` each commit is a wait, too, by the name of its transaction. */
  constructor(lab: Lab, { commits = false } = {}) {
    begun.subscribe(this.#begin)
    wrapAll(lab, name => this.#hold(name))
    holdWrites(lab, {
      own: () => this.#own.getStore(),
      hold: name => (commits ? this.#hold(`commit ${name}`) : undefined),
    })
  }

  /** Sends it and holds it at one of its waits, or its first write; -1: at none. */
  ask(at: At, wire: Wire, asked: Asked): Waiting {
    const mark = String(this.#marked.size)
    const { promise: gate, resolve: letGo } = Promise.withResolvers<void>()
    const { promise: isReached, resolve: reached } = Promise.withResolvers<void>()
    const marked = { waits: [], written: [], handed: [], at, reached, gate }
    this.#marked.set(mark, marked)
    const answer = wire.ask({ ...asked, headers: { ...asked.headers, [MARK]: mark } })
    const isOver = () => false
    const held = Promise.race([isReached.then(() => true), answer.then(isOver, isOver)])
    return { ...marked, answer, held, letGo }
  }

  #hold(name: string): Promise<void> | undefined {
    const marked = this.#own.getStore()
    if (marked === undefined) return undefined
    marked.waits.push(name)
    const { at, waits } = marked
    if (typeof at === 'function' ? !at(waits) : waits.length - 1 !== at) return undefined
    marked.reached()
    return marked.gate
  }

  [Symbol.dispose](): void {
    begun.unsubscribe(this.#begin)
  }
}

const unmarked = { at: -1, reached: () => {}, gate: Promise.resolve() }

/** What requests wait for, with the name of the function; `at once` where it may not have to. */
function wrapAll({ context }: Lab, hold: Hold): void {
  const { engine, turns, answers, limits } = context
  const { identity, element } = engine
  wrapAtOnce(turns, hold)
  wrap(engine.lists, 'lists', ['next'], hold)
  wrap(engine.moments, 'moments', ['read'], hold)
  wrap(answers, 'answers', ['inLine'], hold, ownLine)
  wrap(identity.turns, 'turns', ['take'], hold, ownLine)
  wrap(identity.hasher, 'hasher', ['hash', 'verify'], hold)
  wrap(engine.gate, 'gate', ['enter'], hold)
  wrap(engine.digests, 'digests', ['sha256Of'], hold)
  wrap(element.staging ?? {}, 'staging', ['stage'], hold)
  wrap(element, 'element', ['write'], hold)
  wrap(limits, 'limits', ['countWrong'], hold)
  const admission = limits.admission.bind(limits)
  limits.admission = visit => {
    const made = admission(visit)
    wrap(made, 'admission', ['address', 'principal', 'bucket', 'guess'], hold)
    return made
  }
}

function wrapAtOnce(turns: Lab['context']['turns'], hold: Hold): void {
  const take = turns.take.bind(turns)
  turns.take = callerOf => hold('begin')?.then(() => take(callerOf)) ?? take(callerOf)
}

type Waiter = (...given: unknown[]) => Promise<unknown>

let lines = 0

/** One that is held would hold up those behind it. */
function ownLine([name, ...given]: unknown[]): unknown[] {
  lines += 1
  return [`${name} ${lines}`, ...given]
}

function wrap(
  on: object,
  as: string,
  names: readonly string[],
  hold: Hold,
  change = (given: unknown[]) => given,
): void {
  for (const name of names) {
    const own: unknown = Reflect.get(on, name)
    if (typeof own !== 'function') throw new Error(`${as}.${name} is no function any more`)
    const waiter: Waiter = own.bind(on)
    const held: Waiter = async (...given) => {
      await hold(`${as}.${name}`)
      return await waiter(...change(given))
    }
    if (!Reflect.set(on, name, held)) throw new Error(`${as}.${name} cannot be held`)
  }
}

/** The audit log, which many requests share, is no write of one of them. */
function holdWrites(
  { context }: Lab,
  { own, hold }: { readonly own: () => Marked | undefined; readonly hold: Hold },
): void {
  const { catalog } = context.engine
  const write = catalog.write.bind(catalog)
  catalog.write = async (name, ...given) => {
    const marked = own()
    if (marked === undefined || OF_AUDITS.test(name)) return await write(name, ...given)
    await hold(name)
    marked.handed.push(name)
    if (marked.at === 'write' && marked.handed.length === 1) {
      marked.reached()
      await marked.gate
    }
    const result = await write(name, ...given)
    marked.written.push(name)
    return result
  }
}

const OF_AUDITS = /^audits\./
