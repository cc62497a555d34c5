-- The guard as stored: one line of text "version at generation settled asOf until", "-" for what is absent.
-- One SET then writes a whole guard with its time to live, so no guard is ever half written or without an end.

local full = false -- the server refused memory to this script

local function millis(number)
  return string.format('%.0f', number) -- tostring() would round and use exponents
end

local function load(key)
  local text = redis.pcall('GET', key)
  if type(text) ~= 'string' then return nil end -- absent, or somebody else's key of another type: SET replaces it
  local version, at, generation, settled, asOf, till = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  if not generation then return nil end
  return {
    version = version ~= '-' and version or nil,
    at = tonumber(at),
    generation = generation,
    settled = tonumber(settled),
    asOf = tonumber(asOf),
    till = tonumber(till),
  }
end

local function text(guard)
  return table.concat({
    guard.version or '-',
    guard.at and millis(guard.at) or '-',
    guard.generation,
    millis(guard.settled),
    guard.asOf and millis(guard.asOf) or '-',
    guard.till and millis(guard.till) or '-',
  }, ' ')
end

-- Stores a guard before its value is touched. When the server is out of memory it refuses only a script's first
-- write (DEL is always taken), so the value is deleted first, and from then on this script stores guards alone.
local function save(key, guard, guardMs, valueKey)
  local reply = redis.pcall('SET', key, text(guard), 'PX', guardMs)
  if not reply.err then return end
  if not string.find(reply.err, 'OOM', 1, true) then error(reply.err, 0) end
  full = true
  redis.call('DEL', valueKey)
  redis.call('SET', key, text(guard), 'PX', guardMs)
end

-- How long an entry may live, in milliseconds: its own time to live, but not beyond its item's.
local function timeToLive(ttlMs, expiresAt)
  if expiresAt == '' then return tonumber(ttlMs) end
  return math.min(tonumber(ttlMs), tonumber(expiresAt) - now)
end
