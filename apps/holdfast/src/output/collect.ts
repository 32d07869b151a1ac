/** For options that may be repeated; taking all that follows would swallow the arguments. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
