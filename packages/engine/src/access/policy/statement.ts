/**
 * The subset of the S3 policy language that is evaluated. Everything else is refused when the
 * policy is set: a statement that is stored but not understood promises what nobody keeps
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
 */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Principal ids or names; `*` is everybody. */
  readonly principals: readonly string[]
  /** The statement is about everybody else. */
  readonly exceptPrincipals: boolean
  /** Patterns in lower case. */
  readonly actions: readonly string[]
  readonly exceptActions: boolean
  /** Patterns of `bucket` or `bucket/key`. */
  readonly resources: readonly string[]
  readonly exceptResources: boolean
  readonly conditions: readonly Condition[]
}

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}
