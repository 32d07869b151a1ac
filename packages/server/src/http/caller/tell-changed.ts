import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@holdfast/core/records.ts'
import { resourceOf } from '../../telemetry/hidden-credentials.ts'
import type { Scope } from '../exchange.ts'

/** Of a batch as many are told one by one; all stand in the change log. */
const VALUES_MAX = 100
/** Of a hundred ids; keys anybody can make long. As written, where some characters take six. */
const TEXT_BYTES_MAX = { ids: 4096, keys: 2048 }

/** Tells the audit log what a change is about, where the path of the request does not say. */
export function tellChanged(
  { request: { state } }: Pick<Scope, 'request'>,
  names: Readonly<Record<string, string>>,
  ids?: readonly string[],
): void {
  const many = ids === undefined ? {} : manyOf('ids', ids)
  state.told = { ...state.told, ...resourceOf(names), ...many }
}

/**
 * Tells the audit log what was and what is, of what is not the same, and the name: records may be
 * large, and their changes small.
 */
export function tellDifference(
  { request: { state } }: Pick<Scope, 'request'>,
  was: JsonObject | undefined,
  is: JsonObject,
): void {
  const differs = ([field, value]: [string, unknown], other: JsonObject) =>
    field === 'name' || !isDeepStrictEqual(value, other[field])
  const of = (one: JsonObject, other: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(one).filter(entry => differs(entry, other)))
  state.told = { before: was === undefined ? null : of(was, is), after: of(is, was ?? {}) }
}

/** The first of many, without credentials, and how many they are. */
export function manyOf(name: 'ids' | 'keys', values: readonly string[]) {
  const told: string[] = []
  let left = TEXT_BYTES_MAX[name]
  for (const value of Object.values(resourceOf({ ...values.slice(0, VALUES_MAX) }))) {
    const text = String(value)
    left -= Buffer.byteLength(JSON.stringify(text))
    if (left < 0 && told.length > 0) break
    told.push(text)
  }
  return { [name]: told, count: values.length }
}
