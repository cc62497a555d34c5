-- What is under a key and its guard, and when by the server's clock: nothing is changed.
local time = redis.call('TIME')
return { {
  redis.pcall('GET', KEYS[1]),
  redis.call('PTTL', KEYS[1]),
  redis.pcall('GET', KEYS[2]),
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
} }
