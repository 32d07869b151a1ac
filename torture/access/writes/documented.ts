/** What a judge would tell. */
export interface Finding {
  /** `confidentiality`, `integrity`, `refusal`, `explain`, `twin` */
  readonly promise: string
  readonly act: string
  /** What of it; with promise and act the same in every run that finds it. */
  readonly what: string
  readonly text: string
}

interface Documented {
  readonly promise: string
  readonly acts: readonly string[]
  readonly what: RegExp
  readonly reason: string
}

/** What differs from the plain rule, and where it is said that it does. Nothing that is a fault. */
export const documented: readonly Documented[] = [
  {
    promise: 'confidentiality',
    acts: ['move', 'renameObject'],
    what: /^others gain/,
    reason:
      'security.md: a move is refused where the caller, or everybody, could then do more; what ' +
      'third parties hold at the new place they hold there',
  },
  {
    promise: 'confidentiality',
    acts: ['tagging', 'tagVersion', 'update', 'putObject'],
    what: /^(others|everybody) gains?/,
    reason:
      'security.md: policies decide by the tags of what is read, so who sets tags decides, too',
  },
  {
    promise: 'confidentiality',
    acts: ['objectList'],
    what: /^its owner gains/,
    reason: 'security.md: a list of S3 grants what its maker may not read to nobody but the owner',
  },
  {
    promise: 'confidentiality',
    acts: ['deleteVersion', 'deleteObjects', 'removeVersion'],
    what: /gains?/,
    reason:
      'As at AWS: where the version that is shown is removed by its id, the one before is shown',
  },
]

export function isDocumented({ promise, act, what }: Finding): boolean {
  return documented.some(
    each => each.promise === promise && each.acts.includes(act) && each.what.test(what),
  )
}
