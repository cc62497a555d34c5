-- An application wrote these items itself, or may have.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, settleMs
-- returns per item 'voided'

local outcomes = {}
for i = 1, #KEYS / 2 do
  local key, guardKey = KEYS[2 * i - 1], KEYS[2 * i]
  local guard = load(guardKey) or {}
  guard.generation, guard.settled = token, now + tonumber(ARGV[2])
  guard.asOf, guard.till = now, now
  save(guardKey, guard, ARGV[1], key)
  redis.call('DEL', key)
  outcomes[i] = 'voided'
end
return outcomes
