import type { Lab } from '../open-lab.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { At, Waiting } from '../waits/waits.ts'
import { Waits } from '../waits/waits.ts'
import type { Answer, Asked, Tree, Wire } from '../wire.ts'
import { type Act, codeOf, type Door, type Scene, type Stage } from './race.ts'
import { rightDifference } from './right.ts'
import { difference, told } from './told-state.ts'

/** One pair in so many, and its mirror: what comes of them in turn is asked for once then. */
export interface Part {
  readonly of: number
  readonly at: number
  /** Held at all waits, and with half of the body sent, instead of before commits. */
  readonly waits?: boolean
}

const AT_ONCE = 6
/** Who waits for the one that is held goes on once it does. */
const PATIENCE_MS = 400
/** For several requests, which on a busy machine it may have come between for that alone. */
const LONG_PATIENCE_MS = 10_000
/** Refusals that tell their sender to look again. */
const AGAIN: ReadonlySet<string> = new Set([
  ...['409 CHANGED_MEANWHILE', '409 OperationAborted', '412 PreconditionFailed'],
])

/** What their preparation takes away. */
const REMOVES: ReadonlySet<string> = new Set(['restoreAsset', 'removeBucket'])

const HALF_SENT = 'half of its body'
const FAILURES = /"failures": \d+/g
const REFUSED = /^(4\d\d|207) /

type Note = (asked: Asked, waiting: Waiting) => void
type Pair = readonly [Act, Act]

interface Outcome {
  readonly codes: readonly [string, string]
  readonly state: string
}

interface Between extends Outcome {
  readonly waited: boolean
}

/**
 * Of every two acts that touch a common thing, one is held just before each of its commits, while
 * the other is done to its answers. What comes of it must be what comes of one after the other.
 */
export class RaceMatrix implements Disposable {
  readonly #report: MatrixReport
  readonly #waits: Waits
  readonly #wires: Readonly<Record<Door, Wire>>
  readonly #serial = new Map<string, Promise<Serial>>()
  #ofWaits = false
  #scenes = 0

  constructor(lab: Lab, report: MatrixReport) {
    this.#report = report
    this.#waits = new Waits(lab, { commits: true })
    this.#wires = { rest: lab.rest.forMany(), s3: lab.s3.forMany() }
  }

  async run(stage: Stage, part: Part, only: (what: string) => boolean = () => true): Promise<void> {
    this.#ofWaits = part.waits === true
    const { acts } = stage
    const pairs = acts
      .flatMap((one, at) => acts.slice(at).map(other => [one, other] as const))
      .filter(([one, other]) => stage.meet(one, other))
      .filter((_, place) => place % part.of === part.at)
      .flatMap(
        ([one, other]) =>
          (one === other
            ? [[one, one]]
            : [
                [one, other],
                [other, one],
              ]) as Pair[],
      )
      .filter(([one, other]) => one.isOne && only(`${one.name} | ${other.name}`))
    const work = async () => {
      for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
        const [one, other] = pair
        await this.#race(stage, one, other).catch((cause: Error) => {
          this.#report.fail(`${stage.name}: ${one.name}, ${other.name}: ${cause.stack}`)
        })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    this.#serial.clear()
  }

  async #race(stage: Stage, one: Act, other: Act): Promise<void> {
    const [first, last] = [
      await this.#inTurn(stage, one, other),
      await this.#inTurn(stage, other, one),
    ]
    const swapped: Outcome = { ...last, codes: [last.codes[1], last.codes[0]] }
    for (const at of first.holds) {
      const judge = async (is: Outcome) =>
        [first, swapped].some(was => isSame(is, was)) ||
        (await this.#isRefusal(stage, { one, other, is }))
      let is = await this.#between(stage, { one, other, at }, PATIENCE_MS)
      let isRight = is !== undefined && (await judge(is))
      if (is?.waited === true && !isRight && !other.isOne) {
        is = await this.#between(stage, { one, other, at }, LONG_PATIENCE_MS)
        isRight = is !== undefined && (await judge(is))
      }
      if (is === undefined) continue
      this.#report.count('races')
      const held = `${one.name} held at ${at.name} ${at.nth}`
      const what = `${stage.name}: ${held}, meanwhile ${other.name}`
      const reason = isRight ? undefined : rightDifference(one.name, other.name, is.codes)
      if (isRight) this.#report.pass()
      else if (reason !== undefined) this.#report.count('races that are right otherwise')
      else this.#report.fail(`${what}:\n${problem(is, first, swapped)}`)
    }
  }

  /** Kept, for it is asked for twice. */
  async #inTurn(stage: Stage, one: Act, other: Act): Promise<Serial> {
    const name = `${stage.name} ${one.name} | ${other.name}`
    const known = this.#serial.get(name)
    if (known !== undefined) {
      this.#serial.delete(name)
      return await known
    }
    const made = (async () => {
      const scene = await this.#scene(stage, one, other)
      const holds: Hold[] = []
      const codes = await this.#act(scene, one, (...sent) => holds.push(...this.#holdsOf(...sent)))
      const after = await this.#act(scene, other)
      return { codes: [codes, after] as const, state: await stateOf(stage, scene), holds }
    })()
    this.#serial.set(name, made)
    return await made
  }

  async #between(
    stage: Stage,
    { one, other, at }: Held,
    patienceMs: number,
  ): Promise<Between | undefined> {
    const scene = await this.#scene(stage, one, other)
    let goOn: (() => Promise<Answer>) | undefined
    const codes: string[] = []
    await one.run(scene, async (door, asked) => {
      goOn = await this.#hold(this.#wires[door], asked, at)
      return ended
    })
    if (goOn === undefined) return undefined
    const doing = this.#act(scene, other)
    const isDone = await Promise.race([doing.then(() => true), later(patienceMs)])
    if (!isDone) this.#report.count('races that waited')
    codes.push(codeOf(await goOn()), await doing)
    const [is = '', was = ''] = codes
    return { codes: [is, was], state: await stateOf(stage, scene), waited: !isDone }
  }

  /** What lets it go on, once it is held there. */
  async #hold(wire: Wire, asked: Asked, at: Hold): Promise<(() => Promise<Answer>) | undefined> {
    if (at.name === HALF_SENT) {
      const { early, finish } = await wire.hold(asked)
      return early === undefined ? finish : undefined
    }
    const { held, letGo, answer } = this.#waits.ask(isAt(at), wire, asked)
    if (!(await held)) return undefined
    return async () => {
      letGo()
      return await answer
    }
  }

  #holdsOf(asked: Asked, { waits }: Waiting): Hold[] {
    if (!this.#ofWaits) return holdsAt(waits.filter(isCommit))
    const body = asked.body === undefined || asked.body.length < 2 ? [] : [HALF_SENT]
    return holdsAt([...body, ...waits.filter(name => !name.startsWith('commit '))])
  }

  /** One was told to look again, or came between the requests of the other, and did nothing. */
  async #isRefusal(stage: Stage, { one, other, is }: { one: Act; other: Act; is: Outcome }) {
    const isBetween = !other.isOne && REFUSED.test(is.codes[0])
    const left = [AGAIN.has(is.codes[0]) || isBetween, AGAIN.has(is.codes[1])]
    if (left[0] === left[1]) return false
    const scene = await this.#scene(stage, one, other)
    const code = await this.#act(scene, left[0] ? other : one)
    return code === is.codes[left[0] ? 1 : 0] && (await stateOf(stage, scene)) === is.state
  }

  async #scene(stage: Stage, one: Act, other: Act): Promise<Scene> {
    this.#scenes += 1
    const scene = await stage.open(`rc${this.#scenes}x`)
    // In the same order both ways; what is removed for an act is made use of before.
    const place = ({ name }: Act) => (REMOVES.has(name) ? `~${name}` : name)
    const acts = [...new Set([one, other])].sort((a, b) => (place(a) < place(b) ? -1 : 1))
    for (const act of acts) {
      if (act.prepare !== undefined) scene.made.set(act.name, await act.prepare(scene))
    }
    return scene
  }

  async #act(scene: Scene, act: Act, note: Note = () => {}): Promise<string> {
    const codes: string[] = []
    await act.run(scene, async (door, asked) => {
      const waiting = this.#waits.ask(-1, this.#wires[door], asked)
      const answer = await waiting.answer
      codes.push(codeOf(answer))
      note(asked, waiting)
      return answer
    })
    return codes.join(', ')
  }

  [Symbol.dispose](): void {
    this.#waits[Symbol.dispose]()
    for (const wire of Object.values(this.#wires)) wire[Symbol.dispose]()
  }
}

interface Serial extends Outcome {
  readonly holds: readonly Hold[]
}

/** The n-th wait of that name. */
interface Hold {
  readonly name: string
  readonly nth: number
}

interface Held {
  readonly one: Act
  readonly other: Act
  readonly at: Hold
}

const ended: Answer = { status: 0, headers: {}, names: [], body: Buffer.alloc(0), text: '' }

/** What is written down of it is no part of it. */
function isCommit(name: string): boolean {
  return name.startsWith('commit ') && name !== 'commit audits.append'
}

function holdsAt(names: readonly string[]): Hold[] {
  return names.map((name, at) => ({
    name,
    nth: names.slice(0, at).filter(one => one === name).length,
  }))
}

function isAt({ name, nth }: Hold): At {
  return waits => waits.at(-1) === name && waits.filter(one => one === name).length === nth + 1
}

/**
 * Of refusals only that they are some: that of what is gone may be that of what is closed, and a
 * password that was right when it came is refused without a guess being counted.
 */
function isSame(is: Outcome, was: Outcome): boolean {
  const refused = is.codes.map(
    (code, at) => REFUSED.test(code) && REFUSED.test(was.codes[at] ?? ''),
  )
  const isAlike = is.codes.every((code, at) => code === was.codes[at] || refused[at])
  const state = ({ state }: Outcome) => (refused[0] ? state.replace(FAILURES, '') : state)
  return isAlike && state(is) === state(was)
}

function problem(is: Outcome, first: Outcome, last: Outcome): string {
  const against = (name: string, was: Outcome) => {
    const codes = is.codes.join() === was.codes.join() ? '' : ` answers ${was.codes.join(' / ')}`
    const state = is.state === was.state ? '' : `\n${difference(is.state, was.state)}`
    return ` ${name}:${codes}${state}`
  }
  return [
    ` answers ${is.codes.join(' / ')}`,
    against('if it comes first', first),
    against('if it comes last', last),
  ].join('\n')
}

async function stateOf(stage: Stage, scene: Scene): Promise<string> {
  const state: Tree = await stage.state(scene)
  return told(state, scene)
}

async function later(ms: number): Promise<false> {
  return await new Promise(resolve => setTimeout(() => resolve(false), ms))
}
