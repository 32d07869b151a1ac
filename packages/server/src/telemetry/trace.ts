import { toHex } from '@holdfast/core/ids.ts'
import type { Random } from '@holdfast/core/ports/random.ts'

export interface Trace {
  readonly traceId: string
  /** Of the work done here. */
  readonly spanId: string
  readonly parentId: string | undefined
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/

/** Continues the trace of a W3C `traceparent` header, or begins one. */
export function traceOf(header: string | undefined, random: Random): Trace {
  const bytes = random.bytes(24)
  const spanId = toHex(bytes.subarray(16))
  const match = header === undefined ? null : TRACEPARENT.exec(header)
  const [, version, traceId, parentId, rest] = match ?? []
  const known = version === '00' ? rest === undefined : version !== 'ff'
  if (traceId !== undefined && parentId !== undefined && known) {
    if (!/^0+$/.test(traceId) && !/^0+$/.test(parentId)) return { traceId, spanId, parentId }
  }
  return { traceId: toHex(bytes.subarray(0, 16)), spanId, parentId: undefined }
}
