import { type AuditLink, firstAuditLink } from '@holdfast/core/identities.ts'
import type { FiledAudit } from '@holdfast/core/ports/identity-questions.ts'
import type { Engine } from '../engine.ts'
import { ChainCheck, type Finding } from './chain-check.ts'
import type { SealedWord } from './upkeep/sealed-word.ts'

export interface AuditInspection {
  readonly rows: number
  /** The row that the first one goes on from. */
  readonly from: AuditLink
  /** Rows before the first one, as far as a sealed row tells that they were dropped. */
  readonly dropped: number
  readonly last: AuditLink
  /** What is wrong with rows and was not acknowledged. */
  readonly open: readonly Finding[]
  /** What is wrong and was. */
  readonly acknowledged: readonly Finding[]
  /** More is wrong and was not acknowledged than is told. */
  readonly isCut: boolean
  readonly unproven: readonly string[]
  /** Hashes of the rows that were asked for. */
  readonly hashes: ReadonlyMap<number, string>
}

const PAGE = 1000
const FINDINGS_MAX = 1000
/** All who look at the whole log, in the line of long looks. */
const CALLER = 'audit'

type Log = Pick<Engine, 'catalog' | 'auditKeys' | 'lists'>

interface Looking {
  readonly signal?: AbortSignal | undefined
  readonly wanted?: ReadonlySet<number>
}

/**
 * Reads the whole log, from its first row to its last; a second time where what was acknowledged
 * would leave no room for what was not: it is known at the end only.
 */
export async function inspectAudits(engine: Log, how: Looking = {}): Promise<AuditInspection> {
  const { word, ...first } = await lookOnce(engine, how)
  if (!first.isCut || first.acknowledged.length === 0) return first
  const { open, isCut } = await lookOnce(engine, how, word)
  return { ...first, open, isCut }
}

async function lookOnce(
  { catalog, auditKeys, lists }: Log,
  how: Looking,
  known?: SealedWord,
): Promise<AuditInspection & { readonly word: SealedWord }> {
  const { audits } = catalog.view
  // What comes while it is read is for the next look: it might go on for ever.
  const { seq: end } = await audits.end()
  const [first] = await audits.filed(undefined, 1)
  const from = beginningOf(first)
  const check = new ChainCheck(auditKeys.ring, from)
  const found: Finding[] = []
  const hashes = new Map<number, string>()
  let rows = 0
  for (let place: number | undefined; ; ) {
    // Others go on meanwhile, however long the log is and however many look at it.
    await lists.next(CALLER)
    how.signal?.throwIfAborted()
    const page: FiledAudit[] = await audits.filed(place, PAGE)
    for (const filed of page) {
      rows += 1
      const findings = check.take(filed).filter(({ print }) => !known?.isAcknowledged(print))
      if (found.length <= FINDINGS_MAX) found.push(...findings)
      const { row } = filed
      if (row?.seq === filed.place && how.wanted?.has(row.seq)) hashes.set(row.seq, row.hash)
    }
    place = page.at(-1)?.place
    // Beyond, numbers are no longer told apart, and none of ours comes there.
    if (place === undefined || place >= end || !Number.isSafeInteger(place)) break
  }
  const { word, last } = check
  const isDropped = word.isBeginning(from)
  if (!isDropped) found.unshift(missingBefore(from))
  const isKnown = ({ print }: Finding) => word.isAcknowledged(print)
  return {
    word,
    ...{ rows, from, dropped: isDropped ? from.seq : 0 },
    ...{ last, hashes, unproven: check.unproven() },
    open: found.filter(finding => !isKnown(finding)),
    acknowledged: found.filter(isKnown),
    isCut: found.length > FINDINGS_MAX,
  }
}

/** A log from which rows were dropped begins behind them. Whether it may is seen at its end. */
function beginningOf(first: FiledAudit | undefined): AuditLink {
  const { place = 1, row } = first ?? {}
  if (place < 2 || row?.seq !== place) return { seq: 0, hash: firstAuditLink }
  return { seq: place - 1, hash: row.previous }
}

function missingBefore({ seq, hash }: AuditLink): Finding {
  return { text: `rows 1 to ${seq} are missing`, print: hash }
}
