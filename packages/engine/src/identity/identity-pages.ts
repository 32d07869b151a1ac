import type { Call } from '@holdfast/core/call.ts'
import type { IdentityKind } from '@holdfast/core/identities.ts'
import type { IdentityOf } from '@holdfast/core/ports/identity-questions.ts'
import type { Engine } from '../engine.ts'

const PAGE = 500

/** All of a kind in order of id. However many there are, others wait for one page at most. */
export async function* identityPages<Kind extends IdentityKind>(
  { catalog, lists }: Engine,
  { principal, signal }: Call,
  kind: Kind,
): AsyncGenerator<readonly IdentityOf<Kind>[]> {
  for (let after = ''; ; ) {
    await lists.next(principal.id)
    signal.throwIfAborted()
    const page = await catalog.view.identities.list({ kind, after, limit: PAGE })
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.id
  }
}
