-- The moment of this script: `now` in milliseconds and `token`, unique, both by the cache server's own clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = time[1] .. string.format('%06d', time[2])
