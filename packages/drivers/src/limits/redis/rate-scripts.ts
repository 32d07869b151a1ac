import { scriptOf } from './redis-link.ts'

/**
 * `RateTable` of core, told to Redis: until when all tokens of a key are back (GCRA), as the score
 * of a sorted set, so that who is whole again is found and forgotten first. Times are microseconds
 * of the clock of Redis, the one that all processes share. Numbers are written with 17 digits: Lua
 * would write 14.
 */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.17g', number) end
`

/**
 * KEYS: own entries, pools, seed of the pools. ARGV: key, window, quota, keys at most, a random
 * seed, life in ms of what is written. Answers allowed, left and wait in microseconds.
 */
export const takeScript = scriptOf(`${TIME}
local held, member = KEYS[1], ARGV[1]
local window, quota, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local interval = window / quota
local full = redis.call('ZSCORE', held, member)
if not full then
  local gone = redis.call('ZRANGEBYSCORE', held, '-inf', text(now), 'LIMIT', 0, 4)
  if #gone > 0 then redis.call('ZREM', held, unpack(gone)) end
  local crowded = redis.call('ZCARD', held) >= most
  if crowded or redis.call('EXISTS', KEYS[2]) == 1 then
    -- Who shares with whom cannot be chosen: the seed is told to nobody.
    redis.call('SET', KEYS[3], ARGV[5], 'NX')
    redis.call('PEXPIRE', KEYS[3], ARGV[6])
    local mixed = redis.sha1hex(redis.call('GET', KEYS[3]) .. member)
    local pool = tostring(tonumber(string.sub(mixed, 1, 6), 16) % 1024)
    -- Who comes out of a pool brings its debts along.
    full = redis.call('ZSCORE', KEYS[2], pool)
    if crowded then held, member = KEYS[2], pool end
  end
end
full = tonumber(full or '0')
if full > now + window then
  -- The clock was set back: nobody owes more than all their tokens.
  full = now + window
  redis.call('ZADD', held, text(full), member)
end
local owed = math.max(0, full - now) + interval
if owed > window + 1 then return {0, 0, math.ceil(owed - window)} end
redis.call('ZADD', held, text(now + owed), member)
redis.call('PEXPIRE', held, ARGV[6])
local left = math.floor((window - owed + 1) / interval)
return {1, left, left > 0 and 0 or math.ceil(owed + interval - window)}
`)

/** KEYS: own entries. ARGV: key, window, quota. Nobody fills a pool with what was not taken. */
export const giveBackScript = scriptOf(`
local full = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not full then return 0 end
local score = string.format('%.17g', tonumber(full) - tonumber(ARGV[2]) / tonumber(ARGV[3]))
return redis.call('ZADD', KEYS[1], 'XX', score, ARGV[1])
`)

/** KEYS: who is inside. ARGV: id, places, lease in microseconds, life in ms of what is written. */
export const enterScript = scriptOf(`${TIME}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
local last = text(now + tonumber(ARGV[3]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. last, '+inf')) do
  -- The clock was set back: no lease is longer than one that begins now.
  redis.call('ZADD', KEYS[1], last, id)
end
local free = tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
if free <= 0 then return {0, 0} end
redis.call('ZADD', KEYS[1], last, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, free - 1}
`)

/** KEYS: who is inside. ARGV: lease, life, ids. Also what a new Redis does not know. */
export const renewScript = scriptOf(`${TIME}
for at = 3, #ARGV do
  redis.call('ZADD', KEYS[1], text(now + tonumber(ARGV[1])), ARGV[at])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** KEYS: who is inside. ARGV: ids. */
export const leaveScript = scriptOf(`return redis.call('ZREM', KEYS[1], unpack(ARGV))`)
