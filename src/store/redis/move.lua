-- Something under these tags changed: results stored under them are no longer served.
-- KEYS    per tag: its guard key
-- ARGV    guardMs, settleMs
-- returns per tag 'moved'

local guard = line(ABSENT, ABSENT, token, millis(now + tonumber(ARGV[2])), ABSENT, ABSENT)
return each(1, function(i)
  save(KEYS[i], guard, ARGV[1], KEYS[i])
  return 'moved'
end)
