import type { SecretChange } from '@holdfast/server/offline.ts'
import { countText } from '../output/amounts.ts'

/** What was done, and what whoever read a copy of before still has: for the operator. */
export function changeText(change: SecretChange): string[] {
  const { accessKeys, openKeys, revokedKeys, factors, signingKeys, lost } = change
  const seeds = countText(factors, 'second factor')
  return [
    'The secret of the store is changed. Presigned links of before are refused.',
    `Sealed anew: ${countText(accessKeys, 'S3 secret')}, ${seeds}.`,
    `Signing keys: ${signingKeys} replaced; every session ended, users log in anew.`,
    ...(revokedKeys === 0 ? [] : [`Revoked: ${countText(revokedKeys, 'S3 access key')}.`]),
    ...lost.map(what => `Could not be opened, before or after: ${what}.`),
    '',
    'Who read a copy of before still has, until you end it:',
    `- the secrets of S3 access keys, ${openKeys} of them in use: holdfast keys s3 revoke`,
    `- the seeds of second factors, ${factors}: holdfast users second-factor-off`,
    '- hashes of passwords, which can be guessed at: holdfast users password',
    '- all assets of then; and the copy opens as it did.',
    'If this ended a change that was cut off, and a copy was made since then: run it again.',
    'Make a new backup, and destroy those of before. A signing key that leaked otherwise ends with',
    'holdfast signing-keys rotate --distrust-former.',
  ]
}
