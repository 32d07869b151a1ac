/** At once, where the catalog runs in this process; later, where it does not. */
export type Awaitable<T> = T | Promise<T>
