const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** How much of everything is done. Full runs are for figures, smoke runs test the harness. */
export interface Mode {
  readonly name: 'full' | 'smoke'
  readonly pairs: number
  readonly durationMs: number
  readonly warmupMs: number
  /** How long a run waits at most for other work on the machine to end. */
  readonly patienceMs: number
  readonly sizesBytes: readonly number[]
  readonly connections: readonly number[]
  /** What HEAD and the mix of all kinds are measured with. */
  readonly mixes: readonly { readonly sizeBytes: number; readonly connections: number }[]
  readonly scaleAssets: readonly [number, number]
  /** The same for the row that also looks at disk space and at starting after a kill. */
  readonly millionAssets: readonly [number, number]
  /** What both doors are measured with, one against the other. */
  readonly s3Transfers: readonly { readonly sizeBytes: number; readonly connections: number }[]
  /** What Holdfast and a peer on the same platform are measured with. */
  readonly peerTransfers: readonly { readonly sizeBytes: number; readonly connections: number }[]
  readonly s3Multipart: {
    readonly parts: number
    readonly partBytes: number
    readonly atOnce: number
  }
  readonly s3ListingKeys: readonly [number, number]
  /** Clients that write while the latency of reads is measured. */
  readonly writers: number
  readonly memoryClients: number
  readonly memoryBytes: number
  readonly crowdConnections: number
}

export const fullMode: Mode = {
  name: 'full',
  pairs: 5,
  durationMs: 2500,
  warmupMs: 1500,
  patienceMs: 0,
  sizesBytes: [4 * KiB, 64 * KiB, 1 * MiB, 64 * MiB],
  connections: [1, 16, 64],
  mixes: [
    { sizeBytes: 4 * KiB, connections: 64 },
    { sizeBytes: 64 * KiB, connections: 16 },
  ],
  scaleAssets: [1000, 100_000],
  millionAssets: [10_000, 1_000_000],
  s3Transfers: [
    { sizeBytes: 4 * KiB, connections: 16 },
    { sizeBytes: 64 * MiB, connections: 4 },
  ],
  peerTransfers: [
    { sizeBytes: 4 * KiB, connections: 64 },
    { sizeBytes: 64 * MiB, connections: 4 },
  ],
  s3Multipart: { parts: 32, partBytes: 16 * MiB, atOnce: 4 },
  s3ListingKeys: [10_000, 1_000_000],
  writers: 16,
  memoryClients: 100,
  memoryBytes: 1 * GiB,
  crowdConnections: 1000,
}

export const smokeMode: Mode = {
  name: 'smoke',
  pairs: 1,
  durationMs: 100,
  warmupMs: 20,
  patienceMs: 0,
  // Large enough to be sent in parts; every start of a server costs a second.
  sizesBytes: [512 * KiB],
  connections: [4],
  mixes: [{ sizeBytes: 16 * KiB, connections: 4 }],
  scaleAssets: [50, 500],
  millionAssets: [100, 1000],
  s3Transfers: [{ sizeBytes: 64 * KiB, connections: 2 }],
  // The peer comes through npm: tests of the harness need no program of others but nginx.
  peerTransfers: [],
  s3Multipart: { parts: 3, partBytes: 5 * MiB, atOnce: 2 },
  s3ListingKeys: [200, 2000],
  writers: 2,
  memoryClients: 8,
  memoryBytes: 4 * MiB,
  crowdConnections: 100,
}

export function sizeName(bytes: number): string {
  if (bytes >= GiB) return `${trim(bytes / GiB)} GiB`
  if (bytes >= MiB) return `${trim(bytes / MiB)} MiB`
  return `${trim(bytes / KiB)} KiB`
}

function trim(value: number): string {
  return String(Number(value.toFixed(1)))
}
