/** What the load process is told, and what it answers: plain data, sent between processes. */
export interface LoadPlan {
  /** 127.0.0.1 unless set. */
  readonly host?: string
  readonly port: number
  readonly tls?: boolean
  readonly connections: number
  readonly traffic: Traffic
  readonly until: Limit
  /** After this the run is broken off and counted as an error. */
  readonly deadlineMs: number
  /** Processes of the server, whose CPU time is read at the first and after the last byte. */
  readonly serverPids: readonly number[]
}

/** No operation starts after the limit; those under way are awaited and counted. */
export type Limit = { readonly durationMs: number } | { readonly operations: number }

/** Where objects lie and what goes into every request head. */
export interface Place {
  readonly pathPrefix: string
  readonly headers: Readonly<Record<string, string>>
  /** Requests are signed as S3 wants it. */
  readonly signer?: S3Signer
  /** Each PUT tells the MD5 of its body (`Content-MD5`), taken before the time begins. */
  readonly tellsMd5?: boolean
}

export interface S3Signer {
  readonly accessKeyId: string
  readonly secret: string
  readonly region: string
  /** Carries the signature to a server that does not know it; `Authorization` unless set. */
  readonly header?: string
}

/**
 * Numbered objects of one size. The body of an object is its stamp (`tag` and number, 16
 * characters) and a fixed random filler, so that any process can name what it must be.
 */
export interface Objects extends Place {
  readonly sizeBytes: number
  /** 6 characters. */
  readonly tag: string
  readonly firstNumber: number
}

export type Method = 'GET' | 'HEAD' | 'PUT' | 'DELETE'

export type Traffic = PutTraffic | GetTraffic | HeadTraffic | CallTraffic | MixedTraffic

/** Each PUT takes the next number: no key and no content comes twice. */
export interface PutTraffic extends Objects {
  readonly kind: 'put'
  readonly statuses: readonly number[]
}

/** GETs of numbers in any order out of `count` objects that were put before. */
export interface GetTraffic extends Objects {
  readonly kind: 'get'
  readonly count: number
  /** Every n-th answer of a connection is hashed and compared; 0 for none. */
  readonly hashEvery: number
}

/** HEADs of numbers in any order out of `count` objects that were put before. */
export interface HeadTraffic extends Objects {
  readonly kind: 'head'
  readonly count: number
}

/** GETs of fixed paths in turn; the answers may have any length above zero. */
export interface CallTraffic {
  readonly kind: 'call'
  readonly paths: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly signer?: S3Signer
}

/** All kinds side by side. What is deleted was put in the same run; what is read stays. */
export interface MixedTraffic {
  readonly kind: 'mixed'
  readonly put: PutTraffic
  readonly get: GetTraffic
  readonly shares: Shares
  /** Statuses of a DELETE that did its work. */
  readonly deletedStatuses: readonly number[]
}

/** Parts of the operations, 0 to 1 together; the rest are GETs. */
export interface Shares {
  readonly head: number
  readonly put: number
  readonly delete: number
}

export interface LoadOutcome {
  readonly operations: number
  /** Payload, without heads. */
  readonly bytes: number
  /** From the first request to the last answer. */
  readonly elapsedMs: number
  readonly latency: LatencySummary
  readonly byMethod: Readonly<Partial<Record<Method, MethodOutcome>>>
  readonly errors: Readonly<Record<string, number>>
  readonly hashedAnswers: number
  readonly serverCpuMs: number
  /** CPU time of the load process itself over the elapsed time; 1 is one whole core. */
  readonly loadCpuShare: number
  /** The same for everybody else on the machine, the kernel's own threads included. */
  readonly othersCpuShare: number
}

export interface MethodOutcome {
  readonly operations: number
  readonly latency: LatencySummary
}

export interface LatencySummary {
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
