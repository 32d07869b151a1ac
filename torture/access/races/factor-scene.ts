import { hotp, stepAt } from '@holdfast/engine/identity/factors/one-time-code.ts'
import { bytesOf } from '../../secrets/make-login-secrets.ts'
import type { Lab } from '../open-lab.ts'
import { password } from '../people.ts'
import { jsonOf, type Tree } from '../wire.ts'

export function codeNow(lab: Lab, secret: string): string {
  return hotp(bytesOf(secret), stepAt(lab.now()))
}

/** Gives a second factor to a user, and begins a login with it. */
export async function enrol(
  lab: Lab,
  username: string,
): Promise<{ readonly challenge: string; readonly code: string }> {
  const path = '/api/v2/auth/second-factor'
  const who = { username, password }
  const { secret } = await lab.must('POST', path, who)
  const proof = { ...who, code: codeNow(lab, secret) }
  const { recovery_codes: codes } = await lab.must('POST', `${path}/confirm`, proof)
  const { details } = jsonOf(await login(lab, who))
  return { challenge: details.challenge, code: codes[0] }
}

async function login(lab: Lab, who: Tree) {
  return await lab.rest.ask({
    ...{ method: 'POST', path: '/api/v2/auth/login' },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(who)),
  })
}
