import { nameProblem } from '@holdfast/core/names.ts'
import { isEmail, isReserved } from '../users/user-fields.ts'

const NAME_CHARS_MAX = 100
/** What breaks lines, or turns around how all that follows is shown (UAX #9 §2). */
const TURNING = /[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Names from outside are shown, logged and audited here: without control characters, and short. */
export function fitName(name: string, otherwise = '?'): string {
  const plain = name
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll(TURNING, '\ufffd')
    .toWellFormed()
    .trim()
  const short = [...plain].slice(0, NAME_CHARS_MAX).join('')
  return short === '' || nameProblem(short) !== undefined ? otherwise : short
}

/** Other places may call somebody as logs here call the server: no reason to keep them out. */
export function fitUsername(name: string): string {
  const fitted = fitName(name)
  return isReserved(fitted) ? `${fitted}?` : fitted
}

/** An address that is none is left out. */
export function fitEmail(email: string | undefined): string | null {
  return email !== undefined && isEmail(email) ? email : null
}
