import { digestBefore } from './digest.ts'
import type { Sha256 } from './sha256.ts'
import { plainBytes } from './upload-body.ts'

/** What a form can carry: bytes that are there already. For streams use PUT by key. */
export type FormFile = string | Uint8Array | ArrayBuffer | Blob

export interface FormPart {
  readonly file: FormFile
  readonly filename: string
  readonly contentType: string
}

/** Text fields first, so that the server can refuse before it takes the file. */
export function buildForm(
  fields: Readonly<Record<string, unknown>>,
  files: readonly FormPart[],
): { readonly kind: 'form'; readonly form: FormData } {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  for (const { file, filename, contentType } of files) {
    form.append('file', toBlob(file, contentType), filename)
  }
  return { kind: 'form', form }
}

export function toBlob(file: FormFile, contentType: string): Blob {
  if (file instanceof Blob)
    return file.type === contentType ? file : file.slice(0, file.size, contentType)
  return new Blob([file instanceof Uint8Array ? plainBytes(file) : file], { type: contentType })
}

/** SHA-256 in hex for the `checksum` field. */
export async function formDigest(file: FormFile, sha256: () => Sha256): Promise<string> {
  const bytes = toBlob(file, '')
  const digest = await digestBefore({ kind: 'whole', bytes, size: bytes.size }, sha256)
  return digest ?? ''
}
