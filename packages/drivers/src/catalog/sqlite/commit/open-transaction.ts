import type { CatalogTransaction, CatalogView } from '@holdfast/core/ports/catalog.ts'

type Writing = Pick<
  CatalogTransaction,
  'put' | 'remove' | 'note' | 'audit' | 'nextSeq' | 'keepBlob' | 'composeBlob'
>

/**
 * Groups are getters, so that reaching for one after the end throws. A class, because getters of an
 * object literal give every transaction a hidden class of its own, which outlives it.
 */
export class OpenTransaction implements CatalogTransaction {
  readonly put
  readonly remove
  readonly note
  readonly audit
  readonly nextSeq
  readonly keepBlob
  readonly composeBlob
  readonly #view: CatalogView
  readonly #alive: () => void

  constructor(view: CatalogView, writing: Writing & { readonly alive: () => void }) {
    this.#view = view
    this.#alive = writing.alive
    this.put = writing.put
    this.remove = writing.remove
    this.note = writing.note
    this.audit = writing.audit
    this.nextSeq = writing.nextSeq
    this.keepBlob = writing.keepBlob
    this.composeBlob = writing.composeBlob
  }

  get buckets() {
    return this.#open().buckets
  }

  get assets() {
    return this.#open().assets
  }

  get versions() {
    return this.#open().versions
  }

  get blobs() {
    return this.#open().blobs
  }

  get links() {
    return this.#open().links
  }

  get quotas() {
    return this.#open().quotas
  }

  get keys() {
    return this.#open().keys
  }

  get identities() {
    return this.#open().identities
  }

  get audits() {
    return this.#open().audits
  }

  get changes() {
    return this.#open().changes
  }

  get objects() {
    return this.#open().objects
  }

  get uploads() {
    return this.#open().uploads
  }

  get accessKeys() {
    return this.#open().accessKeys
  }

  #open(): CatalogView {
    this.#alive()
    return this.#view
  }
}
