import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import {
  type AuditReport,
  type VerifyAuditOptions,
  verifyAudits,
} from '@holdfast/engine/audit/verify-audits.ts'
import {
  type ChangeHow,
  changeSecret,
  type SecretChange,
} from '@holdfast/engine/identity/change-secret.ts'
import {
  type VerifyOptions,
  type VerifyReport,
  verifyStore,
} from '@holdfast/engine/integrity/verify.ts'
import { type Losses, noteLosses } from './composition/losses-told.ts'
import type { Settings } from './config/settings-table.ts'
import { openContext } from './context.ts'

export type { SecretChange } from '@holdfast/engine/identity/change-secret.ts'
export type {
  BlobFinding,
  VerifyProgress,
  VerifyReport,
} from '@holdfast/engine/integrity/verify.ts'
export type { Losses } from './composition/losses-told.ts'

/** A store without doors, for programs that care for it while no server runs. */
export interface OfflineStore {
  /** What salvage could not keep, a sentence each. */
  readonly lost: readonly string[]
  verify(options?: VerifyOptions): Promise<VerifyReport>
  verifyAudits(options?: VerifyAuditOptions): Promise<AuditReport>
  count(): Promise<StoreCounts>
  /** For the next start, which tells it in the audit log. */
  noteLosses(losses: Losses): Promise<void>
  /** Only where it was opened with a new secret. The former one is dropped when it resolves. */
  changeSecret(how: Omit<ChangeHow, 'dropFormer'>): Promise<SecretChange>
  /** Keys of the assets whose current content is one of these blobs, as `bucket/key`. */
  assetsOf(sha256s: ReadonlySet<string>): AsyncIterable<string>
  /** `last` runs when the store is closed and nobody else can open it yet. */
  close(last?: () => void): Promise<void>
}

export interface StoreCounts {
  readonly buckets: number
  /** Deleted ones included. */
  readonly assets: number
  readonly blobs: number
  readonly bytes: number
  readonly keys: number
  /** Sequence of the last change. */
  readonly changes: number
}

export interface OfflineOptions {
  readonly settings: Settings
  /** Where the catalog is or is to be made, instead of `catalog.db` in the data directory. */
  readonly catalogPath?: string
  /** Keeps what can be kept of a damaged log instead of refusing it. For rebuilds only. */
  readonly salvage?: boolean
  /** To change what seals and signs links, or to go on with a change that was cut off. */
  readonly newSecret?: boolean
}

/** Files and places for callers alone: who looks at a copy elsewhere may have none of them. */
const NO_CALLERS = {
  ...{ tlsCertFile: undefined, tlsKeyFile: undefined, ldapCaFile: undefined },
  redisUrl: undefined,
}

/** Opens the store alone: STORE_LOCKED while a server uses it. */
export async function openOffline(options: OfflineOptions): Promise<OfflineStore> {
  const { catalogPath, salvage = false, newSecret = false } = options
  const settings = { ...options.settings, ...NO_CALLERS }
  const store = { salvage, newSecret }
  const { context, recovery, dropFormer, close } = await openContext({
    settings,
    logTo: { write: () => {} },
    offline: true,
    store: catalogPath === undefined ? store : { ...store, catalogPath },
  })
  const { engine } = context
  return {
    lost: recovery.lost,
    close,
    verifyAudits: async options => await verifyAudits(engine, options),
    changeSecret: async how => await changeSecret(engine, { ...how, dropFormer }),
    noteLosses: async losses => {
      const { element, clock } = engine
      await noteLosses(element, losses, new Date(clock.now()).toISOString())
    },
    verify: async options => await verifyStore(engine, options),
    count: async () => {
      const { view } = engine.catalog
      const { blobs, bytes } = await view.blobs.totals()
      return {
        buckets: await view.buckets.count(),
        assets: await view.assets.count({ deleted: 'with' }),
        blobs,
        bytes,
        keys: await view.keys.count(),
        changes: await view.changes.latest(),
      }
    },
    assetsOf: sha256s => assetsOf(engine.catalog.view, sha256s),
  }
}

const PAGE = 1000

async function* assetsOf(view: CatalogView, sha256s: ReadonlySet<string>): AsyncGenerator<string> {
  let beforeSeq: number | undefined
  for (;;) {
    const after = beforeSeq === undefined ? {} : { beforeSeq }
    const page = await view.assets.list({ deleted: 'with', limit: PAGE, ...after })
    for (const { sha256, bucketId, key } of page) {
      if (!sha256s.has(sha256)) continue
      yield `${(await view.buckets.byId(bucketId))?.name ?? bucketId}/${key}`
    }
    beforeSeq = page.at(-1)?.createdSeq
    if (page.length < PAGE || beforeSeq === undefined) return
  }
}
