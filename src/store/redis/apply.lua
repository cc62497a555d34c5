-- Applies stream changes, one after the other. The rows of decide() are those of coherence.ts.
-- KEYS    per change: value key, guard key
-- ARGV    lateAfterMs, guardMs, settleMs; then per change: "version at action ttlMs expiresAt" (the last may be empty), value
-- returns per change its outcome

local SLACK, ROUNDING = 2000, 1000
local lateAfter, guardMs, settled = tonumber(ARGV[1]), ARGV[2], millis(now + tonumber(ARGV[3]))

local function decide(guard, version, at, key, action, value)
  if guard and guard.version ~= ABSENT and guard.version >= version then
    return at <= tonumber(guard.at) + SLACK and 'stale' or 'disordered'
  end
  if now - at > lateAfter then return 'late' end
  if not guard or guard.asOf == ABSENT then return 'write' end
  if at + ROUNDING + SLACK < tonumber(guard.asOf) then return 'included' end
  if tonumber(guard.till) >= at - SLACK then
    return action ~= 'delete' and redis.pcall('GET', key) == value and 'same' or 'overlapping'
  end
  return 'write'
end

local function newest(guard, version, at)
  if not guard or guard.version == ABSENT then return version, at end
  if guard.version >= version then return guard.version, guard.at end
  return version, tonumber(guard.at) > tonumber(at) and guard.at or at
end

local function write(key, action, value, ttlMs, expiresAt)
  local ttl = timeToLive(ttlMs, expiresAt)
  if action == 'refresh' and redis.call('EXISTS', key) == 0 then return full and 'full' or 'unchanged' end
  if action == 'delete' or not ttl or full then
    redis.call('DEL', key)
    return full and action ~= 'delete' and 'full' or 'deleted'
  end
  redis.call('SET', key, value, 'PX', ttl)
  return 'written'
end

-- A change's numbers come as one text: to the client each argument is dearer than its part of the match here.
local function apply(key, guardKey, change, value)
  local version, at, action, ttlMs, expiresAt = string.match(change, '^(%S+) (%S+) (%S+) (%S+) (%S*)$')
  local guard = load(guardKey, key)
  local decision = decide(guard, version, tonumber(at), key, action, value)
  if decision == 'stale' then return decision end

  local newestVersion, newestAt = newest(guard, version, at)
  if decision == 'write' then
    save(guardKey, line(newestVersion, newestAt, token, settled, ABSENT, ABSENT), guardMs, key)
    return write(key, action, value, ttlMs, expiresAt)
  end
  if decision == 'included' then
    save(guardKey, line(newestVersion, newestAt, guard.generation, guard.settled, guard.asOf, guard.till, guard.leased), guardMs, key)
    return decision
  end
  if decision == 'same' then
    local later = millis(math.max(tonumber(guard.settled), tonumber(settled)))
    save(guardKey, line(newestVersion, newestAt, guard.generation, later, guard.asOf, guard.till, guard.leased), guardMs, key)
    return full and 'full' or decision
  end
  local asOf, till = ABSENT, ABSENT
  if guard then asOf, till = guard.asOf, guard.till end
  save(guardKey, line(newestVersion, newestAt, token, settled, asOf, till), guardMs, key)
  redis.call('DEL', key)
  return decision
end

return each(2, function(i)
  return apply(KEYS[2 * i - 1], KEYS[2 * i], ARGV[2 * i + 2], ARGV[2 * i + 3])
end)
