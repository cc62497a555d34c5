-- A reader read the table: stores what it read, unless something changed since it began.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, settleMs; then per item: generation, begunAt, '1' when the read was strong, value, ttlMs, expiresAt or ''
-- returns per item its outcome

local guardMs, settle = ARGV[1], tonumber(ARGV[2])

local function fill(key, guardKey, generation, begunAt, strong, value, ttlMs, expiresAt)
  if redis.call('EXISTS', key) == 1 then return 'occupied' end
  local guard = load(guardKey, key)
  if not guard or guard.generation ~= generation then return 'moved' end
  local ttl = timeToLive(ttlMs, expiresAt)
  if not ttl then return 'expired' end

  local settled = math.max(tonumber(guard.settled), now + settle)
  local asOf = strong == '1' and begunAt or begunAt - settle
  save(guardKey, line(guard.version, guard.at, token, millis(settled), millis(asOf), millis(now)), guardMs, key)
  if full then return 'full' end
  redis.call('SET', key, value, 'PX', ttl)
  return 'filled'
end

return each(2, function(i)
  local first = 6 * i - 3
  return fill(KEYS[2 * i - 1], KEYS[2 * i], ARGV[first], tonumber(ARGV[first + 1]),
    ARGV[first + 2], ARGV[first + 3], ARGV[first + 4], ARGV[first + 5])
end)
