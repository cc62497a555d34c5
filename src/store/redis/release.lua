-- Readers that hold leases will store nothing: nobody need wait for them.
-- KEYS    per item: value key, guard key
-- ARGV    guardMs, leaseMs; then per item: generation, begunAt, '0' when nobody need wait until something changes, else ''
-- returns per item 'released'

return each(2, function(i)
  local guardKey, first = KEYS[2 * i], 3 * i
  local guard = load(guardKey, KEYS[2 * i - 1])
  if guard and guard.generation == ARGV[first] and guard.leased == millis(ARGV[first + 1] + ARGV[2]) then
    local leased = ARGV[first + 2] == '0' and '0' or nil
    redis.call('SET', guardKey, line(guard.version, guard.at, guard.generation, guard.settled, guard.asOf, guard.till, leased), 'PX', ARGV[1])
  end
  return 'released'
end)
