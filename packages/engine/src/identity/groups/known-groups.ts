import type { Group } from '@holdfast/core/identities.ts'
import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'

const PAGE = 1000
/** After more changes than this that nobody asked about, all groups are read again. */
const TOUCHED_MAX = 1000

interface Member {
  readonly id: string
  readonly groups: Set<string>
}

interface KnownGroup {
  readonly name: string
  readonly members: readonly Member[]
}

/**
 * Who is in which groups. Principals are made anew after any change of any identity, and reading
 * all groups for each would take time with the number of members in all. The catalog tells of every
 * change before it is answered; what it told of is read again at the next question. It takes memory
 * with the members that administrators named: some 1,000 in a group at most.
 */
export class KnownGroups {
  readonly #view: CatalogView
  readonly #groups = new Map<string, KnownGroup>()
  readonly #members = new Map<string, Member>()
  /** Group by its name in lower case. */
  readonly #names = new Map<string, string>()
  /** Ids of identities that may be groups, as new ones are. */
  #touched = new Set<string>()
  #isUnknown = true
  #reading: Promise<void> | undefined

  constructor(catalog: Pick<Catalog, 'view' | 'watch'>) {
    this.#view = catalog.view
    catalog.watch(({ records }) => {
      for (const id of records.identities ?? []) this.#touch(id)
    })
  }

  /** Ids of the groups that somebody is in, by id or by the names of groups, in lower case. */
  async of(memberId: string, names: readonly string[]): Promise<string[]> {
    // One that began before this question may have missed what was answered before it.
    await this.#reading?.catch(() => {})
    if (this.#isUnknown || this.#touched.size > 0) this.#reading ??= this.#read()
    await this.#reading
    const ids = new Set(this.#members.get(memberId)?.groups)
    for (const name of names) {
      const id = this.#names.get(name)
      if (id !== undefined) ids.add(id)
    }
    return [...ids].sort()
  }

  #touch(id: string): void {
    if (this.#isUnknown) return
    if (this.#touched.size < TOUCHED_MAX) this.#touched.add(id)
    else this.#isUnknown = true
  }

  async #read(): Promise<void> {
    const touched = this.#isUnknown ? undefined : [...this.#touched]
    this.#touched.clear()
    this.#isUnknown = false
    try {
      const read = touched === undefined ? this.#readAll() : this.#readSome(touched)
      const { gone, groups } = await read
      for (const id of gone) this.#drop(id)
      for (const group of groups) this.#add(group)
    } catch (error) {
      this.#isUnknown = true
      throw error
    } finally {
      this.#reading = undefined
    }
  }

  async #readAll() {
    const groups = await allGroups(this.#view)
    return { gone: [...this.#groups.keys()], groups }
  }

  async #readSome(touched: readonly string[]) {
    const groups: Group[] = []
    for (const id of touched) {
      const group = await this.#view.identities.byId('group', id)
      if (group !== undefined) groups.push(group)
    }
    return { gone: touched, groups }
  }

  #drop(id: string): void {
    const known = this.#groups.get(id)
    if (known === undefined) return
    this.#groups.delete(id)
    if (this.#names.get(known.name) === id) this.#names.delete(known.name)
    for (const member of known.members) {
      member.groups.delete(id)
      if (member.groups.size === 0) this.#members.delete(member.id)
    }
  }

  #add({ id, name, members }: Group): void {
    const known = members.map(memberId => this.#member(memberId))
    for (const { groups } of known) groups.add(id)
    this.#groups.set(id, { name: name.toLowerCase(), members: known })
    this.#names.set(name.toLowerCase(), id)
  }

  #member(id: string): Member {
    const member = this.#members.get(id) ?? { id, groups: new Set() }
    this.#members.set(id, member)
    return member
  }
}

export async function allGroups({ identities }: CatalogView): Promise<Group[]> {
  const all: Group[] = []
  for (;;) {
    const after = all.at(-1)?.id ?? ''
    const page = await identities.list({ kind: 'group', after, limit: PAGE })
    all.push(...page)
    if (page.length < PAGE) return all
  }
}
