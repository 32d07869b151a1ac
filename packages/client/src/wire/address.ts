export type QueryValue = string | number | boolean | readonly string[] | null | undefined
export type Query = Readonly<Record<string, QueryValue>>
export type Params = Readonly<Record<string, string | number>>

/** Puts values into a path of the route table and a query behind it. */
export function addressOf(path: string, params: Params, query: Query): string {
  const filled = path.replaceAll(/\{(\w+)\+?\}/g, (_, name) => segment(name, params[name]))
  const text = queryText(query)
  return text === '' ? filled : `${filled}?${text}`
}

/** URLs are normalised on their way: a dot segment would address another resource. */
function segment(name: string, value: string | number | undefined): string {
  const text = String(value ?? '')
  if (text === '' || text === '.' || text === '..') {
    throw new TypeError(`${name} cannot be ${JSON.stringify(text)}`)
  }
  return encodeURIComponent(text)
}

function queryText(query: Query): string {
  const pairs: string[] = []
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    const values = typeof value === 'object' ? value : [String(value)]
    for (const one of values) pairs.push(`${name}=${encodeURIComponent(one)}`)
  }
  return pairs.join('&')
}

/** The address of the server without a slash at its end. */
export function parseServerUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError(`not an http address of a server: ${text}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('the address of the server must not hold credentials')
  }
  return url.href.replace(/\/+$/, '')
}
