-- Applies stream changes, one after the other. The rows of decide() are those of coherence.ts.
-- KEYS    per change: value key, guard key
-- ARGV    lateAfterMs, guardMs, settleMs; then per change: version, at, action, value, ttlMs, expiresAt or ''
-- returns per change its outcome

local SLACK, ROUNDING = 2000, 1000
local lateAfter, guardMs, settle = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local function decide(guard, version, at)
  if guard and guard.version and guard.version >= version then
    return at <= guard.at + SLACK and 'stale' or 'disordered'
  end
  if now - at > lateAfter then return 'late' end
  if guard and guard.asOf and at + ROUNDING + SLACK < guard.asOf then return 'included' end
  if guard and guard.till and guard.till >= at - SLACK then return 'overlapping' end
  return 'write'
end

local function newest(guard, version, at)
  if not guard or not guard.version then return version, at end
  if guard.version >= version then return guard.version, guard.at end
  return version, math.max(guard.at, at)
end

local function write(key, action, value, ttlMs, expiresAt)
  local ttl = timeToLive(ttlMs, expiresAt)
  if action == 'refresh' and redis.call('EXISTS', key) == 0 then return full and 'full' or 'unchanged' end
  if action == 'delete' or ttl <= 0 or full then
    redis.call('DEL', key)
    return full and action ~= 'delete' and 'full' or 'deleted'
  end
  redis.call('SET', key, value, 'PX', millis(ttl))
  return 'written'
end

local function apply(key, guardKey, version, at, action, value, ttlMs, expiresAt)
  local guard = load(guardKey)
  local decision = decide(guard, version, at)
  if decision == 'stale' then return decision end

  local newestVersion, newestAt = newest(guard, version, at)
  local after = { version = newestVersion, at = newestAt, generation = token, settled = now + settle }
  if decision == 'included' then
    after.generation, after.settled = guard.generation, guard.settled
  end
  if decision ~= 'write' and guard then
    after.asOf, after.till = guard.asOf, guard.till
  end
  save(guardKey, after, guardMs, key)

  if decision == 'write' then return write(key, action, value, ttlMs, expiresAt) end
  if decision ~= 'included' then redis.call('DEL', key) end
  return decision
end

local outcomes = {}
for i = 1, #KEYS / 2 do
  local first = 6 * i - 2
  outcomes[i] = apply(KEYS[2 * i - 1], KEYS[2 * i], ARGV[first], tonumber(ARGV[first + 1]),
    ARGV[first + 2], ARGV[first + 3], ARGV[first + 4], ARGV[first + 5])
end
return outcomes
