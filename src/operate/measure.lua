-- How long a text is and how long it lives on, and the text itself where it is a guard's: nothing is changed.
local size = redis.pcall('STRLEN', KEYS[1])
local isText = type(size) == 'number'
local isGuard = isText and string.sub(KEYS[1], -6) == ':guard' and size < 1000
return { { isText and size or -1, redis.call('PTTL', KEYS[1]), isGuard and redis.call('GET', KEYS[1]) or '' } }
