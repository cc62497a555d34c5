-- Takes a step for each item, of so many keys each. What goes wrong with one is its own reply and leaves the others
-- alone; what the server refuses to all, such as READONLY or NOREPLICAS, ends the script, so that clients know it for
-- what it is.
local function each(keysEach, step)
  local replies = {}
  for i = 1, #KEYS / keysEach do
    local isDone, reply = true, notHere(keysEach * (i - 1) + 1, keysEach * i)
    if not reply then isDone, reply = pcall(step, i) end
    if not isDone then
      local text = type(reply) == 'table' and reply.err or reply
      if string.find(text, '%u%u%u%u') then error(text, 0) end
      reply = { err = text }
    end
    replies[i] = reply
  end
  return replies
end
