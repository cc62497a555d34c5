-- The guard as stored: one line of text "version at generation settled asOf until", "-" for what is absent.
-- One SET then writes a whole guard with its time to live, so no guard is ever half written or without an end.
-- What is loaded stays text, since most of it is only written back: tonumber() where a time is compared.

local ABSENT = '-'
local full = false -- the server refused memory to this script

local function millis(number)
  return string.format('%.0f', number) -- tostring() would round and use exponents
end

local function load(key)
  local text = redis.pcall('GET', key)
  if type(text) ~= 'string' then return nil end -- absent, or somebody else's key of another type: SET replaces it
  local version, at, generation, settled, asOf, till = string.match(text, '^([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)$')
  if not generation then return nil end
  return { version = version, at = at, generation = generation, settled = settled, asOf = asOf, till = till }
end

local function line(version, at, generation, settled, asOf, till)
  return version .. ' ' .. at .. ' ' .. generation .. ' ' .. settled .. ' ' .. asOf .. ' ' .. till
end

-- Stores a guard before its value is touched. When the server is out of memory it refuses only a script's first
-- write (DEL is always taken), so the value is deleted first, and from then on this script stores guards alone.
local function save(key, text, guardMs, valueKey)
  local reply = redis.pcall('SET', key, text, 'PX', guardMs)
  if not reply.err then return end
  if not string.find(reply.err, 'OOM', 1, true) then error(reply.err, 0) end
  full = true
  redis.call('DEL', valueKey)
  redis.call('SET', key, text, 'PX', guardMs)
end

-- How long an entry may live, in milliseconds: its own time to live, but not beyond its item's; nil when that is over.
local function timeToLive(ttlMs, expiresAt)
  if expiresAt == '' then return ttlMs end
  local left = math.min(tonumber(ttlMs), tonumber(expiresAt) - now)
  return left > 0 and millis(left) or nil
end
