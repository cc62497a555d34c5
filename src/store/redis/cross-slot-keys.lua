#!lua flags=allow-cross-slot-keys
-- Keys of many slots of one cluster node. Only the first is declared, for the way there. All come behind the arguments,
-- and last of all how many they are.
local KEYS = {}
local count = tonumber(ARGV[#ARGV])
for i = 1, count do
  KEYS[i] = ARGV[#ARGV - 1 - count + i]
end

-- What the server does by itself for declared keys: none of an item's may be elsewhere, on another node, on the move to
-- one, or out of the user's reach. Else its step would end halfway, with a guard that knows of a value that never came.
local function notHere(first, last)
  local reply = redis.pcall('EXISTS', unpack(KEYS, first, last))
  return type(reply) == 'table' and { err = 'NOTHERE ' .. reply.err } or nil
end
