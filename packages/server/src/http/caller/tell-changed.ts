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
  const many = ids === undefined ? {} : { ids: ids.slice(0, IDS_MAX), count: ids.length }
  state.told = { ...state.told, ...resourceOf(names), ...many }
}
