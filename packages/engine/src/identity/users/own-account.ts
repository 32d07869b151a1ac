import type { Call } from '@holdfast/core/call.ts'
import type { Engine } from '../../engine.ts'

/**
 * Whether it is the caller's own account, also by way of a key that the caller made: whoever got
 * hold of a session could make one, and must not keep the account by it.
 */
export async function isOwnAccount(
  { catalog }: Engine,
  { principal: { kind, id } }: Pick<Call, 'principal'>,
  userId: string,
): Promise<boolean> {
  if (id === userId) return true
  return kind === 'api_key' && (await catalog.view.keys.byId(id))?.makerId === userId
}
