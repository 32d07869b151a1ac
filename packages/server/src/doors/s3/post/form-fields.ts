import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { boundaryOf, formParts } from '../../../http/body/multipart.ts'
import { readDocument } from '../../../http/body/read-document.ts'
import { S3Error } from '../errors.ts'
import type { RequestHeaders } from '../wire/headers.ts'

const PARTS_MAX = 200
/**
 * Of all before the content of the file, boundaries and names as well: nobody is known before
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html).
 */
const FIELDS_BYTES_MAX = 20 * 1024

export interface PostForm {
  /** Names in lower case, as conditions compare them. */
  readonly fields: ReadonlyMap<string, string>
  readonly fileName: string
  readonly fileType: string | undefined
  /** The rest of the request, not read yet; what follows the file is ignored. */
  readonly file: ByteSource
  /** Ends the reading of the form. */
  close(): Promise<void>
}

/** Of a path only what follows the last slash or backslash counts. */
function lastNameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

/** The fields of a browser's form up to its file, which comes last. */
export async function readForm(source: ByteSource, headers: RequestHeaders): Promise<PostForm> {
  const type = headers.get('content-type')
  if (!/^\s*multipart\/form-data\b/i.test(type ?? '')) {
    const condition = 'Bucket POST must be of the enclosure-type multipart/form-data'
    throw new S3Error('PreconditionFailed', { Condition: condition })
  }
  const boundary = boundaryOf(type)
  if (boundary === undefined) {
    const message = 'The body of your POST request is not well-formed multipart/form-data.'
    throw new S3Error('MalformedPOSTRequest', { message })
  }
  const parts = formParts(source, boundary, { partsMax: PARTS_MAX })
  const fields = new Map<string, string>()
  let bytes = 0
  for (;;) {
    const next = await parts.next()
    if (next.done === true) {
      const message = 'POST requires exactly one file upload per request.'
      throw new S3Error('InvalidArgument', { message, ArgumentName: 'file', ArgumentValue: '0' })
    }
    const part = next.value
    bytes += part.headBytes
    if (bytes > FIELDS_BYTES_MAX) throw tooLong()
    const name = part.name.toLowerCase()
    if (name === '') {
      const message = 'A part of your POST request has no name.'
      throw new S3Error('MalformedPOSTRequest', { message })
    }
    if (name === 'file') {
      return {
        fields,
        fileName: lastNameOf(part.filename ?? ''),
        fileType: part.contentType,
        file: part.body,
        close: async () => {
          await parts.return()
        },
      }
    }
    const value = await readDocument(part.body, FIELDS_BYTES_MAX - bytes)
    if (value === undefined) throw tooLong()
    bytes += value.length
    if (fields.has(name)) {
      throw new S3Error('MalformedPOSTRequest', { message: `The field ${name} is given twice.` })
    }
    fields.set(name, value.toString())
  }
}

function tooLong(): S3Error {
  return new S3Error('MaxPostPreDataLengthExceededError')
}
