-- How long a text is and how long it lives on, and the text itself where it is a guard's: nothing is changed.
local size = redis.pcall('STRLEN', KEYS[1])
local isText = type(size) == 'number'
local isGuard = string.sub(KEYS[1], -6) == ':guard'
-- A guard has some hundred bytes: what is longer is none that can be read.
local guard = isGuard and isText and size < 1000 and redis.call('GET', KEYS[1]) or ''
return { { isText and size or -1, redis.call('PTTL', KEYS[1]), guard, isGuard and 1 or 0 } }
