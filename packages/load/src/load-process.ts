// The load generator, in a process of its own: it answers every plan with one outcome.
import type { LoadPlan } from './load-plan.ts'
import { runPlan } from './run-plan.ts'

process.on('message', (plan: LoadPlan) => {
  runPlan(plan).then(
    outcome => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  )
})
