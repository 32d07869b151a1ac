import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { Recorded } from './record.ts'

/** A signed request with one part changed, which makes it another request than was signed. */
export interface Mutant extends Recorded {
  readonly change: string
}

type Change = (from: Recorded, random: SeededRandom) => Mutant | undefined

/** One random change that matters; undefined where this kind does not fit the request. */
export function mutateRequest(from: Recorded, random: SeededRandom): Mutant | undefined {
  const kinds: readonly Change[] = from.path.includes('X-Amz-Signature=')
    ? [signedByQuery, signedByQuery, changedPath, anotherMethod, addedHeader, changedQuery]
    : isForm(from)
      ? [changedForm]
      : [
          ...[changedAuthorization, changedAuthorization, changedHeader, droppedHeader],
          ...[addedHeader, changedPath, changedQuery, anotherMethod, changedBody, changedBody],
        ]
  return random.pick(kinds)(from, random)
}

function isForm({ headers, method }: Recorded): boolean {
  return method === 'POST' && /^multipart\/form-data/.test(headerOf(headers, 'content-type'))
}

const changedAuthorization: Change = (from, random) => {
  const text = headerOf(from.headers, 'authorization')
  const changed = replaceChar(text, random)
  // Spaces around the parts mean nothing.
  if (changed === undefined || /\s/.test(`${text}${changed}`.charAt(0))) return undefined
  return withHeader(from, 'authorization', changed)
}

const changedHeader: Change = (from, random) => {
  const name = random.pick(signedNames(from))
  const changed = replaceChar(headerOf(from.headers, name), random)
  return changed === undefined ? undefined : withHeader(from, name, changed)
}

const droppedHeader: Change = (from, random) => {
  const name = random.pick(signedNames(from))
  // Node adds a length where it is missing, and nothing comes without a host.
  if (name === 'content-length' || name === 'host') return undefined
  const headers = from.headers.filter(([one]) => one !== name)
  return { ...from, headers, change: `without ${name}` }
}

const addedHeader: Change = (from, random) => {
  const known = new Set(from.headers.map(([name]) => name))
  const added = random.pick([
    ['x-amz-acl', 'public-read'],
    ['x-amz-meta-b', 'c'],
    ['x-amz-copy-source', 'sigv4-fuzz/own-header'],
    ['x-amz-website-redirect-location', 'https://evil.example/'],
    ['x-amz-security-token', 'x'],
    ['x-amz-bypass-governance-retention', 'true'],
    ['x-amz-tagging', 'a=c'],
  ] as const)
  if (known.has(added[0])) return undefined
  return { ...from, headers: [...from.headers, added], change: `with ${added[0]}` }
}

const changedPath: Change = (from, random) => {
  const [path = '', query] = from.path.split(/\?(.*)/s)
  const place = 1 + random.below(path.length - 1)
  const char = random.pick([...'abcxyz0189-._~'])
  const kind = random.below(3)
  const tail = path.slice(kind === 0 ? place : place + 1)
  const changed = `${path.slice(0, place)}${kind === 2 ? '' : char}${tail}`
  // What decodes to the same path is the same request.
  if (changed.length < 2 || decoded(changed) === decoded(path)) return undefined
  return { ...from, path: query === undefined ? changed : `${changed}?${query}`, change: 'path' }
}

const changedQuery: Change = (from, random) => {
  const [path = '', query = ''] = from.path.split(/\?(.*)/s)
  const added = random.pick(['versionId=null', 'tagging', 'acl', 'prefix=x', 'partNumber=1', 'x=1'])
  const pairs = query === '' ? [] : query.split('&')
  const known = pairs.map(pair => pair.split('=')[0])
  if (random.chance(0.5) || pairs.length === 0) {
    if (known.includes(added.split('=')[0])) return undefined
    return { ...from, path: `${path}?${[...pairs, added].join('&')}`, change: `with ${added}` }
  }
  const at = random.below(pairs.length)
  const kept = pairs.filter((_, index) => index !== at)
  return { ...from, path: `${path}?${kept.join('&')}`, change: `without ${pairs[at]}` }
}

const anotherMethod: Change = (from, random) => {
  const method = random.pick(['GET', 'HEAD', 'PUT', 'DELETE', 'POST'])
  return method === from.method ? undefined : { ...from, method, change: method }
}

/** Where the body is covered: by its hash, by the signatures of its chunks, by its checksum. */
const changedBody: Change = (from, random) => {
  const mode = headerOf(from.headers, 'x-amz-content-sha256')
  if (from.body.length === 0 || mode === 'UNSIGNED-PAYLOAD') return undefined
  const body = Buffer.from(from.body)
  const place = random.below(body.length)
  const unit = body[place] ?? 0
  // The case of hexadecimal sizes means nothing, nor do digits that base64 does not use.
  const next = unit ^ (1 << random.below(7))
  const both = String.fromCharCode(unit, next)
  if (mode.startsWith('STREAMING') && both.at(0)?.toLowerCase() === both.at(1)?.toLowerCase()) {
    return undefined
  }
  body[place] = next
  return { ...from, body, change: `byte ${place} of the body: ${JSON.stringify(both)}` }
}

const signedByQuery: Change = (from, random) => {
  const [path = '', query = ''] = from.path.split(/\?(.*)/s)
  const pairs = query.split('&')
  const at = random.below(pairs.length)
  const [name = '', value = ''] = (pairs[at] ?? '').split('=')
  const changed = replaceChar(value, random)
  if (changed === undefined || decoded(changed) === decoded(value)) return undefined
  pairs[at] = `${name}=${changed}`
  return { ...from, path: `${path}?${pairs.join('&')}`, change: `${name} ${changed}` }
}

/** The key, the policy or the signature; the file itself is free within the policy. */
const changedForm: Change = (from, random) => {
  const text = from.body.toString('latin1')
  const name = random.pick(['key', 'policy', 'x-amz-signature', 'x-amz-credential', 'x-amz-date'])
  const found = new RegExp(`name="${name}"\\r\\n\\r\\n([^\\r]+)`).exec(text)
  const value = found?.[1] ?? ''
  const changed = replaceChar(value, random)
  if (found === null || changed === undefined) return undefined
  const start = found.index + found[0].length - value.length
  const body = Buffer.from(
    `${text.slice(0, start)}${changed}${text.slice(start + value.length)}`,
    'latin1',
  )
  return { ...from, body, change: `form field ${name}: ${changed}` }
}

function replaceChar(text: string, random: SeededRandom): string | undefined {
  if (text === '') return undefined
  const place = random.below(text.length)
  const before = text.charAt(place)
  const char = random.pick([...'abcdefghijklmnopqrstuvwxyz0123456789'])
  // Names of things are compared as they are, but nobody promises the case of all of them.
  if (/\s/.test(before) || char === before.toLowerCase()) return undefined
  return text.slice(0, place) + char + text.slice(place + 1)
}

/** `content-length` is what Node makes of it, and says nothing about who signed. */
function signedNames({ headers }: Recorded): readonly string[] {
  const names = /SignedHeaders=([^,\s]+)/.exec(headerOf(headers, 'authorization'))?.[1] ?? 'host'
  return names.split(';').filter(name => name !== 'content-length')
}

function headerOf(headers: Recorded['headers'], name: string): string {
  return headers.find(([one]) => one === name)?.[1] ?? ''
}

function withHeader(from: Recorded, name: string, value: string): Mutant {
  const headers = from.headers.map(pair => (pair[0] === name ? ([name, value] as const) : pair))
  return { ...from, headers, change: `${name}: ${value}` }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
