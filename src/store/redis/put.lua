-- A reader read a result: stores it, unless one that was read under the same generations is stored.
-- KEYS    per result: its key
-- ARGV    per result: value, whose first line names the generations; ttlMs
-- returns per result 'stored' or 'occupied'

local function firstLine(text)
  return string.match(text, '^[^\n]*')
end

return each(1, function(i)
  local value, stored = ARGV[2 * i - 1], redis.pcall('GET', KEYS[i])
  if type(stored) == 'string' and firstLine(stored) == firstLine(value) then
    return 'occupied'
  end
  redis.call('SET', KEYS[i], value, 'PX', ARGV[2 * i])
  return 'stored'
end)
