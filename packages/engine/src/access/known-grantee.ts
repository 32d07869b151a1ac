import type { Engine } from '../engine.ts'

/** Whether an id is that of somebody who could use what a list of access grants. */
export async function isKnownGrantee({ catalog }: Engine, id: string): Promise<boolean> {
  const { identities, keys, accessKeys } = catalog.view
  for (const kind of ['user', 'service_account', 'group'] as const) {
    if ((await identities.byId(kind, id)) !== undefined) return true
  }
  if ((await keys.byId(id)) !== undefined) return true
  return (await accessKeys.byPrincipal(id)).length > 0
}
