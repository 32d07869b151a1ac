import { createHmac, timingSafeEqual } from 'node:crypto'

/** What authenticator apps take without being told: SHA-1, six digits, thirty seconds. */
export const CODE_DIGITS = 6
export const STEP_SECONDS = 30
/** As long as the output of the HMAC (RFC 4226 §4, R6). */
export const SECRET_BYTES = 20
/** Steps before and after the current one whose codes are taken (RFC 6238 §5.2). */
const WINDOW = 1

/** The code of one counter value: dynamic truncation of RFC 4226 §5.3. */
export function hotp(secret: Uint8Array, counter: number, digits: number = CODE_DIGITS): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

/** The counter of a moment (RFC 6238 §4.2). */
export function stepAt(nowMs: number): number {
  return Math.floor(nowMs / 1000 / STEP_SECONDS)
}

/**
 * The step that the code belongs to, if it may be taken now: within the window and later than the
 * last one taken, since a code is good once. All candidates are compared, whichever fits.
 */
export function stepOfCode(
  secret: Uint8Array,
  code: string,
  { nowMs, lastStep }: { readonly nowMs: number; readonly lastStep: number },
): number | undefined {
  const given = Buffer.from(code)
  let found: number | undefined
  const current = stepAt(nowMs)
  for (let step = current - WINDOW; step <= current + WINDOW; step += 1) {
    if (step < 0) continue
    const expected = Buffer.from(hotp(secret, step))
    const same = given.length === expected.length && timingSafeEqual(given, expected)
    if (same && step > lastStep) found ??= step
  }
  return found
}
