import type { BlobBytes } from '@holdfast/core/ports/element.ts'

/** What an operation answers. The server writes it; a HEAD answer goes without its body. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A whole document. */
  readonly xml?: string
  readonly text?: { readonly type: string; readonly body: string }
  /**
   * A document that may take minutes. Once it is waited for, its status is 200 and what fails is
   * told inside, as S3 does.
   */
  readonly late?: Promise<Answer>
  /** Content; `content-length` is among the headers. */
  readonly content?: BlobBytes
}

export function xmlAnswer(xml: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers, xml }
}

export function emptyAnswer(
  status: number,
  headers: Readonly<Record<string, string | undefined>> = {},
): Answer {
  return { status, headers: present(headers) }
}

/** Without those that are undefined. */
export function present(
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) kept[name] = value
  return kept
}
