import { invalidArgument, S3Error } from '../errors.ts'
import { uriDecode, utf8Text } from './uri.ts'

const PARAMETERS_MAX = 200

export interface QueryPair {
  readonly name: Buffer
  readonly value: Buffer
}

/** The query of a request line: its pairs as bytes for signatures, its values as texts for us. */
export class Query {
  readonly pairs: readonly QueryPair[]
  readonly #values = new Map<string, string>()
  readonly #repeated = new Set<string>()

  constructor(raw: string) {
    const pairs: QueryPair[] = []
    const parts = raw === '' ? [] : raw.split('&').filter(part => part !== '')
    if (parts.length > PARAMETERS_MAX) throw new S3Error('InvalidURI')
    for (const part of parts) {
      const equals = part.indexOf('=')
      const name = uriDecode(equals < 0 ? part : part.slice(0, equals), { plus: true })
      const value = uriDecode(equals < 0 ? '' : part.slice(equals + 1), { plus: true })
      if (name === undefined || value === undefined) throw new S3Error('InvalidURI')
      pairs.push({ name, value })
      const key = textOf(name)
      const text = textOf(value)
      if (key === undefined || text === undefined) throw new S3Error('InvalidURI')
      if (this.#values.has(key)) this.#repeated.add(key)
      else this.#values.set(key, text)
    }
    this.pairs = pairs
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  names(): Iterable<string> {
    return this.#values.keys()
  }

  /** InvalidArgument when it is given twice: nobody could say which one was meant. */
  get(name: string): string | undefined {
    if (this.#repeated.has(name)) {
      throw invalidArgument(name, '', `The parameter ${name.slice(0, 64)} is given more than once.`)
    }
    return this.#values.get(name)
  }
}

/** Most of it is ASCII, which needs no decoder. */
const ASCII = /^[\x20-\x7e]*$/

function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1')
  return ASCII.test(text) ? text : utf8Text(bytes)
}

export const NO_QUERY = new Query('')
