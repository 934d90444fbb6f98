-- Writes what a sync learnt or did about one group, for the holder of its lease, and may end the sync.
-- KEYS: 1 base of the project, 2 the group
-- ARGV: 1 now, 2 id, 3 lease token, 4 intent: '' keep | clear | doubt (its look stays), 5 take the creation back if the group is at
--       this generation (0 = no),
--       6-13 ticket, verdict ('' = the sync goes on), ms until the next attempt, lane, code, text, limit, last call (q_finish),
--       14 role given (1/0), 15 role id ('' = none), 16 its name, 17 made by the proxy (1/0), 18 tell every member (1/0),
--       19 role to drop: keep | an id | '' = none any more, 20 that role stays in the CMS (1/0)
-- Returns {'ok', outcome of the queue or ''} | {'lost'} | {'taken', id of the group that has the role}
local p, g, id = KEYS[1], KEYS[2], ARGV[2]
local key, roles = 'group/'..id, p..':x:role'
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return {'lost'} end
local had = call('HMGET', g, 'roleid', 'drop')

-- Takes a role from a group that only stood for it: one found in the CMS, or deleted and not at work on the role.
-- Reports false for a group that will not give it up.
local function take(role)
  local has = call('HGET', roles, role)
  if not has or has == id then return true end
  local h = p..':g:'..has
  local f = call('HMGET', h, 'managed', 'state', 'namef')
  if f[1] ~= '1' then
    d_reindex(p..':x:gname', has, f[3], '')
    call('ZREM', p..':l:g', has)
    call('DEL', h)
    return true
  end
  if f[2] ~= 'deleted' or (q_state(p, 'group/'..has)) == 'leased' or q_record(p, 'group/'..has)[5] ~= '' then return false, has end
  d_reindex(p..':x:gname', has, f[3], '')
  call('HDEL', h, 'roleid', 'rolename', 'owned')
  d_undrop(p, has, role)
  return true
end

-- A group that was deleted meanwhile gets no role of somebody else's any more.
local given = ARGV[14] == '1' and (ARGV[15] == '' or ARGV[17] == '1' or call('HGET', g, 'state') ~= 'deleted')
if given then
  if ARGV[15] ~= '' and ARGV[17] == '1' then
    local ok, has = take(ARGV[15])
    if not ok then return {'taken', has} end
  end
  call('HSET', g, 'roleid', ARGV[15], 'rolename', ARGV[16], 'owned', ARGV[17], 'miss', '0')
  if ARGV[15] ~= '' then
    if ARGV[17] == '1' then call('HSET', roles, ARGV[15], id) end
    if ARGV[17] == '1' and call('HGET', g, 'state') == 'deleted' then
      d_drop(p, id, ARGV[15]) -- made while the group was being deleted
    else d_undrop(p, id, ARGV[15]) end -- a role that members get is not deleted
  end
end
if ARGV[19] == '' and had[2] and had[2] ~= '' then
  if ARGV[20] == '1' then call('HSET', p..':left', had[2], id) end
  if d_undrop(p, id, had[2]) ~= '' then q_push(p, key, 'interactive', now, '1') end
  if had[2] ~= call('HGET', g, 'roleid') then d_reindex(roles, id, had[2], '') end
elseif ARGV[19] ~= '' and ARGV[19] ~= 'keep' and ARGV[19] ~= call('HGET', g, 'roleid') then d_drop(p, id, ARGV[19]) end
if given and had[1] and had[1] ~= '' and had[1] ~= ARGV[15] and not d_dropping(p, id, had[1]) then
  d_reindex(roles, id, had[1], '')
end
if ARGV[4] ~= '' and q_intent(p, key, '', ARGV[4] == 'clear' and '0' or '') and ARGV[7] ~= 'retry' and ARGV[7] ~= 'wait' then q_answered(p) end
if ARGV[18] == '1' and call('EXISTS', p..':gm:'..id) == 1 then
  call('HSET', g, 'fanscan', '0')
  call('SADD', p..':fans', id)
end
call('HSET', g, 'stamp', call('GET', p..':pic') or '0')
if ARGV[7] == '' then return {'ok', ''} end
local code, text = ARGV[10], ARGV[11]
-- A creation is taken back only if that is still what is wished: a newer wish is tried on its own. Whatever else has queued
-- the key meanwhile wishes nothing.
if ARGV[5] ~= '0' and call('HGET', g, 'gen') == ARGV[5] then
  call('HSET', g, 'state', 'rejected', 'status', 'failed', 'code', code, 'text', text)
  call('ZREM', p..':l:g', id)
elseif ARGV[5] ~= '0' then code, text = '', ''
elseif ARGV[7] == 'done' and call('HGET', g, 'state') ~= 'rejected' then
  call('HSET', g, 'status', 'synced', 'code', code, 'text', text, 'lsync', d_num(now))
  local f = call('HMGET', g, 'state', 'roleid', 'namef')
  if f[1] == 'deleted' and (not f[2] or f[2] == '') then d_reindex(p..':x:gname', id, f[3], '') end
elseif ARGV[7] == 'park' then call('HSET', g, 'status', 'failed', 'code', code, 'text', text) end
return {'ok', q_finish(p, key, ARGV[3], now, tonumber(ARGV[6]), ARGV[7], now + tonumber(ARGV[8]), ARGV[9], code, text, ARGV[12], ARGV[13])}
