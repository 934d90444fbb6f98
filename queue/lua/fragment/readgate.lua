-- The gate for scripts that only read: a backup does not stop them.
do
  local gate = redis.call('GET', KEYS[1] .. ':q:gate')
  if gate and string.sub(gate, 1, 7) == 'restore' then error('the project is closed: ' .. gate) end
end
