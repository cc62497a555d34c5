-- All keys of a call are declared, and the server has looked at them before it runs the script: of one slot, and here.
local function notHere()
  return nil
end
