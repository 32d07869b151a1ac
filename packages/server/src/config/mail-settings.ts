import { isIP } from 'node:net'
import { setting } from './setting.ts'
import { baseUrl, integer, oneOf, seconds, text } from './setting-kinds.ts'

/** Rows of the settings table about mail and what is mailed. */
export const mailSettings = {
  smtpHost: setting<string | undefined>({
    name: 'SMTP_HOST',
    kind: text({ pattern: /^[\w.:-]{1,255}$/, hint: 'a host name or an IP address' }),
    description: 'Mail server. Unset, no mail is sent and passwords cannot be reset by e-mail.',
    standard: undefined,
  }),
  smtpPort: setting({
    name: 'SMTP_PORT',
    kind: integer(1, 65_535),
    description: 'Port of the mail server: 587 for starttls, 465 for tls.',
    standard: 587,
  }),
  smtpTls: setting<'starttls' | 'tls' | 'none'>({
    name: 'SMTP_TLS',
    kind: oneOf(['starttls', 'tls', 'none']),
    description:
      'How the connection is encrypted; starttls refuses a server without it. Outside ' +
      'development, none is refused but for this machine.',
    standard: 'starttls',
  }),
  smtpUsername: setting<string | undefined>({
    name: 'SMTP_USERNAME',
    kind: text({ pattern: /^[^\0\r\n]{1,256}$/, hint: 'up to 256 characters' }),
    description: 'Name to log in with at the mail server. Unset: no login.',
    standard: undefined,
  }),
  smtpPassword: setting<string | undefined>({
    name: 'SMTP_PASSWORD',
    kind: text({ pattern: /^[^\0\r\n]{1,1024}$/, hint: 'up to 1024 characters' }),
    description: 'Password of that name.',
    standard: undefined,
    secret: true,
  }),
  smtpCa: setting<string | undefined>({
    name: 'SMTP_CA',
    kind: text({ pattern: /^-----BEGIN CERTIFICATE-----/, hint: 'certificates, PEM' }),
    description: 'Certificates to trust at the mail server instead of the public ones.',
    standard: undefined,
    secret: true,
  }),
  mailFrom: setting<string | undefined>({
    name: 'MAIL_FROM',
    kind: text({
      pattern: /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}$/,
      hint: 'an e-mail address',
    }),
    description: 'Sender of mails.',
    standard: undefined,
  }),
  resetUrl: setting<string | undefined>({
    name: 'PASSWORD_RESET_URL',
    kind: baseUrl,
    description:
      'Page that takes the token of a reset mail behind `#token=`. Unset, the mail tells the ' +
      'token for holdfast password reset alone.',
    standard: undefined,
  }),
  resetSeconds: setting({
    name: 'PASSWORD_RESET_LIFETIME',
    kind: seconds(300, 86_400),
    description: 'How long the token of a reset mail is good.',
    standard: 900,
  }),
} as const

export interface MailFacts {
  readonly smtpHost: string | undefined
  readonly smtpTls: 'starttls' | 'tls' | 'none'
  readonly resetUrl: string | undefined
}

/** Secrets and tokens must not travel in the clear where the store may hold real data. */
export function mailDangers({ smtpHost, smtpTls, resetUrl }: MailFacts): [string, string][] {
  const problems: [string, string][] = []
  if (smtpHost !== undefined && smtpTls === 'none' && !isThisMachine(smtpHost)) {
    problems.push(['SMTP_TLS', 'must not be none: mails hold tokens'])
  }
  if (resetUrl !== undefined && !resetUrl.startsWith('https:')) {
    problems.push(['PASSWORD_RESET_URL', 'must be an https address: tokens are typed in there'])
  }
  return problems
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
