import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { HistoryFile, Operation } from '../oracle/history-file.ts'
import { KeyModel } from '../oracle/key-model.ts'
import type { Answer, RestDoor } from '../target/rest-door.ts'
import { applyToKey, contentOf, type Draft, drawOperation } from './door-operations.ts'

export interface ClientsOptions {
  readonly clients: number
  readonly keysEach: number
  readonly history: HistoryFile
  readonly random: SeededRandom
}

/** Codes of refusals that a store under faults may give; nothing happened then. */
const expectedCodes: ReadonlySet<string> = new Set([
  'STORAGE_FULL',
  'STORAGE_UNAVAILABLE',
  'SHUTTING_DOWN',
  'TOO_MANY_REQUESTS',
])

/**
 * Clients at the REST door, each with keys of its own that nobody else writes, one request at a
 * time: so what each key may be is known exactly.
 */
export class DoorClients {
  readonly keys = new Map<string, KeyModel>()
  /** Refusals that have no excuse. */
  readonly surprises: string[] = []
  /** Refusals with one of the expected codes, by code. */
  readonly refusals = new Map<string, number>()
  readonly #options: ClientsOptions
  readonly #own: KeyModel[][]

  constructor(options: ClientsOptions) {
    this.#options = options
    this.#own = Array.from({ length: options.clients }, (_, client) =>
      Array.from({ length: options.keysEach }, (__, at) => this.#model(`c${client}/k${at}`)),
    )
  }

  /** Works until told to stop, or until no answer comes any more. */
  async work(door: RestDoor, stop: AbortSignal): Promise<void> {
    await Promise.all(this.#own.map((_, client) => this.#client(door, client, stop)))
  }

  async #client(door: RestDoor, client: number, stop: AbortSignal): Promise<void> {
    const random = this.#options.random.fork(this.#options.history.begun * 100 + client)
    while (!stop.aborted) {
      const model = random.pick(this.#own[client] ?? [])
      // A key whose last outcome is open waits for the next look.
      if (model.state === undefined) {
        if (this.#own[client]?.every(({ state }) => state === undefined)) return
        continue
      }
      const draft = drawOperation(model.state, random)
      const outcome = await this.#perform({ door, client, model }, draft)
      if (outcome === 'unknown' && door.closed) return
    }
  }

  async #perform(
    { door, client, model }: { door: RestDoor; client: number; model: KeyModel },
    draft: Draft,
  ): Promise<Answer['outcome']> {
    const { history } = this.#options
    const { key } = model
    const id = needsId(draft) ? await idOf(door, key) : ''
    if (id === undefined) return 'unknown'
    // A copy is a put of a new key with the same content.
    const other = draft.kind === 'copy' ? `${key}/copy-${history.begun + 1}` : undefined
    const operation = history.begin({ ...draft, client, key, ...(other && { other }) })
    const answer = await send(door, operation, id)
    history.end(operation, answer.outcome, { status: answer.status, code: answer.code })
    this.#note(operation, answer)
    model.add(operation)
    if (other !== undefined) this.#addCopy(other, model, operation)
    return answer.outcome
  }

  #addCopy(key: string, from: KeyModel, copy: Operation): void {
    const content = from.state?.content
    if (content === undefined) return
    const note = from.state?.note ?? 0
    const made = { content, note, inTrash: false, versions: 1 }
    const model = new KeyModel(key, () => made)
    model.add(copy)
    this.keys.set(key, model)
  }

  #note(operation: Operation, { outcome, status, code, body }: Answer): void {
    if (outcome !== 'no') return
    if (expectedCodes.has(code)) {
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
      return
    }
    const { number, kind, key } = operation
    this.surprises.push(`${number} ${kind} ${key}: ${status} ${code} ${String(body).slice(0, 300)}`)
  }

  #model(key: string): KeyModel {
    const model = new KeyModel(key, applyToKey)
    this.keys.set(key, model)
    return model
  }
}

function needsId({ kind }: Draft): boolean {
  return ['merge', 'restore', 'copy'].includes(kind)
}

/** Id of the asset at a key, in the trash or not; undefined when nothing answers. */
async function idOf(door: RestDoor, key: string): Promise<string | undefined> {
  const query = new URLSearchParams({ bucket: door.bucket, prefix: key, include_deleted: 'true' })
  const answer = await door.get(`/api/v2/assets?${query}&limit=1000`)
  if (answer.status !== 200) return undefined
  const { items }: { items: { id: string; key: string }[] } = JSON.parse(String(answer.body))
  return items.find(item => item.key === key)?.id
}

async function send(door: RestDoor, operation: Operation, id: string): Promise<Answer> {
  const { kind, key, other } = operation
  const path = door.pathOf(key)
  switch (kind) {
    case 'put': {
      const { body, size } = contentOf(operation)
      const metadata = JSON.stringify({ note: operation.number, body, size })
      const headers = { 'x-metadata': metadata, 'content-type': 'application/octet-stream' }
      return await door.ask({ method: 'PUT', path, headers, body: makeBody(body, size) })
    }
    case 'delete':
      return await door.ask({ method: 'DELETE', path })
    case 'purge':
      return await door.ask({ method: 'DELETE', path: `${path}?hard_delete=true` })
    case 'restore':
      return await door.ask({ method: 'PUT', path: `/api/v2/assets/${id}/restore` })
    case 'merge':
      return await door.ask({
        method: 'PUT',
        path: `/api/v2/assets/${id}/metadata`,
        json: { note: operation.number },
      })
    case 'copy':
      return await door.ask({
        method: 'POST',
        path: `/api/v2/assets/${id}/copy`,
        json: { key: other },
      })
    default:
      throw new RangeError(`no operation ${kind}`)
  }
}
