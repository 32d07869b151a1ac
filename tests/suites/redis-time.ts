import {
  type RedisLink,
  type ScriptRunner,
  scriptOf,
} from '@holdfast/drivers/limits/redis/redis-link.ts'

/** The clock of Redis as the scripts see it, under one prefix; it moves only when told. */
export interface RedisTime {
  readonly prefix: string
  readonly micros: number
  advance(ms: number): Promise<void>
}

/** Runs the real scripts in the real Redis, but for the one call that asks for the time. */
export async function timedRunner(
  link: RedisLink,
  prefix: string,
  micros = 1_800_000_000_000_000,
): Promise<{ runner: ScriptRunner; time: RedisTime }> {
  const clock = `clock of ${prefix}`
  const set = scriptOf(`redis.call('SET', KEYS[1], ARGV[1], ARGV[2] == 'NX' and 'NX' or 'XX')
    return redis.call('GET', KEYS[1])`)
  const read = `(function(at)
    return {string.sub(at, 1, -7), string.sub(at, -6)}
  end)(redis.call('GET', '${clock}'))`
  await link.run(set, [clock], [String(micros), 'NX'])
  const time = {
    prefix,
    micros,
    advance: async (ms: number) => {
      time.micros += Math.ceil(ms * 1000)
      await link.run(set, [clock], [String(time.micros), 'XX'])
    },
  }
  const runner: ScriptRunner = {
    run: ({ text }, keys, args) => {
      const timed = text.replace(`redis.call('TIME')`, read)
      return link.run(scriptOf(timed), keys, args)
    },
  }
  return { runner, time }
}
