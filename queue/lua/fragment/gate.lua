-- Fragment, part 0: nothing of a project is written while it is backed up, and nothing is read or written while a restore
-- has half of it. Every script of the project begins with this.
do
  local gate = redis.call('GET', KEYS[1] .. ':q:gate')
  if gate then error('the project is closed: ' .. gate) end
end
