import { HoldfastError, invalidFields, isHoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { StageOptions, Upload } from '@holdfast/engine/assets/intake/upload.ts'
import { stageUpload } from '@holdfast/engine/assets/stage.ts'
import { boundaryOf, type FormPart, formParts } from '../../http/body/multipart.ts'
import { readDocument } from '../../http/body/read-document.ts'
import { parseJson } from '../../http/body/read-json.ts'
import type { Scope } from '../../http/exchange.ts'
import { FormMemory } from './form-memory.ts'

export interface ReceivedFile {
  readonly filename: string | undefined
  readonly contentType: string | undefined
  readonly upload: Upload
}

/** A form that was read to its end: its texts by name, and its files staged. */
export interface ReadForm extends AsyncDisposable {
  readonly fields: ReadonlyMap<string, string>
  readonly files: readonly ReceivedFile[]
}

export interface FormRules {
  readonly isFile: (part: FormPart) => boolean
  readonly filesMax: number
  /** Of the whole form. */
  readonly bytesMax: number
  readonly stage: StageOptions
}

const FIELDS_MAX = 32

/**
 * Reads a form to its end, in whatever order its parts come. Whatever goes wrong, nothing that was
 * staged remains: neither when this throws nor after the form is disposed.
 */
export async function readForm(exchange: Scope, rules: FormRules): Promise<ReadForm> {
  const { context, call, request, bytes } = exchange
  const boundary = boundaryOf(request.headers['content-type'])
  if (boundary === undefined) {
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: 'content-type',
      reason: 'must be multipart/form-data with a boundary',
    })
  }
  const fields = new Map<string, string>()
  const files: ReceivedFile[] = []
  const discard = async () => {
    await Promise.all(files.map(file => file.upload.discard()))
  }
  const memory = new FormMemory(exchange)
  const { packedBlobBytesMax, jsonBodyBytesMax } = context.engine.limits
  try {
    const limits = { partsMax: rules.filesMax + FIELDS_MAX }
    for await (const part of formParts(bytes.source(rules.bytesMax), boundary, limits)) {
      memory.add(part.headBytes)
      if (rules.isFile(part)) {
        if (files.length >= rules.filesMax) throw surplus(part, rules)
        const body = memory.counted(part.body, packedBlobBytesMax)
        const upload = await stageUpload(context.engine, call, body, rules.stage)
        files.push({ filename: part.filename, contentType: part.contentType, upload })
        const { staged, facts } = upload
        // Written already, whatever its size.
        if (staged === null && facts.size <= packedBlobBytesMax) memory.add(-facts.size)
      } else {
        if (fields.has(part.name)) throw twice(part.name)
        const body = memory.counted(part.body, jsonBodyBytesMax)
        fields.set(part.name, await textOf(part.name, body, jsonBodyBytesMax))
      }
    }
  } catch (error) {
    await discard()
    memory.giveBack()
    throw withLimitOf(error, rules)
  }
  return { fields, files, [Symbol.asyncDispose]: discard }
}

/** A form may be larger than its file, but only the limit of the file says something. */
function withLimitOf(error: unknown, { bytesMax, filesMax, stage }: FormRules): unknown {
  if (!isHoldfastError(error) || error.code !== 'BODY_TOO_LARGE') return error
  if (error.details.limit !== bytesMax || filesMax !== 1) return error
  return new HoldfastError('BODY_TOO_LARGE', { limit: stage.sizeMax ?? bytesMax })
}

function surplus(part: FormPart, rules: FormRules): HoldfastError {
  return rules.filesMax === 1
    ? twice(part.name)
    : new HoldfastError('TOO_MANY_ITEMS', { limit: rules.filesMax })
}

function twice(name: string): HoldfastError {
  return invalidFields({ path: name.slice(0, 64), problem: 'is given more than once' })
}

async function textOf(name: string, body: ByteSource, bytesMax: number): Promise<string> {
  const bytes = await whole(body, bytesMax)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidFields({ path: name.slice(0, 64), problem: 'must be UTF-8' })
  }
}

async function whole(body: ByteSource, bytesMax: number): Promise<Buffer> {
  const bytes = await readDocument(body, bytesMax)
  if (bytes === undefined) throw new HoldfastError('BODY_TOO_LARGE', { limit: bytesMax })
  return bytes
}

/** Texts of a form as values: those in `jsonFields` are JSON. Empty ones count as absent. */
export function formValues(
  fields: ReadonlyMap<string, string>,
  jsonFields: readonly string[],
): Record<string, unknown> {
  const values: [string, unknown][] = []
  for (const [name, text] of fields) {
    if (text === '') continue
    values.push([name, jsonFields.includes(name) ? jsonField(name, text) : text])
  }
  return Object.fromEntries(values)
}

export function jsonField(name: string, text: string): unknown {
  try {
    return parseJson(Buffer.from(text))
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'INVALID_JSON') {
      throw invalidFields({ path: name, problem: 'must be JSON' })
    }
    throw error
  }
}
