import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { Asked, Operation } from '../oracle/history-file.ts'
import { absent, type KeyState } from '../oracle/key-model.ts'

/** Sizes at which something changes: empty, sector, page, what rides in a pack, one block. */
const sizes = [0, 1, 511, 512, 4095, 4096, 4097, 65_535, 65_537, 262_144, 262_145, 700_000]
/** Bodies that several keys share, so that references are counted up and down. */
const pool = 5
const firstPoolBody = 0x4000_0000

export type Draft = Omit<Asked, 'client' | 'key'>

/**
 * The next thing to do with a key that is in this state: always something that must succeed, so
 * that a refusal is a finding.
 */
export function drawOperation(state: KeyState, random: SeededRandom): Draft {
  if (state.content === undefined && !state.inTrash) return drawPut(random)
  if (state.inTrash) {
    const kind = random.pick(['restore', 'put', 'purge'])
    return kind === 'put' ? drawPut(random, false) : { kind }
  }
  const kind = random.pick(['put', 'put', 'put', 'merge', 'delete', 'purge', 'copy'])
  return kind === 'put' ? drawPut(random) : { kind }
}

function drawPut(random: SeededRandom, shared = random.chance(0.3)): Draft {
  if (!shared) {
    const size = random.chance(0.7) ? random.below(6000) : random.pick(sizes)
    return { kind: 'put', size }
  }
  const which = random.below(pool)
  return { kind: 'put', body: firstPoolBody + which, size: 3000 + which * 70_000 }
}

/** The number of the operation is the body, unless it is one of those that are shared. */
export function contentOf({ number, body, size = 0 }: Operation) {
  return { body: body ?? number, size }
}

/** What the engine promises about one key, for operations that succeed. */
export function applyToKey(state: KeyState, operation: Operation): KeyState {
  const { kind, number } = operation
  switch (kind) {
    case 'put': {
      const content = contentOf(operation)
      const { versions = 0 } = state
      const keeps = isSame(state.content, content) && !state.inTrash
      return { content, note: number, inTrash: false, versions: keeps ? versions : versions + 1 }
    }
    case 'merge':
      return state.content === undefined ? state : { ...state, note: number }
    case 'delete':
      return state.content === undefined ? state : { ...state, inTrash: true }
    case 'restore':
      return { ...state, inTrash: false }
    case 'purge':
      return absent
    default:
      // A copy leaves its source alone.
      return state
  }
}

/** Bodies too short to name their operation are equal, and equal bytes make no new version. */
function isSame(a: KeyState['content'], b: { readonly body: number; readonly size: number }) {
  if (a === undefined || a.size !== b.size) return false
  if (a.body === b.body) return true
  return a.size < 8 && Buffer.compare(makeBody(a.body, a.size), makeBody(b.body, b.size)) === 0
}
