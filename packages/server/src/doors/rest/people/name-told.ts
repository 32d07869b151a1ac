import type { JsonObject } from '@holdfast/core/records.ts'
import type { Scope } from '../../../http/exchange.ts'

/**
 * What the audit log is told of a name that somebody typed. Names that nobody has are not kept:
 * people type passwords where the name should be.
 */
export async function nameTold({ engine }: Scope['context'], name: string): Promise<JsonObject> {
  const user = await engine.catalog.view.identities.byName('user', name.toLowerCase())
  return user === undefined ? { username: null } : { username: user.username }
}
