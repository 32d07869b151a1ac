import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Issuer } from './issuer.ts'
import { IssuerKeys } from './issuer-keys.ts'

/** An issuer and what its signatures are checked with. */
export interface KnownIssuer {
  readonly issuer: Issuer
  readonly keys: IssuerKeys | Uint8Array
}

export interface IssuerListParts {
  readonly issuers: readonly Issuer[]
  readonly clock: Clock
  /** The keys of that issuer changed. */
  readonly onChange: (issuer: string) => void
  /** Its keys were asked for. */
  readonly onLoad: (issuer: string, isGood: boolean) => void
  readonly onProblem: (issuer: string, error: unknown) => void
}

/** The issuers of the settings, by name. */
export class IssuerList {
  readonly #known = new Map<string, KnownIssuer>()

  constructor({ issuers, clock, onChange, onLoad, onProblem }: IssuerListParts) {
    for (const issuer of issuers) {
      const { issuer: name, keys: given, algorithm, refreshSeconds } = issuer
      if ('secret' in given) {
        if (algorithm !== 'HS256') throw new Error(`${algorithm} needs public keys`)
        this.#known.set(name, { issuer, keys: given.secret })
        continue
      }
      // A public key must never become the secret of an HMAC.
      if (algorithm === 'HS256') throw new Error('HS256 needs a secret')
      const keys = new IssuerKeys({
        ...{ source: given, algorithm, refreshSeconds, clock },
        onChange: () => onChange(name),
        onLoad: isGood => onLoad(name, isGood),
        onProblem: error => onProblem(name, error),
      })
      this.#known.set(name, { issuer, keys })
    }
  }

  get(name: string): KnownIssuer | undefined {
    return this.#known.get(name)
  }

  /** Whose keys a token that says this of its issuer must be signed with. */
  signerOf(iss: string | undefined): KnownIssuer | undefined {
    const all = [...this.#known.values()]
    if (iss === undefined) return all.find(({ issuer }) => issuer.audiences === undefined)
    const known = this.#known.get(iss)
    return known?.issuer.audiences === undefined ? undefined : known
  }

  /** Keeps all key sets loaded until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const sets = [...this.#known.values()].map(({ keys }) => keys)
    await Promise.all(sets.map(keys => keys instanceof IssuerKeys && keys.watch(signal)))
  }
}
