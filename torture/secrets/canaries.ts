/** A secret that exists in the run, and where it may be told: in the answer that makes it. */
export interface Canary {
  readonly name: string
  readonly secret: string
}

/** How bytes are written down: a secret in another spelling is as good as the secret. */
const spellings: Readonly<Record<string, (secret: string) => string>> = {
  plain: secret => secret,
  json: secret => JSON.stringify(secret).slice(1, -1),
  url: secret => encodeURIComponent(secret),
  hex: secret => Buffer.from(secret).toString('hex'),
  base64: secret => Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  base64url: secret => Buffer.from(secret).toString('base64url'),
  reversed: secret => [...secret].reverse().join(''),
}

/** Looks for all of them in everything that leaves the program, or stays of it. */
export class Canaries {
  readonly #sought: { readonly name: string; readonly spelling: string; readonly bytes: Buffer }[] =
    []
  readonly names = new Set<string>()

  add(...canaries: readonly Canary[]): void {
    for (const { name, secret } of canaries) {
      if (secret.length < 12) throw new Error(`${name} is too short to be looked for`)
      if (this.names.has(name)) throw new Error(`${name} is there already`)
      this.names.add(name)
      for (const [spelling, spell] of Object.entries(spellings)) {
        this.#sought.push({ name, spelling, bytes: Buffer.from(spell(secret)) })
      }
    }
  }

  /** Names of those that are in it, with how they are written. */
  in(text: string | Uint8Array, except: readonly string[] = []): string[] {
    const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text)
    const found = this.#sought.filter(({ name, bytes: one }) => {
      return !except.includes(name) && bytes.includes(one)
    })
    return found.map(({ name, spelling }) => `${name} (${spelling})`)
  }
}
