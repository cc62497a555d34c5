-- A reader read a result: stores it, unless one that was read under the same generations is stored.
-- KEYS    per result: its key
-- ARGV    per result: value, whose first line names the generations; ttlMs
-- returns per result 'stored' or 'occupied'

local function firstLine(text)
  return string.match(text, '^[^\n]*')
end

local outcomes = {}
for i = 1, #KEYS do
  local value, stored = ARGV[2 * i - 1], redis.pcall('GET', KEYS[i])
  if type(stored) == 'string' and firstLine(stored) == firstLine(value) then
    outcomes[i] = 'occupied'
  else
    redis.call('SET', KEYS[i], value, 'PX', ARGV[2 * i])
    outcomes[i] = 'stored'
  end
end
return outcomes
