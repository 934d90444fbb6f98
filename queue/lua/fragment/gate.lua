-- Fragment, part 2: nothing of a project is written while it is backed up, and nothing is read or written while a restore
-- has half of it. Every script of the project begins with this.
do
  local r = redis.call('MGET', KEYS[1] .. ':q:gate', KEYS[1] .. ':q:now')
  if r[1] then error('the project is closed: ' .. r[1]) end
  q_last = tonumber(r[2] or 0)
end
