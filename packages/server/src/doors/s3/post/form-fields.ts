import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { boundaryOf, formParts } from '../../../http/body/multipart.ts'
import { S3Error } from '../errors.ts'
import type { RequestHeaders } from '../wire/headers.ts'

const PARTS_MAX = 200
/** All fields together but the file (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html). */
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

/** The fields of a browser's form up to its file, which comes last. */
export async function readForm(source: ByteSource, headers: RequestHeaders): Promise<PostForm> {
  const boundary = boundaryOf(headers.get('content-type'))
  if (boundary === undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'The body of your POST request is not multipart/form-data with a boundary',
    })
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
    const name = part.name.toLowerCase()
    if (name === 'file') {
      return {
        fields,
        fileName: part.filename ?? '',
        fileType: part.contentType,
        file: part.body,
        close: async () => {
          await parts.return()
        },
      }
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of part.body) {
      bytes += chunk.length
      if (bytes > FIELDS_BYTES_MAX) throw new S3Error('MaxMessageLengthExceeded')
      chunks.push(chunk)
    }
    if (fields.has(name)) {
      throw new S3Error('MalformedPOSTRequest', { message: `The field ${name} is given twice.` })
    }
    fields.set(name, Buffer.concat(chunks).toString())
  }
}
