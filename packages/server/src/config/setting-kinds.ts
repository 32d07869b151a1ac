/** How the text of a setting becomes a value. Each parser returns the value or a sentence. */

export type Parsed<T> = { readonly value: T } | { readonly problem: string }

export interface Kind<T> {
  /** What to write, for people: type with unit. */
  readonly type: string
  readonly parse: (text: string) => Parsed<T>
  /** Where its text is not the plain one. */
  show?(value: T): string
}

const TRUE = new Set(['true', '1', 'on', 'yes'])
const FALSE = new Set(['false', '0', 'off', 'no'])

export const boolean: Kind<boolean> = {
  type: 'on or off',
  parse: text => {
    const word = text.toLowerCase()
    if (TRUE.has(word)) return { value: true }
    if (FALSE.has(word)) return { value: false }
    return { problem: 'must be on or off' }
  },
}

export function text(options: { pattern?: RegExp; hint: string }): Kind<string> {
  return {
    type: options.hint,
    parse: given => {
      if (options.pattern && !options.pattern.test(given)) {
        return { problem: `must be ${options.hint}` }
      }
      return { value: given }
    },
  }
}

export function integer(min: number, max: number, unit = ''): Kind<number> {
  return {
    type: unit === '' ? `integer, ${min} to ${max}` : `${unit}, ${min} to ${max}`,
    parse: given => {
      const value = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN
      if (!(value >= min && value <= max)) {
        return { problem: `must be an integer from ${min} to ${max}` }
      }
      return { value }
    },
  }
}

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/** Bytes, as a plain number or with a unit: `100MiB`. */
export function bytes(min: number, max: number): Kind<number> {
  return {
    type: 'bytes, or with a unit such as 100MiB',
    parse: given => scaled(given, SIZES, { min, max, example: '104857600 or 100MiB' }),
  }
}

const TIMES: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
}

/** Seconds, as a plain number or with a unit: `24h`. */
export function seconds(min: number, max: number): Kind<number> {
  return {
    type: 'seconds, or with a unit such as 24h',
    parse: given => scaled(given, TIMES, { min, max, example: '30 or 24h' }),
  }
}

function scaled(
  given: string,
  units: Readonly<Record<string, number>>,
  bounds: { min: number; max: number; example: string },
): Parsed<number> {
  const match = /^(\d{1,16}) ?([a-zA-Z]{0,3})$/.exec(given)
  const unit = units[(match?.[2] ?? '?').toLowerCase()]
  if (match === null || unit === undefined) return { problem: `must look like ${bounds.example}` }
  const value = Number(match[1]) * unit
  if (!Number.isSafeInteger(value) || value < bounds.min || value > bounds.max) {
    return { problem: `must be from ${bounds.min} to ${bounds.max}` }
  }
  return { value }
}

export function oneOf<const Words extends readonly string[]>(words: Words): Kind<Words[number]> {
  return {
    type: words.join(', '),
    parse: given => {
      const found: Words[number] | undefined = words.find(word => word === given.toLowerCase())
      return found === undefined
        ? { problem: `must be one of ${words.join(', ')}` }
        : { value: found }
    },
  }
}

/** Words between commas; a JSON list of texts is understood as well. */
export function list(
  hint: string,
  problemOf: (word: string) => string | undefined,
): Kind<string[]> {
  return {
    type: `${hint}, comma-separated`,
    parse: given => {
      const words = given.trim().startsWith('[') ? jsonList(given) : given.split(',')
      if (words === undefined) return { problem: 'must be a list of texts' }
      const value = words.map(word => word.trim()).filter(word => word !== '')
      for (const word of value) {
        const problem = problemOf(word)
        if (problem !== undefined) return { problem: `${JSON.stringify(word)} ${problem}` }
      }
      return { value }
    },
  }
}

function jsonList(given: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(given)
    return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined
  } catch {
    return undefined
  }
}

export function originProblem(origin: string): string | undefined {
  if (origin === '*') return undefined
  const url = URL.parse(origin)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.origin !== origin) {
    return 'must be an origin such as https://example.org'
  }
  return undefined
}

/** An absolute http(s) address without query; kept without a slash at its end. */
export const baseUrl: Kind<string> = {
  type: 'address such as https://files.example.org',
  parse: given => {
    const url = URL.parse(given)
    const plain = url !== null && url.search === '' && url.hash === '' && url.username === ''
    if (url === null || !plain || !['http:', 'https:'].includes(url.protocol)) {
      return { problem: 'must be an http or https address without a query' }
    }
    return { value: url.href.replace(/\/$/, '') }
  },
}
