import type { Mail } from '@holdfast/core/ports/mailer.ts'

type Content = Omit<Mail, 'to'>

export interface ResetFacts {
  readonly username: string
  readonly token: string
  /** Page of the settings that takes the token; undefined: there is none. */
  readonly pageUrl: string | undefined
  readonly minutes: number
}

/**
 * The token stands behind a `#`, which browsers send to no server and in no referrer. Host and path
 * come from the settings alone, never from a request.
 */
export function resetMail({ username, token, pageUrl, minutes }: ResetFacts): Content {
  const link = `${pageUrl}#token=${token}`
  const page = pageUrl === undefined ? [] : ['Choose it here:', { link }]
  const verb = pageUrl === undefined ? 'Choose' : 'Or choose'
  return content('Reset of your password', [
    `Somebody, probably you, asked for a new password for the account ${username}.`,
    ...page,
    `${verb} it with "holdfast password reset" and this code:`,
    { code: token },
    `It is good once, for ${minutes} minutes. The new password ends all sessions; a second ` +
      'factor stays as it is.',
    'If it was not you, ignore this mail: nothing has changed.',
  ])
}

/** So that nobody's credentials change unseen. */
export function noticeMail(username: string, change: string): Content {
  return content('Your account was changed', [
    `${change} for the account ${username}.`,
    'If it was not you, tell an administrator at once.',
  ])
}

type Part = string | { readonly link: string } | { readonly code: string }

function content(subject: string, parts: readonly Part[]): Content {
  const text = parts.map(part => {
    if (typeof part === 'string') return part
    return 'link' in part ? part.link : part.code
  })
  const html = parts.map(part => {
    if (typeof part === 'string') return `<p>${escaped(part)}</p>`
    if ('code' in part) return `<p><code>${escaped(part.code)}</code></p>`
    return `<p><a href="${escaped(part.link)}">${escaped(part.link)}</a></p>`
  })
  const body = html.join('\n')
  return {
    subject: `Holdfast: ${subject}`,
    text: `${text.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en"><body>\n${body}\n</body></html>\n`,
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => ENTITIES[character] ?? '')
}
