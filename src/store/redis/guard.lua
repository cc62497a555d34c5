-- The guard as stored: one line of text "version at generation settled asOf until", "-" for what is absent, and behind it
-- " leased" while a lease is held, or " 0" while none is to be.
-- One SET then writes a whole guard with its time to live, so no guard is ever half written or without an end.
-- What is loaded stays text, since most of it is only written back: tonumber() where a time is compared.

local ABSENT = '-'
local full = false -- the server refused memory to this script

local function millis(number)
  return string.format('%.0f', number) -- tostring() would round and use exponents
end

local function line(version, at, generation, settled, asOf, till, leased)
  return version .. ' ' .. at .. ' ' .. generation .. ' ' .. settled .. ' ' .. asOf .. ' ' .. till .. (leased and ' ' .. leased or '')
end

-- In milliseconds, and not so far ahead that no clock or settleMs explains it.
local function isTime(text)
  return string.find(text, '^%-?%d+$') and tonumber(text) < now + 3600000
end

local function parse(text)
  local version, at, generation, settled, asOf, till, leased =
    string.match(text, '^([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ?(%d*)$')
  if not generation or not isTime(settled) then return nil end
  if version .. at ~= '--' and not (string.find(version, '^%d') and isTime(at)) then return nil end
  if asOf .. till ~= '--' and not (isTime(asOf) and isTime(till)) then return nil end
  if leased == '' then leased = nil elseif not isTime(leased) then return nil end
  return { version = version, at = at, generation = generation, settled = settled, asOf = asOf, till = till, leased = leased }
end

-- A guard that cannot be read, or somebody else's key in its place, may have held anything: the value goes, and the guard
-- becomes that of a local write, behind which no earlier change is written. It settles for as long as any may take to.
local function load(key, valueKey)
  local text = redis.pcall('GET', key)
  if not text then return nil end
  local guard = type(text) == 'string' and parse(text)
  if guard then return guard end
  redis.call('DEL', valueKey)
  local known, settled = millis(now), millis(now + 300000)
  redis.call('SET', key, line(ABSENT, ABSENT, token, settled, known, known), 'PX', 300000)
  return { version = ABSENT, at = ABSENT, generation = token, settled = settled, asOf = known, till = known }
end

local function isFull(text)
  return string.find(text, 'OOM', 1, true)
end

-- Stores a guard before its value is touched. When the server is out of memory it refuses only a script's first
-- write (DEL is always taken), so the value is deleted first, and from then on this script stores guards alone.
local function save(key, text, guardMs, valueKey)
  local reply = redis.pcall('SET', key, text, 'PX', guardMs)
  if not reply.err then return end
  if not isFull(reply.err) then error(reply.err, 0) end
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
