import { HoldfastError } from '@holdfast/core/errors.ts'

/**
 * A request target in absolute form as one in origin form, with the host that it names: servers
 * must accept both, and the host of the target is the one that counts (RFC 9112 §3.2.2).
 */
export function originForm(
  url: string,
): { readonly url: string; readonly host: string } | undefined {
  const parts = /^https?:\/\/([^/?#]+)(.*)$/i.exec(url)
  if (parts === null) return undefined
  const [, host = '', rest = ''] = parts
  return { url: rest.startsWith('/') ? rest : `/${rest}`, host }
}

/** The path and the query of a request line, untouched: routers decode and normalise, we do not. */
export function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const fragment = url.indexOf('#')
  const whole = fragment < 0 ? url : url.slice(0, fragment)
  const mark = whole.indexOf('?')
  return mark < 0
    ? { path: whole, query: '' }
    : { path: whole.slice(0, mark), query: whole.slice(mark + 1) }
}

/** Values of `{name}` and `{name+}` in a template, each percent-decoded exactly once. */
export function pathValues(path: string, template: string): Record<string, string> {
  const values: Record<string, string> = {}
  let rest = path
  for (const part of template.split('/').slice(1)) {
    const name = /^\{(\w+)\+?\}$/.exec(part)?.[1]
    rest = rest.slice(1)
    const slash = part.endsWith('+}') ? -1 : rest.indexOf('/')
    const segment = slash < 0 ? rest : rest.slice(0, slash)
    rest = slash < 0 ? '' : rest.slice(slash)
    if (name !== undefined) values[name] = decode(segment)
  }
  return values
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new HoldfastError('MALFORMED_REQUEST', { reason: 'The path is not valid UTF-8.' })
  }
}
