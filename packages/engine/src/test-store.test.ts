import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { ErrorCode } from '@holdfast/core/errors.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Limits } from '@holdfast/core/limits.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { BlobBytes } from '@holdfast/core/ports/element.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import { MemoryElement } from '@holdfast/drivers/element/memory/memory-element.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import type { PutFields } from './assets/intake/put-fields.ts'
import { putAsset } from './assets/put.ts'
import type { PutResult } from './assets/writes/put-transaction.ts'
import { beginHead } from './audit/audit-head.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from './engine.ts'
import type { IdentitySettings } from './identity/identity-settings.ts'
import type { Outside } from './identity/identity-state.ts'
import type { MailQueue } from './identity/mail/mail-queue.ts'
import { transactions } from './transactions.ts'
import { listVersions } from './versions/list.ts'

/** What the tests of this package share: a real store in a directory of its own. */
export interface TestStore extends AsyncDisposable {
  readonly engine: Engine
  readonly store: Store
  readonly clock: FakeClock
  /** The administrator's call. */
  readonly call: Call
  readonly dir: string
  /**
   * Closes the store and opens it again; `rebuild` throws its catalog away in between, and a path
   * puts that one in its place.
   */
  reopen(
    how?: 'rebuild' | { readonly catalog: string },
    options?: TestStoreOptions,
  ): Promise<TestStore>
}

export interface TestStoreOptions {
  readonly limits?: Partial<Limits>
  readonly identity?: Partial<IdentitySettings>
  /** Sends mails by the clock of the store. Closed by the test. */
  readonly mails?: (clock: FakeClock) => MailQueue
  readonly outside?: Outside
  readonly auditKeys?: readonly string[]
  /** The committer in a thread of its own, as the server runs it. */
  readonly thread?: boolean
  /** Bytes in an element that cannot stage. */
  readonly memory?: boolean
  readonly packBytesMax?: number
  /** Opens with a change of the secret begun. */
  readonly newSecret?: boolean
}

export async function openTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-engine-'))
  return openIn(dir, new FakeClock(), options)
}

async function openIn(
  dir: string,
  clock: FakeClock,
  options: TestStoreOptions,
): Promise<TestStore> {
  const committer = options.thread
    ? { transactionsUrl: new URL('./transactions.ts', import.meta.url).href }
    : { transactions, clock }
  const { packBytesMax, newSecret = false } = options
  const sizes = packBytesMax === undefined ? {} : { packBytesMax, layOutBytes: 4096 }
  const how = { reservedBytes: 0, newSecret, ...committer, ...sizes }
  const store = await openStore({ dir: `${dir}/data`, ...how })
  const element = options.memory ? new MemoryElement('memory') : store.element
  const engine = openEngine({
    catalog: store.catalog,
    element,
    clock,
    random: cryptoRandom,
    limits: options.limits,
    settings: {
      linkSecret: store.linkSecret,
      formerSecret: store.formerSecret,
      auditSecret: store.secret,
      auditKeys: options.auditKeys ?? [],
    },
    identity: { passwordCost: 4, ...options.identity },
    mails: options.mails?.(clock),
    outside: options.outside,
  })
  await beginHead(engine, engine.auditKeys.ring[0])
  await ensureBuckets(engine, ['photos'])
  return {
    engine,
    store,
    clock,
    call: systemCall('test'),
    dir,
    async reopen(how, other = options) {
      await store.close()
      if (how !== undefined) {
        for (const end of ['', '-wal', '-shm']) await rm(`${dir}/data/catalog.db${end}`, FORCE)
      }
      if (typeof how === 'object') await cp(how.catalog, `${dir}/data/catalog.db`)
      return openIn(dir, clock, other)
    },
    [Symbol.asyncDispose]: async () => {
      await engine.digests.close()
      await store.close()
      await rm(dir, { recursive: true, ...FORCE })
    },
  }
}

const FORCE = { force: true }

export const owner = '0199d0c0-0000-7000-8000-000000000001'

/** Puts text at a key in the bucket `photos`. */
export async function put(
  { engine, call }: { readonly engine: Engine; readonly call: Call },
  key: string,
  text: string,
  fields: Partial<PutFields> = {},
): Promise<PutResult> {
  return putAsset(engine, call, {
    bucket: 'photos',
    service: 'test',
    ownerId: owner,
    mode: 'replace',
    key,
    ...fields,
    source: bytesOf(text),
  })
}

export async function* bytesOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
}

export async function textOf(content: BlobBytes): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content.chunks ?? [content.bytes]) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

export function callOf(principal: Partial<Principal>): Call {
  const api: Principal = {
    kind: 'api_key',
    id: 'someone',
    name: 'Some One',
    permissions: [],
    buckets: null,
  }
  return { ...systemCall('test'), principal: { ...api, ...principal } }
}

export const anonymousCall: Call = { ...systemCall('test'), principal: anonymous }

/** For `assert.rejects`: the error has the code, and the details hold what is given. */
export function refused(code: ErrorCode, details: Record<string, unknown> = {}) {
  return (error: unknown): boolean => {
    if (!isHoldfastError(error)) throw error
    assert.equal(error.code, code)
    const relevant = Object.keys(details).map(key => [key, error.details[key]])
    assert.deepEqual(Object.fromEntries(relevant), details)
    return true
  }
}

export async function refusedWith(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, refused(code))
}

/** The same store, where something happens when a write, the first or that one, is on its way. */
export function interrupted(
  { engine }: { readonly engine: Engine },
  happens: () => Promise<unknown>,
  isThat = (_name: string) => true,
): Engine {
  const { catalog } = engine
  let isOver = false
  const racing: Catalog = {
    traits: catalog.traits,
    view: catalog.view,
    read: questions => catalog.read(questions),
    watch: watcher => catalog.watch(watcher),
    probe: () => catalog.probe(),
    [Symbol.asyncDispose]: () => catalog[Symbol.asyncDispose](),
    write: async (name, args, options) => {
      if (!isOver && isThat(name)) {
        isOver = true
        await happens()
      }
      return await catalog.write(name, args, options)
    },
  }
  return { ...engine, catalog: racing }
}

/** An asset with versions `body 1` to `body <count>`, a day apart. */
export async function openVersions(count: number) {
  const opened = await openTestStore()
  let assetId = ''
  for (let number = 1; number <= count; number += 1) {
    if (number > 1) await opened.clock.advance(DAY_MS)
    const { asset } = await put(opened, 'k', `body ${number}`, { metadata: { number } })
    assetId = asset.id
  }
  return { ...opened, assetId, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

export const DAY_MS = 24 * 60 * 60 * 1000

/** Of those that are shown, newest first. */
export async function versionNumbers(store: TestStore, assetId: string): Promise<number[]> {
  const { items } = await listVersions(store.engine, store.call, assetId)
  return items.map(version => version.number)
}

if (import.meta.main) {
  test('a put in the committer thread reads back what was written', async () => {
    await using opened = await openTestStore({ thread: true })
    const { asset } = await put(opened, 'a.txt', 'hello')
    const blob = await opened.engine.catalog.view.blobs.get(asset.sha256)
    assert.ok(blob)
    assert.equal(await textOf(await opened.engine.element.read(blob)), 'hello')
  })
}
