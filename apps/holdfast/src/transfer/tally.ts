import { isClientError } from '@holdfast/client'
import { countText, secondsText, sizeText } from '../output/amounts.ts'
import { failureText } from '../output/failure-text.ts'
import { print, printJson, say } from '../output/say.ts'
import { visible } from '../output/visible.ts'

const HOPELESS = new Set([
  'NETWORK',
  'TIMEOUT',
  'UNAUTHENTICATED',
  'CREDENTIAL_EXPIRED',
  'BUCKET_NOT_FOUND',
  'STORAGE_FULL',
  'UNEXPECTED_ANSWER',
])

/** A screenful; nobody reads ten thousand lines. */
const FAILURES_SHOWN_MAX = 20

/** What became of the files of one command, and how it is told at the end. */
export class Tally {
  readonly #startedMs = performance.now()
  readonly #failures: { path: string; code: string; message: string }[] = []
  #files = 0
  #bytes = 0
  #skipped = 0
  #passed = 0

  get failed(): number {
    return this.#failures.length
  }

  done(bytes: number): void {
    this.#files += 1
    this.#bytes += bytes
  }

  /** It was there already, byte for byte. */
  skip(): void {
    this.#skipped += 1
  }

  /** It is nothing that can be moved. */
  pass(path: string, reason: string): void {
    this.#passed += 1
    say(`${visible(path)}: left out, ${reason}`)
  }

  fail(path: string, error: unknown): void {
    const message = failureText(error)
    const code = isClientError(error) ? error.code : codeOf(error)
    this.#failures.push({ path, code, message })
    if (this.failed <= FAILURES_SHOWN_MAX) say(`${visible(path)}: ${message}`)
  }

  report(verb: string, json: boolean): void {
    const hidden = this.failed - FAILURES_SHOWN_MAX
    if (hidden > 0) say(`and ${countText(hidden, 'failure')} more; --json tells all`)
    const ms = performance.now() - this.#startedMs
    if (this.failed > 0) process.exitCode = 1
    if (json) {
      printJson({
        files: this.#files,
        bytes: this.#bytes,
        skipped: this.#skipped,
        left_out: this.#passed,
        failed: this.failed,
        seconds: Number((ms / 1000).toFixed(3)),
        failures: this.#failures,
      })
      return
    }
    const rate = sizeText(Math.round(this.#bytes / Math.max(ms / 1000, 0.001)))
    const amount = `${countText(this.#files, 'file')}, ${sizeText(this.#bytes)}`
    const parts = [`${verb} ${amount} in ${secondsText(ms)} (${rate}/s)`]
    if (this.#skipped > 0) parts.push(`${this.#skipped.toLocaleString('en')} skipped`)
    if (this.#passed > 0) parts.push(`${this.#passed.toLocaleString('en')} left out`)
    if (this.failed > 0) parts.push(`${this.failed.toLocaleString('en')} failed`)
    print(`${parts.join(', ')}.`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'ERROR'
}

/** True for failures that every further file would share: then going on helps nobody. */
export function isHopeless(error: unknown): boolean {
  return isClientError(error) && HOPELESS.has(error.code)
}
