export interface BasicCredentials {
  readonly name: string
  readonly password: string
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i

/** Of HTTP Basic authentication in UTF-8 (RFC 7617); undefined for any other header. */
export function basicCredentials(authorization: string | undefined): BasicCredentials | undefined {
  const encoded = BASIC.exec(authorization?.trim() ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
