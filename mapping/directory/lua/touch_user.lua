-- A write of the identity provider that changes no attribute: the user becomes managed and is queued, the wish stays.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3 lease token ('' = none), 4 lease ms, 5 lane, 6 queue it (1) or only mark it managed (0)
-- Returns {'ok', user, lease record or false} | {'gone'}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local state = call('HGET', u, 'state')
if not d_visible(state) then return {'gone'} end
local now = q_now(p, ARGV[1])
call('HSET', u, 'managed', '1')
d_access(p, id)
local rec = false
if ARGV[6] == '1' then
  if state == 'rejected' then
    call('HSET', u, 'state', 'live')
    call('ZADD', p..':l:u', call('HGET', u, 'seq'), id)
  end
  call('HINCRBY', u, 'writes', 1)
  call('HDEL', u, 'kept')
  q_push(p, 'user/'..id, ARGV[5], now, '1')
  if ARGV[3] ~= '' and q_lease(p, 'user/'..id, ARGV[3], now, tonumber(ARGV[4])) then rec = q_record(p, 'user/'..id) end
end
return {'ok', d_user(p, id), rec}
