import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { requireDigests } from '../../digest-tally.ts'
import type { SunkFacts } from './large-sink.ts'
import type { Writer } from './writer.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'

type Bytes = Omit<Extract<ToWriter, { kind: 'write' | 'finish' }>, 'id' | 'open'>

/** What is asked of a writer thread where another one takes the MD5. */
export function withoutMd5(
  write: WriteOptions,
): Pick<WriteOptions, 'expected' | 'digests' | 'md5'> {
  const { expected = {}, digests } = write
  const { md5: _, ...others } = expected
  const names = digests?.filter(name => name !== 'md5')
  return { expected: others, ...(names === undefined ? {} : { digests: names }) }
}

/** The MD5 of one body, which the thread for them takes of the slabs that are being written. */
export class BodyMd5 {
  readonly #hasher: Writer
  readonly #id: number
  readonly #write: WriteOptions

  constructor(hasher: Writer, write: WriteOptions) {
    this.#hasher = hasher
    this.#id = hasher.newId()
    this.#write = write
  }

  send(bytes: Bytes): Promise<FromWriter> {
    this.#hasher.slabs.share(bytes.slabs)
    const answer = this.#hasher.ask({ ...bytes, id: this.#id })
    // The failure is raised by whoever awaits next; it must not count as unhandled until then.
    answer.catch(() => {})
    return answer
  }

  /** DIGEST_MISMATCH when it is not the one that was promised. */
  addTo(facts: SunkFacts, answer: FromWriter | undefined): SunkFacts {
    if (answer?.kind !== 'hashed') throw new Error('a thread for MD5s answered out of order')
    const { md5 } = answer
    const promised = this.#write.expected?.md5
    requireDigests({ md5 }, promised === undefined ? {} : { md5: promised })
    const { digests } = facts
    return { ...facts, md5, ...(digests === undefined ? {} : { digests: { ...digests, md5 } }) }
  }

  async abandon(): Promise<void> {
    await this.#hasher.ask({ kind: 'abandon', id: this.#id })
  }

  forget(): void {
    this.#hasher.forget(this.#id)
  }
}
