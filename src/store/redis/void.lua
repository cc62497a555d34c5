-- An application wrote these items itself, or may have; or it is about to, and then holds the lease to fill them.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, settleMs, leaseMs (0: it holds none)
-- returns per item {generation, now}

local settled, known, leaseMs = millis(now + tonumber(ARGV[2])), millis(now), tonumber(ARGV[3])
local leased = leaseMs > 0 and millis(now + leaseMs) or nil
return each(2, function(i)
  local key, guardKey = KEYS[2 * i - 1], KEYS[2 * i]
  local guard = load(guardKey, key) or { version = ABSENT, at = ABSENT }
  save(guardKey, line(guard.version, guard.at, token, settled, known, known, leased), ARGV[1], key)
  redis.call('DEL', key)
  return { token, known }
end)
