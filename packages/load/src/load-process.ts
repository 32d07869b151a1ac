// The load generator, in a process of its own: it answers every plan with one outcome.
import type { LoadPlan } from './load-plan.ts'
import { runPlan } from './run-plan.ts'

/** Whoever asked may be gone already: an error of sending nobody takes would end this loudly. */
const answer = (reply: object) => process.send?.(reply, undefined, undefined, () => {})

process.on('message', (plan: LoadPlan) => {
  runPlan(plan).then(
    outcome => answer({ outcome }),
    (error: unknown) => answer({ failure: String(error) }),
  )
})
// A parent that was killed leaves no load behind.
process.on('disconnect', () => process.exit())
