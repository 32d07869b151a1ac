import { isUuid } from '@holdfast/core/ids.ts'
import { UsageError } from '../output/usage-error.ts'
import { visible } from '../output/visible.ts'

export interface Named<One> {
  /** What a person typed: a name, or an id. */
  readonly name: string
  /** Such as `user`. */
  readonly what: string
  /** Tells those apart that the text may mean. */
  tell(one: One): string
}

/**
 * The one thing that is called so or has that id; UsageError for none and for several. Names may
 * look like the ids of others, also because somebody chose them so: neither is taken for the other.
 */
export function onlyOne<One extends { readonly id: string }>(
  found: readonly (One | undefined)[],
  { name, what, tell }: Named<One>,
): One {
  const others = new Map(found.flatMap(one => (one === undefined ? [] : [[one.id, one]])))
  const [one, ...more] = others.values()
  if (one === undefined) throw new UsageError(`there is no ${what} ${visible(name)}`)
  if (more.length > 0) {
    const told = [one, ...more].map(each => visible(tell(each))).join(', ')
    throw new UsageError(`more than one ${what} may be called ${visible(name)}: ${told}`)
  }
  return one
}

/**
 * The same of users, groups and accounts. Who chose the id of something else as a name must not
 * get what is meant for that, which need not be of this kind, or be there any more.
 */
export function onlyHolder<One extends { readonly id: string }>(
  found: readonly One[],
  named: Named<One>,
): One {
  const one = onlyOne(found, named)
  if (isUuid(named.name) && one.id !== named.name.toLowerCase()) {
    const told = visible(named.tell(one))
    throw new UsageError(`${visible(named.name)} is an id, but ${told} is only called so`)
  }
  return one
}
