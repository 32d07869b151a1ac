import { RedisLimitStore } from '@holdfast/drivers/limits/redis/redis-limit-store.ts'
import { RedisLink } from '@holdfast/drivers/limits/redis/redis-link.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { timedRunner } from './redis-time.ts'

/** Run in a process of its own by redis-limit-store.test.ts, which kills it while it is inside. */
const [socket = '', prefix = '', micros = '0'] = process.argv.slice(2)
const address = { at: { socket }, tls: false, username: undefined, password: undefined, db: 0 }
const link = new RedisLink(address, 60_000)
const { runner } = await timedRunner(link, prefix, Number(micros))
const parts = { link: runner, clock: new FakeClock(), random: cryptoRandom, prefix }
const stay = await new RedisLimitStore(parts).enter({ name: 'one', places: 1 }, 'k')
console.log(stay.allowed ? 'inside' : 'refused')
