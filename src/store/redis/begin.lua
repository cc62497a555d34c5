-- A reader missed: what it needs in order to fill, or the value after all.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, leaseMs (0: nobody waits)
-- returns per item {'value', value}, {'lease', generation, now, '1' when the read must be strong, and when another reader
--         holds the lease for how many ms} or {'full'}

local guardMs, leaseMs = ARGV[1], tonumber(ARGV[2])
local leased = leaseMs > 0 and millis(now + leaseMs) or nil

local function begin(key, guardKey)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return { 'value', value } end
  if value then redis.call('DEL', key) end -- somebody else's key of another type
  local guard = load(guardKey, key)
  if not guard then
    local reply = redis.pcall('SET', guardKey, line(ABSENT, ABSENT, token, '0', ABSENT, ABSENT, leased), 'PX', guardMs)
    if reply.err then return isFull(reply.err) and { 'full' } or error(reply.err, 0) end
    return { 'lease', token, millis(now), '0' }
  end
  local strong = now < tonumber(guard.settled) and '1' or '0'
  local takes = leased and guard.leased ~= '0'
  if takes and guard.leased and tonumber(guard.leased) > now then
    return { 'lease', guard.generation, millis(now), strong, millis(guard.leased - now) }
  end
  local reply = takes and redis.pcall('SET', guardKey,
    line(guard.version, guard.at, guard.generation, guard.settled, guard.asOf, guard.till, leased), 'PX', guardMs)
  -- A full server can note no lease, but what it has can live on.
  if not takes or reply.err then redis.call('PEXPIRE', guardKey, guardMs) end
  return { 'lease', guard.generation, millis(now), strong }
end

return each(2, function(i)
  return begin(KEYS[2 * i - 1], KEYS[2 * i])
end)
