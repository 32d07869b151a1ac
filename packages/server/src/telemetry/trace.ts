import { toHex } from '@holdfast/core/ids.ts'
import type { Random } from '@holdfast/core/ports/random.ts'

export interface Trace {
  readonly traceId: string
  /** Of the work done here. */
  readonly spanId: string
  readonly parentId: string | undefined
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/

/** Of the id of a trace. */
export const ID_BYTES = 16
/** Random ones that a trace begins with. */
export const TRACE_BYTES = ID_BYTES + 8

export function newTrace(bytes: Uint8Array): Trace {
  const traceId = toHex(bytes.subarray(0, ID_BYTES))
  return { traceId, spanId: toHex(bytes.subarray(ID_BYTES)), parentId: undefined }
}

/** Continues the trace of a W3C `traceparent` header, or begins one. */
export function traceOf(header: string | undefined, random: Random): Trace {
  const fresh = newTrace(random.bytes(TRACE_BYTES))
  const match = header === undefined ? null : TRACEPARENT.exec(header)
  const [, version, traceId, parentId, rest] = match ?? []
  const known = version === '00' ? rest === undefined : version !== 'ff'
  if (traceId !== undefined && parentId !== undefined && known) {
    if (!/^0+$/.test(traceId) && !/^0+$/.test(parentId)) return { ...fresh, traceId, parentId }
  }
  return fresh
}
