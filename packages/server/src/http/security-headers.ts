import type { Settings } from '../config/settings-table.ts'

const plain: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}
/** Only over TLS, where it means something (RFC 6797 §7.2). */
export const overTls = { 'strict-transport-security': 'max-age=31536000' } as const
const plainOverTls = { ...plain, ...overTls }

/** Sent with every answer; routes may replace single ones. */
export function securityHeaders(settings: Settings): Readonly<Record<string, string>> {
  const isTls = settings.tlsCertFile !== undefined || settings.publicUrl?.startsWith('https:')
  return isTls === true ? plainOverTls : plain
}

/** For answers that are written as they are. */
export function headLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

/** Content of others is shown, if at all, in a sandbox: no scripts, no forms, no origin. */
export const contentPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'"

/** The explorer page loads from this server only; its styles are set by scripts. */
export const explorerPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
