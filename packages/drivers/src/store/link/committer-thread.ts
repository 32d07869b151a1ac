import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../clock/system-clock.ts'
import { nodeDisk } from '../../disk/node-disk.ts'
import { cryptoRandom } from '../../random/crypto-random.ts'
import type { CommitReply, CommitRequest, ReplyError, StagedBytes } from '../commit-request.ts'
import type { AnyTransaction, Committer } from '../committer.ts'
import { elementTransactions } from '../element-transactions.ts'
import { openLog } from '../open-log.ts'
import type { ReclaimStep } from '../reclaimer.ts'
import { toReplyError } from '../reply-error.ts'
import type { FromThread, PackedRequest, ThreadData, ToThread } from './thread-messages.ts'

/** The committer in its own thread: here waiting for the disk costs the event loop nothing. */

const SEARCH_STEP = 500
const SEARCH_IDLE_MS = 250
const BATCH_MAX = 512

async function main(port: MessagePort, data: ThreadData): Promise<void> {
  const module: { transactions: Record<string, AnyTransaction> } = await import(
    data.transactionsUrl
  )
  const log = openLog({
    ...data.log,
    disk: nodeDisk,
    clock: systemClock,
    random: cryptoRandom,
    transactions: { ...module.transactions, ...elementTransactions },
  })
  const arena = new Uint8Array(data.arena)
  const answer = (message: FromThread): void => port.postMessage(message)
  let queue: ToThread[] = []
  let busy = false
  let idle: NodeJS.Timeout | undefined

  const drain = async (): Promise<void> => {
    busy = true
    clearTimeout(idle)
    let more = false
    for (;;) {
      for (let next = receiveMessageOnPort(port); next !== undefined; ) {
        queue.push(next.message)
        next = queue.length < BATCH_MAX ? receiveMessageOnPort(port) : undefined
      }
      if (queue.length === 0) break
      const messages = queue
      queue = []
      const commits = messages.filter(message => message.kind === 'commit')
      if (commits.length > 0) {
        const requests = commits.flatMap(message =>
          unpack(message.requests, message.bodies ?? arena),
        )
        const replies = await log.committer.run(requests)
        answerCommits(commits, replies, answer)
        more = true
      }
      for (const message of messages) {
        if (message.kind === 'search') {
          answer({ kind: 'search', id: message.id, error: catchUp(log.committer) })
        }
        if (message.kind === 'reclaim') {
          answer({ kind: 'reclaim', id: message.id, step: reclaimStep(log.committer) })
        }
        if (message.kind === 'close') {
          log.close()
          answer({ kind: 'closed' })
          port.close()
          return
        }
      }
    }
    busy = false
    if (more) idle = setTimeout(indexWhileIdle, SEARCH_IDLE_MS)
  }

  /** Search follows the log in small steps, so that a commit never waits long for it. */
  const indexWhileIdle = (): void => {
    if (busy) return
    try {
      if (log.committer.advanceSearch(SEARCH_STEP)) idle = setTimeout(indexWhileIdle, 1)
      else log.committer.rest()
    } catch {
      // A full disk, most likely. The next search asks again, and then hears why.
    }
  }

  port.on('message', (message: ToThread) => {
    queue.push(message)
    if (!busy) void drain()
  })
  answer({ kind: 'ready', recovery: log.recovery })
}

/** Null when the index has caught up. */
function catchUp(committer: Committer): ReplyError | null {
  try {
    while (committer.advanceSearch(SEARCH_STEP));
    return null
  } catch (error) {
    return toReplyError(error)
  }
}

function reclaimStep(committer: Committer): ReclaimStep | ReplyError {
  try {
    return committer.reclaim()
  } catch (error) {
    return toReplyError(error)
  }
}

function answerCommits(
  commits: readonly Extract<ToThread, { kind: 'commit' }>[],
  replies: readonly CommitReply[],
  answer: (message: FromThread) => void,
): void {
  let at = 0
  for (const { id, requests } of commits) {
    answer({ kind: 'commit', id, replies: replies.slice(at, at + requests.length) })
    at += requests.length
  }
}

function unpack(requests: readonly PackedRequest[], bodies: Uint8Array): CommitRequest[] {
  return requests.map(request => ({
    ...request,
    staged: request.staged.map(({ bodyAt, ...staged }): StagedBytes => {
      const body = bodyAt === null ? null : bodies.subarray(bodyAt, bodyAt + staged.size)
      return { ...staged, body }
    }),
  }))
}

if (parentPort !== null) {
  const port = parentPort
  main(port, workerData).catch((error: unknown) => {
    port.postMessage({ kind: 'failed', error: toReplyError(error) } satisfies FromThread)
    port.close()
  })
}
