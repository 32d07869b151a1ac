import type { Identity, IdentityKind } from '@holdfast/core/identities.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { isGoodAccount } from '@holdfast/engine/identity/accounts/account-state.ts'
import type { IdentityFigures } from '../telemetry/identity-metrics.ts'

const PAGE = 1000

/** What metrics tell of keys, tokens and accounts now. */
export async function identityFigures(engine: Engine): Promise<IdentityFigures> {
  const nowMs = engine.clock.now()
  let signingKeys = 0
  let signsUntilMs: number | undefined
  for await (const { verifiesUntil, signsUntil } of all(engine, 'signing_key')) {
    if (Date.parse(verifiesUntil) > nowMs) signingKeys += 1
    signsUntilMs = Math.max(signsUntilMs ?? 0, Date.parse(signsUntil))
  }
  let activeAccounts = 0
  for await (const account of all(engine, 'service_account')) {
    if (isGoodAccount(account, nowMs)) activeAccounts += 1
  }
  const { counts, tokens } = engine.identity
  return { counts, remembered: tokens.hits, signingKeys, signsUntilMs, activeAccounts }
}

async function* all<Kind extends IdentityKind>(
  { catalog }: Engine,
  kind: Kind,
): AsyncGenerator<Extract<Identity, { kind: Kind }>> {
  let after = ''
  for (;;) {
    const page = await catalog.view.identities.list({ kind, after, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.id
  }
}
