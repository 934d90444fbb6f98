-- Writes what a sync learnt or did about one group, for the holder of its lease, and may end the sync.
-- KEYS: 1 base of the project, 2 the group
-- ARGV: 1 now, 2 id, 3 lease token, 4 intent: '' keep | clear | doubt (its look stays), 5 take the creation back (1/0),
--       6-12 ticket, verdict ('' = the sync goes on), ms until the next attempt, lane, code, text, limit (q_finish),
--       13 role given (1/0), 14 role id ('' = none), 15 its name, 16 made by the proxy (1/0), 17 tell every member (1/0),
--       18 role to drop: keep | an id | '' = none any more
-- Returns {'ok', outcome of the queue or ''} | {'lost'} | {'taken', id of the group that has the role}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local key = 'group/'..id
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return {'lost'} end
if ARGV[13] == '1' then
  local o = call('HGET', g, 'roleid')
  local has = ARGV[14] ~= '' and ARGV[16] == '1' and call('HGET', p..':x:role', ARGV[14])
  if has and has ~= id then
    local f = call('HMGET', p..':g:'..has, 'managed', 'state')
    if f[1] == '1' and f[2] ~= 'deleted' then return {'taken', has} end
    if f[1] ~= '1' then
      local n = call('HGET', p..':g:'..has, 'namef')
      d_reindex(p..':x:gname', has, n, '')
      call('ZREM', p..':l:g', has)
      call('DEL', p..':g:'..has)
    else call('HDEL', p..':g:'..has, 'roleid', 'owned') end
  end
  if o and o ~= '' and o ~= ARGV[14] then d_reindex(p..':x:role', id, o, '') end
  if ARGV[14] ~= '' and (ARGV[16] == '1' or o == ARGV[14]) then call('HSET', p..':x:role', ARGV[14], id) end
  call('HSET', g, 'roleid', ARGV[14], 'rolename', ARGV[15], 'owned', ARGV[16], 'miss', '0')
end
if ARGV[4] ~= '' then q_intent(p, key, '', ARGV[4] == 'clear' and '0' or '') end
if ARGV[17] == '1' and call('EXISTS', p..':gm:'..id) == 1 then
  call('HSET', g, 'fanscan', '0')
  call('SADD', p..':fans', id)
end
if ARGV[18] ~= 'keep' then call('HSET', g, 'drop', ARGV[18]) end
call('HSET', g, 'stamp', call('GET', p..':pic') or '0')
if ARGV[7] == '' then return {'ok', ''} end
local code, text = ARGV[10], ARGV[11]
if ARGV[5] == '1' then
  call('HSET', g, 'state', 'rejected', 'status', 'failed', 'code', code, 'text', text)
  call('ZREM', p..':l:g', id)
elseif ARGV[7] == 'done' then
  call('HSET', g, 'status', 'synced', 'code', code, 'text', text, 'lsync', d_num(now))
  local f = call('HMGET', g, 'state', 'roleid', 'namef')
  if f[1] == 'deleted' and (not f[2] or f[2] == '') then d_reindex(p..':x:gname', id, f[3], '') end
elseif ARGV[7] == 'park' then call('HSET', g, 'status', 'failed', 'code', code, 'text', text) end
return {'ok', q_finish(p, key, ARGV[3], now, tonumber(ARGV[6]), ARGV[7], now + tonumber(ARGV[8]), ARGV[9], code, text, ARGV[12])}
