-- Takes a step for each of some items. What goes wrong with one is its own reply and leaves the others alone; what the
-- server refuses to all, such as READONLY or NOREPLICAS, ends the script, so that clients know it for what it is.
local function each(count, step)
  local replies = {}
  for i = 1, count do
    local isDone, reply = pcall(step, i)
    if not isDone then
      local text = type(reply) == 'table' and reply.err or reply
      if string.find(text, '%u%u%u%u') then error(text, 0) end
      reply = { err = text }
    end
    replies[i] = reply
  end
  return replies
end
