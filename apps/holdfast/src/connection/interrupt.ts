let interrupted: AbortController | undefined

/** Aborted by the first SIGINT or SIGTERM; the second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  if (interrupted !== undefined) return interrupted.signal
  const controller = new AbortController()
  interrupted = controller
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

export function isInterrupted(): boolean {
  return interrupted?.signal.aborted === true
}
