import { type Confirm, isClientError } from '@holdfast/client'
import { readPassword } from './read-password.ts'

/** Asks for what a login takes; the code only where there is a second factor. */
export async function proveAgain(confirm: Confirm): Promise<void> {
  const password = await readPassword('HOLDFAST_PASSWORD', 'your own password:')
  try {
    await confirm({ password })
  } catch (error) {
    if (!isClientError(error) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
    await confirm({ password, code: await readCode() })
  }
}

/** A pipe holds what the command itself asks for: nothing more is read from it unasked. */
export function canProve(): boolean {
  return process.stdin.isTTY === true || (process.env.HOLDFAST_PASSWORD ?? '') !== ''
}

export async function readCode(): Promise<string> {
  return await readPassword('HOLDFAST_CODE', 'code of the authenticator, or a recovery code:')
}
