-- The gate for scripts that only read: a backup does not stop them.
do
  local r = redis.call('MGET', KEYS[1] .. ':q:gate', KEYS[1] .. ':q:now')
  if r[1] and string.sub(r[1], 1, 7) == 'restore' then error('the project is closed: ' .. r[1]) end
  q_last = tonumber(r[2] or 0)
end
