import type { Engine } from '../engine.ts'

const JUMP_MS_MAX = 5 * 60 * 1000

/**
 * Why the wall clock cannot be trusted to tell the age of things, or null. It is compared with the
 * monotonic clock since the store was opened and with the newest change in the log.
 */
export async function clockProblem(engine: Engine): Promise<string | null> {
  const { clock, opened } = engine
  const drift = clock.now() - opened.wallMs - (clock.monotonic() - opened.monotonicMs)
  if (Math.abs(drift) > JUMP_MS_MAX) {
    const direction = drift > 0 ? 'forward' : 'back'
    return `the wall clock jumped ${direction} by ${Math.round(Math.abs(drift) / 1000)} s`
  }
  const { changes } = engine.catalog.view
  const latest = await changes.latest()
  const [newest] = latest > 0 ? await changes.after(latest - 1, 1) : []
  if (newest !== undefined && Date.parse(newest.at) > clock.now() + JUMP_MS_MAX) {
    return 'the newest change in the log lies in the future'
  }
  return null
}
