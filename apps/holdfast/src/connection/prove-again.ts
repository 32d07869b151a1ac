import { type Client, type Confirm, isClientError } from '@holdfast/client'
import { readPassword } from './read-password.ts'

/** Asks for what a login takes; the code only where there is a second factor. */
export async function proveAgain(client: Client, confirm: Confirm): Promise<void> {
  const { confirms_with: means } = await client.auth.whoAmI()
  if (means === 'provider') throw new Error(AT_PROVIDER)
  const whose = means === 'directory' ? 'your password of the directory:' : 'your own password:'
  const password = await readPassword('HOLDFAST_PASSWORD', whose)
  try {
    await confirm({ password })
  } catch (error) {
    if (!isClientError(error) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
    await confirm({ password, code: await readCode() })
  }
}

const AT_PROVIDER =
  'This takes a fresh proof of who you are, and you have no password here: log in again at your ' +
  'provider, set HOLDFAST_API_KEY to the new token, and run the command again.'

/** A pipe holds what the command itself asks for: nothing more is read from it unasked. */
export function canProve(): boolean {
  return process.stdin.isTTY === true || (process.env.HOLDFAST_PASSWORD ?? '') !== ''
}

export async function readCode(): Promise<string> {
  return await readPassword('HOLDFAST_CODE', 'code of the authenticator, or a recovery code:')
}
