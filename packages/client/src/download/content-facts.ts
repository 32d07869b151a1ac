import { sha256Of } from '../body/digest.ts'

/** What the headers of a download say. */
export interface ContentFacts {
  /** Bytes of this body; undefined when a proxy encodes it on the way. */
  readonly size: number | undefined
  /** Bytes of the whole content. */
  readonly totalSize: number | undefined
  /** Position of the first byte in the whole content. */
  readonly offset: number
  readonly etag: string | undefined
  readonly contentType: string
  /** SHA-256 of the whole content, hex. */
  readonly sha256: string | undefined
  readonly version: number | undefined
  readonly lastModified: Date | undefined
  readonly fileName: string | undefined
}

export function readFacts({ headers }: Response): ContentFacts {
  const encoding = headers.get('content-encoding') ?? 'identity'
  const length = encoding === 'identity' ? number(headers.get('content-length')) : undefined
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
  const modified = Date.parse(headers.get('last-modified') ?? '')
  return {
    size: range === null ? length : Number(range[2]) - Number(range[1]) + 1,
    totalSize: range === null ? length : number(range[3]),
    offset: Number(range?.[1] ?? 0),
    etag: headers.get('etag') ?? undefined,
    contentType: headers.get('content-type') ?? 'application/octet-stream',
    sha256: sha256Of(headers),
    version: number(headers.get('x-version')),
    lastModified: Number.isNaN(modified) ? undefined : new Date(modified),
    fileName: fileNameOf(headers.get('content-disposition') ?? ''),
  }
}

function number(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** The extended form carries any Unicode and wins (RFC 6266 §4.3). */
function fileNameOf(disposition: string): string | undefined {
  const extended = /;\s*filename\*=UTF-8''([^;\s]+)/i.exec(disposition)?.[1]
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended)
    } catch {
      return undefined
    }
  }
  return /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1]?.replaceAll(/\\(.)/g, '$1')
}
