import type { Call } from '@holdfast/core/call.ts'
import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { KeyedPage } from '@holdfast/core/ports/object-questions.ts'
import type { BucketRules } from '@holdfast/core/records.ts'
import type { ListTurns } from '../list-turns.ts'

const PAGE = 1000
/** Whole records, where a credential names its buckets: each may take a millisecond to read. */
const NAMED_PAGE = 4
/** What one turn takes: to decide by two policies as long as may be, some milliseconds. */
const STEP = 256
const BY_DOCUMENTS = 8
const POLICY_CHARS = 128
/** Changes of buckets that do not seem to end: after so many, each was looked at lately. */
const PASSES_MAX = 5

interface Judged<Verdict> {
  readonly seq: number
  readonly verdict: Verdict | undefined
}

/**
 * Questions about all buckets. They take turns, so that who has many with long policies holds up
 * nobody, and go by the newest record of each all the same: where one changed before the last was
 * judged, it is judged again, until none did. A later asset may be in a bucket closed by then.
 */
export class JudgedBuckets {
  readonly #view: CatalogView
  readonly #lists: Pick<ListTurns, 'giveWay'>
  /** Differs after any change of any bucket: the catalog tells of it before it is answered. */
  #moment = 0
  #noPolicyAt: number | undefined

  constructor(catalog: Pick<Catalog, 'view' | 'watch'>, lists: Pick<ListTurns, 'giveWay'>) {
    this.#view = catalog.view
    this.#lists = lists
    catalog.watch(({ records }) => {
      if (records.buckets !== undefined) this.#moment += 1
    })
  }

  /**
   * What is said of each, unless that is undefined: of its own buckets for a confined credential,
   * of all, for the public ones among them, else.
   */
  async judge<Verdict>(
    call: Call,
    judge: (bucket: BucketRules) => Verdict | undefined,
  ): Promise<Verdict[]> {
    let known = new Map<string, Judged<Verdict>>()
    for (let passes = 1; ; passes += 1) {
      const moment = this.#moment
      known = await this.#pass(call, judge, known)
      if (moment === this.#moment || passes === PASSES_MAX) break
    }
    return [...known.values()].flatMap(({ verdict }) => (verdict === undefined ? [] : [verdict]))
  }

  /** Whether any bucket has a policy; true, too, where it cannot be told for all the changes. */
  async havePolicies(call: Call): Promise<boolean> {
    for (let passes = 1; this.#noPolicyAt !== this.#moment; passes += 1) {
      const moment = this.#moment
      if (passes > PASSES_MAX || (await this.#anyPolicy(call))) return true
      this.#noPolicyAt = moment
    }
    return false
  }

  /** In order of names, after the given one. */
  async some(
    call: Call,
    { after, limit }: { readonly after: string | undefined; readonly limit: number },
  ): Promise<BucketRules[]> {
    const some: BucketRules[] = []
    for await (const page of this.#all(call, after)) {
      some.push(...page.slice(0, limit - some.length))
      if (some.length >= limit) break
    }
    return some
  }

  async #pass<Verdict>(
    call: Call,
    judge: (bucket: BucketRules) => Verdict | undefined,
    before: ReadonlyMap<string, Judged<Verdict>>,
  ): Promise<Map<string, Judged<Verdict>>> {
    const { buckets: own } = call.principal
    const giveWay = this.#lists.giveWay(call)
    const found = new Map<string, Judged<Verdict>>()
    let spent = 0
    for await (const page of own === null ? this.#all(call) : this.#named(call, own)) {
      for (const bucket of page) {
        const { id, seq } = bucket
        const known = before.get(id)
        const isKnown = known?.seq === seq
        if (spent >= STEP) {
          await giveWay()
          spent = 0
        }
        spent += isKnown ? 1 : costOf(bucket)
        found.set(id, isKnown ? known : { seq, verdict: judge(bucket) })
      }
    }
    return found
  }

  async #anyPolicy(call: Call): Promise<boolean> {
    for await (const page of this.#all(call)) {
      if (page.some(({ documents }) => documents?.policy !== undefined)) return true
    }
    return false
  }

  async *#all(call: Call, after = ''): AsyncGenerator<readonly BucketRules[]> {
    const giveWay = this.#lists.giveWay(call)
    let from: string | undefined = after
    while (from !== undefined) {
      const query = { after: from, limit: PAGE }
      const { entries, stopped }: KeyedPage<BucketRules> = await this.#view.buckets.rules(query)
      yield entries
      from = stopped ?? (entries.length < PAGE ? undefined : entries.at(-1)?.name)
      if (from !== undefined) await giveWay()
    }
  }

  async *#named(call: Call, names: readonly string[]): AsyncGenerator<readonly BucketRules[]> {
    const giveWay = this.#lists.giveWay(call)
    const { buckets } = this.#view
    for (let at = 0; at < names.length; at += NAMED_PAGE) {
      if (at > 0) await giveWay()
      const some = names.slice(at, at + NAMED_PAGE)
      const found = await Promise.all(some.map(name => buckets.byName(name)))
      yield found.filter(bucket => bucket !== undefined)
    }
  }
}

function costOf({ documents }: BucketRules): number {
  if (documents === undefined) return 1
  const { policy } = documents
  return policy === undefined
    ? BY_DOCUMENTS
    : BY_DOCUMENTS + Math.ceil(charsOf(policy) / POLICY_CHARS)
}

/** Of policies that the catalog keeps: to write one out takes as long as to decide by it. */
const measured = new WeakMap<object, number>()

function charsOf(policy: object): number {
  const chars = measured.get(policy) ?? JSON.stringify(policy).length
  measured.set(policy, chars)
  return chars
}
