import { assetQuery } from '@holdfast/contract/schemas/asset.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { boundaryOf, formParts } from '@holdfast/server/http/body/multipart.ts'
import { parsePartHeaders } from '@holdfast/server/http/body/part-headers.ts'
import { parseJson } from '@holdfast/server/http/body/read-json.ts'
import { parseTags } from '@holdfast/server/http/content/conditions.ts'
import { expectedDigests } from '@holdfast/server/http/content/digest-headers.ts'
import { disposition } from '@holdfast/server/http/content/disposition.ts'
import { parseRange } from '@holdfast/server/http/content/ranges.ts'
import { queryValues } from '@holdfast/server/http/parse/query-text.ts'
import { pathValues, splitUrl } from '@holdfast/server/http/parse/raw-path.ts'
import { type FuzzTarget, Mismatch, requireSame, texts } from './fuzz-target.ts'

const text = (input: Uint8Array) => Buffer.from(input).toString('latin1')
const utf8 = (input: Uint8Array) => Buffer.from(input).toString('utf8')
const size = 1000
const boundary = '----WebKitFormBoundary7MA4YWxk'

const form = (...parts: string[]) =>
  `${parts.map(part => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
const filePart =
  'Content-Disposition: form-data; name="file"; filename="a b.txt"\r\n' +
  'Content-Type: text/plain\r\n\r\nhello'
const fieldPart = 'Content-Disposition: form-data; name="bucket"\r\n\r\nphotos'

/** What arrives in requests. */
export const httpTargets: readonly FuzzTarget[] = [
  {
    name: 'range',
    modules: ['content/ranges.ts'],
    seeds: texts('bytes=0-0', 'bytes=-1', 'bytes=5-', 'bytes=0-9,20-29,-5', 'items=1', 'bytes=9-0'),
    run(input) {
      const answer = parseRange(text(input), size, 8)
      if (answer.kind !== 'ranges') return
      const { ranges } = answer
      if (ranges.length > 8) throw new Mismatch(`${ranges.length} ranges`)
      for (const { first, last } of ranges) {
        if (!(first >= 0 && first <= last && last < size)) throw new Mismatch(`${first}-${last}`)
      }
      const again = `bytes=${ranges.map(({ first, last }) => `${first}-${last}`).join(',')}`
      requireSame(parseRange(again, size, 8), answer, 'range')
    },
  },
  {
    name: 'entity tags',
    modules: ['content/conditions.ts'],
    seeds: texts('*', '"abc"', 'W/"abc", "d,e"', '"", ""', `"${'a'.repeat(64)}"`),
    run(input) {
      const tags = parseTags(text(input))
      if (tags === undefined || tags === '*') return
      const again = tags.map(({ weak, value }) => `${weak ? 'W/' : ''}"${value}"`).join(', ')
      requireSame(parseTags(again), tags, 'tags')
    },
  },
  {
    name: 'digest headers',
    modules: ['content/digest-headers.ts'],
    seeds: texts(
      'repr-digest\nsha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
      'content-md5\n1B2M2Y8AsgTpgAmY7PhCfg==',
      'digest\nSHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=,MD5=1B2M2Y8AsgTpgAmY7PhCfg==',
      'x-amz-checksum-crc32c\nAAAAAA==',
    ),
    run(input) {
      const [header = '', ...rest] = text(input).split('\n')
      const found = expectedDigests({ [header.toLowerCase()]: rest.join('\n') })
      for (const [name, hex] of Object.entries(found)) {
        if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Mismatch(`${name} is ${hex}`)
      }
    },
  },
  {
    name: 'content disposition',
    modules: ['content/disposition.ts'],
    seeds: texts('a.txt', 'a "quoted".txt', 'grüße 😀.pdf', 'x\r\nSet-Cookie: y', '%41', ' . '),
    run(input) {
      const header = disposition('attachment', utf8(input))
      if (!/^attachment; filename="[\x20\x21\x23-\x5b\x5d-\x7e]*"/.test(header)) {
        throw new Mismatch(header)
      }
      if (!/^[\x20-\x7e]*$/.test(header)) throw new Mismatch(`unsafe ${JSON.stringify(header)}`)
      const encoded = /filename\*=UTF-8''(\S*)$/.exec(header)?.[1]
      if (encoded !== undefined && /[\r\n\0]/.test(decodeURIComponent(encoded))) {
        throw new Mismatch(`control characters in ${encoded}`)
      }
    },
  },
  {
    name: 'form',
    modules: ['body/multipart.ts', 'body/part-headers.ts'],
    seeds: texts(
      form(fieldPart, filePart),
      form(filePart),
      form(fieldPart),
      `pre\r\n${form(filePart)}`,
    ),
    words: [`--${boundary}`, `--${boundary}--`, '\r\n\r\n', 'filename*=', 'Content-Type: '],
    async run(input) {
      // However the network cuts it, a form is the same form.
      const whole = await formOf(input, input.length)
      for (const step of [1, 7, 64]) {
        if (input.length > 2000 * step) continue
        requireSame(await formOf(input, step), whole, `in pieces of ${step}`)
      }
    },
  },
  {
    name: 'part headers',
    modules: ['body/part-headers.ts'],
    seeds: texts(
      filePart.split('\r\n\r\n')[0] ?? '',
      "Content-Disposition: form-data; name=a; filename*=UTF-8''x",
    ),
    run(input) {
      const { name, filename } = parsePartHeaders(input)
      if (/[\r\n\0]/.test(`${name}${filename}`))
        throw new Mismatch(JSON.stringify({ name, filename }))
    },
  },
  {
    name: 'boundary',
    modules: ['body/multipart.ts'],
    seeds: texts(
      `multipart/form-data; boundary=${boundary}`,
      'multipart/form-data; boundary="a b"',
    ),
    run(input) {
      const found = boundaryOf(text(input))
      if (found === undefined) return
      requireSame(boundaryOf(`multipart/form-data; boundary="${found}"`), found, 'boundary')
    },
  },
  {
    name: 'path',
    modules: ['parse/raw-path.ts'],
    seeds: texts(
      '/api/v2/buckets/b1/assets/a/b%2Fc?x=1#f',
      '/api/v2/buckets/b/assets/%C3%BC',
      '//..',
    ),
    run(input) {
      const { path, query } = splitUrl(text(input))
      if (path.includes('?') || path.includes('#') || query.includes('#')) throw new Mismatch(path)
      const template = '/api/v2/buckets/{bucket}/assets/{key+}'
      const values = pathValues(path, template)
      const { bucket = '', key = '' } = values
      const again = `/api/v2/buckets/${encodeURIComponent(bucket)}/assets/${encodeURIComponent(key)}`
      requireSame(pathValues(again, template), values, 'path')
    },
  },
  {
    name: 'query',
    modules: ['parse/query-text.ts'],
    seeds: texts(
      'limit=10&offset=5&search=a+b',
      'tags=a,b&tags=c',
      'service=%E2%82%AC',
      'limit=1e3',
    ),
    words: ['limit', 'offset', 'tags', 'search', 'include_deleted', 'true', '&', '%'],
    run(input) {
      queryValues(text(input), assetQuery)
    },
  },
  {
    name: 'json',
    modules: ['body/read-json.ts'],
    seeds: texts(
      '{"ids":["a","b"],"hard":true}',
      '[1,2.5e3,null,"\\u00e9\\ud83d\\ude00"]',
      '{"a":{"b":[{}]}}',
    ),
    words: ['{', '}', '[', ']', '"', '\\u0000', '"__proto__":', 'null'],
    run(input) {
      const value = parseJson(input)
      requireSame(value, JSON.parse(new TextDecoder().decode(input)), 'json')
    },
  },
]

async function formOf(input: Uint8Array, step: number): Promise<unknown[]> {
  const found: unknown[] = []
  try {
    for await (const part of formParts(pieces(input, step), boundary, { partsMax: 20 })) {
      const chunks: Uint8Array[] = []
      for await (const chunk of part.body) chunks.push(Uint8Array.from(chunk))
      const { name, filename, contentType } = part
      found.push([name, filename, contentType, Buffer.concat(chunks).toString('base64')])
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    // Where it broke may depend on the pieces; that it broke may not.
    return ['refused', error.code]
  }
  return found
}

async function* pieces(input: Uint8Array, step: number): ByteSource {
  for (let at = 0; at < input.length; at += step) yield input.slice(at, at + step)
}
