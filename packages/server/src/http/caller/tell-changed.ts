import { resourceOf } from '../../telemetry/hidden-credentials.ts'
import type { Scope } from '../exchange.ts'

/** Of a batch as many are told one by one; all stand in the change log. */
const IDS_MAX = 100

/** Tells the audit log what a change is about, where the path of the request does not say. */
export function tellChanged(
  { request: { state } }: Pick<Scope, 'request'>,
  names: Readonly<Record<string, string>>,
  ids?: readonly string[],
): void {
  const many = ids === undefined ? {} : manyOf('ids', ids)
  state.told = { ...state.told, ...resourceOf(names), ...many }
}

/** The first of many, without credentials, and how many they are. */
export function manyOf(name: 'ids' | 'keys', values: readonly string[]) {
  const first = resourceOf({ ...values.slice(0, IDS_MAX) })
  return { [name]: Object.values(first), count: values.length }
}
