/**
 * What Redis does in one step. A record is JSON that begins with `v` (its version), `order` (rises with every write)
 * and `at` (when it was written, by the clock of Redis); the rest is the writer's, see record.ts.
 */

// The order and the version of a record; 0 for none or for what is no record.
const reading = `
local function number(value) return type(value) == 'number' and value < 9e15 and value or 0 end
local function reading(text)
  local read, record = pcall(cjson.decode, text)
  if not read or type(record) ~= 'table' then return 0, 0 end
  return number(record.order), number(record.v)
end
local function put(text, ttl)
  if ttl == '0' then redis.call('set', KEYS[1], text) else redis.call('set', KEYS[1], text, 'PX', ttl) end
end
`;

/** KEYS: claim. ARGV: holder, time to live. Returns 1 for the first, else 0. */
export const claimScript = `
return redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
`;

/** KEYS: record. Returns the time of Redis as seconds and microseconds, and the record or an empty string. */
export const readScript = `
local time = redis.call('time')
return {time[1], time[2], redis.call('get', KEYS[1]) or ''}
`;

/**
 * KEYS: record. ARGV: `any`, `old` (not over a newer version) or `is`, the record that must be there for `is`, what to
 * write, the least order, time to live, channel, holder. Returns the new record, or nothing where another one is there; and why word
 * of it could not be given.
 */
export const writeScript = `${reading}
local current = redis.call('get', KEYS[1]) or ''
if ARGV[1] == 'is' and current ~= ARGV[2] then return {'', ''} end
local order, version = reading(current)
if ARGV[1] == 'old' and version > 1 then return redis.error_reply('NEWER record') end
local time = redis.call('time')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
order = math.max(at, order + 1, tonumber(ARGV[4]) + 1)
local text = string.format('{"v":1,"order":%.0f,"at":%.0f,', order, at) .. ARGV[3]
put(text, ARGV[5])
local told = redis.pcall('publish', ARGV[6], ARGV[7])
return {text, type(told) == 'table' and told.err or ''}
`;

/**
 * KEYS: record, lease. ARGV: the record that is there, the one to put back, time to live, channel, holder, lease's
 * length. Redis has lost records, and so perhaps the lease of somebody who is at work: nobody else gets it for a while.
 */
export const restoreScript = `${reading}
local current = redis.call('get', KEYS[1]) or ''
if current ~= ARGV[1] then return 0 end
put(ARGV[2], ARGV[3])
redis.call('set', KEYS[2], 'lost', 'NX', 'PX', ARGV[6])
redis.pcall('publish', ARGV[4], ARGV[5])
return 1
`;

/**
 * KEYS: record, lease. ARGV: owner, length, the order of the last record that the owner knows. Returns `mine`, `taken`,
 * or `lost` where Redis has not got that record any more.
 */
export const acquireScript = `${reading}
local current = redis.call('get', KEYS[1]) or ''
local order = reading(current)
if order < tonumber(ARGV[3]) and (order > 0 or current == '') then return 'lost' end
if redis.call('set', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'mine' end
return redis.call('get', KEYS[2]) == ARGV[1] and 'mine' or 'taken'
`;

/** KEYS: lease. ARGV: owner, length. A lease that Redis has lost is taken again, one that is somebody else's is not. */
export const extendScript = `
local owner = redis.call('get', KEYS[1]) or 'lost'
if owner == ARGV[1] or owner == 'lost' then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
`;

/** KEYS: lease. ARGV: owner. Nobody else's lease is ended. */
export const releaseScript = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
`;
