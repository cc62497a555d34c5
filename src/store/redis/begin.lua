-- A reader missed: what it needs in order to fill, or the value after all.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs
-- returns per item {'value', value}, {'lease', generation, now, '1' when the read must be strong} or {'full'}

local function begin(key, guardKey)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return { 'value', value } end
  if value then redis.call('DEL', key) end -- somebody else's key of another type
  local guard = load(guardKey, key)
  if guard then
    redis.call('PEXPIRE', guardKey, ARGV[1])
    return { 'lease', guard.generation, millis(now), now < tonumber(guard.settled) and '1' or '0' }
  end
  local reply = redis.pcall('SET', guardKey, line(ABSENT, ABSENT, token, '0', ABSENT, ABSENT), 'PX', ARGV[1])
  if reply.err then return isFull(reply.err) and { 'full' } or error(reply.err, 0) end
  return { 'lease', token, millis(now), '0' }
end

return each(#KEYS / 2, function(i)
  return begin(KEYS[2 * i - 1], KEYS[2 * i])
end)
