import { nameProblem } from '@holdfast/core/names.ts'
import { isEmail } from '../users/user-fields.ts'

const NAME_CHARS_MAX = 100

/** Names from outside are shown, logged and audited here: without control characters, and short. */
export function fitName(name: string, otherwise = '?'): string {
  const plain = name
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .trim()
  const short = [...plain].slice(0, NAME_CHARS_MAX).join('')
  return short === '' || nameProblem(short) !== undefined ? otherwise : short
}

/** An address that is none is left out. */
export function fitEmail(email: string | undefined): string | null {
  return email !== undefined && isEmail(email) ? email : null
}
