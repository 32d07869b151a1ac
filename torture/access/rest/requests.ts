import type { Route } from '@holdfast/contract/route.ts'
import type { Asked } from '../wire.ts'
import type { Wanted } from './row.ts'

const boundary = 'mx-boundary-7MA4YWxkTrZu0gW'

/** The request that a route and the wishes of its row make together. */
export function requestOf(
  route: Pick<Route, 'method' | 'path'>,
  wanted: Wanted,
  credential: Readonly<Record<string, string>>,
): Asked {
  const { params = {}, query, json, bytes, form } = wanted
  const path = route.path.replaceAll(/\{(\w+)(\+?)\}/g, (_, name: string, rest: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`${route.path} needs ${name}`)
    if (rest === '') return encodeURIComponent(value)
    return value.split('/').map(encodeURIComponent).join('/')
  })
  const search = query === undefined ? '' : `?${new URLSearchParams(query)}`
  const asked = { method: route.method, path: `${path}${search}` }
  if (json !== undefined) {
    const type = { 'content-type': 'application/json' }
    return {
      ...asked,
      headers: { ...credential, ...type },
      body: Buffer.from(JSON.stringify(json)),
    }
  }
  if (form !== undefined) {
    const type = { 'content-type': `multipart/form-data; boundary=${boundary}` }
    return { ...asked, headers: { ...credential, ...type }, body: formBody(form) }
  }
  return {
    ...asked,
    headers: credential,
    body: bytes === undefined ? undefined : Buffer.from(bytes),
  }
}

function formBody({ fields, files }: NonNullable<Wanted['form']>): Buffer {
  const parts = Object.entries(fields).map(
    ([name, value]) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`,
  )
  for (let file = 0; file < files; file += 1) {
    const about = 'Content-Disposition: form-data; name="file"; filename="a.txt"'
    parts.push(`${about}\r\nContent-Type: text/plain\r\n\r\ntaken ${file}`)
  }
  const text = parts.map(part => `--${boundary}\r\n${part}\r\n`).join('')
  return Buffer.from(`${text}--${boundary}--\r\n`)
}
