-- Something under these tags changed: results stored under them are no longer served.
-- KEYS    per tag: its guard key
-- ARGV    guardMs, settleMs
-- returns per tag 'moved'

local guard = line(ABSENT, ABSENT, token, millis(now + tonumber(ARGV[2])), ABSENT, ABSENT)
local outcomes = {}
for i = 1, #KEYS do
  save(KEYS[i], guard, ARGV[1], KEYS[i])
  outcomes[i] = 'moved'
end
return outcomes
