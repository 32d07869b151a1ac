/** Differences from every order that are right, each with its reason. */
export interface Right {
  readonly stage?: RegExp
  readonly one: RegExp
  readonly other: RegExp
  /** Answers of both. */
  readonly codes: RegExp
  readonly reason: string
}

const rights: readonly Right[] = []

export function rightDifference(
  stage: string,
  one: string,
  other: string,
  codes: readonly string[],
): string | undefined {
  const found = rights.find(
    right =>
      (right.stage?.test(stage) ?? true) &&
      right.one.test(one) &&
      right.other.test(other) &&
      right.codes.test(codes.join(' / ')),
  )
  return found?.reason
}
