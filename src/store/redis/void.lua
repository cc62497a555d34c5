-- An application wrote these items itself, or may have.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, settleMs
-- returns per item 'voided'

local settled, known = millis(now + tonumber(ARGV[2])), millis(now)
return each(#KEYS / 2, function(i)
  local key, guardKey = KEYS[2 * i - 1], KEYS[2 * i]
  local guard = load(guardKey, key) or { version = ABSENT, at = ABSENT }
  save(guardKey, line(guard.version, guard.at, token, settled, known, known), ARGV[1], key)
  redis.call('DEL', key)
  return 'voided'
end)
