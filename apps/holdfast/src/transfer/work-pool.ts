/** Runs `work` over the items, at most `jobs` at once; the first failure ends it. */
export async function runPool<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  jobs: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const source = iteratorOf(items)
  // Workers must not ask at once: a listing gives its pages one after the other.
  let turn: Promise<unknown> = Promise.resolve()
  let isOver = false
  const take = async (): Promise<IteratorResult<Item>> => {
    const mine = turn.then(async () =>
      isOver ? { done: true as const, value: undefined } : await source.next(),
    )
    turn = mine.catch(() => {})
    return await mine
  }
  const worker = async () => {
    try {
      for (let step = await take(); step.done !== true; step = await take()) await work(step.value)
    } finally {
      isOver = true
    }
  }
  const results = await Promise.allSettled(Array.from({ length: jobs }, worker))
  await source.return?.()
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function iteratorOf<Item>(items: AsyncIterable<Item> | Iterable<Item>): {
  next(): Promise<IteratorResult<Item>> | IteratorResult<Item>
  return?(): unknown
} {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}
