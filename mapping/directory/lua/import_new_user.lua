-- Writes an unmanaged person found in the CMS: a new record, or a new look of one that is still unmanaged. The script
-- that creates is the one that looks whether somebody has the entity or the address by now.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 number of the picture, 3 id, 4 natural key, 5 its use count, 6 doc, 7 userName, 8 userName folded,
--       9 displayName folded, 10 e-mails folded, 11 active, 12-19 link as in import_users.lua
-- Returns 'ok' | 'kept' (somebody has it, or a sync was there after the picture) | 'count:n'
local p, u, id = KEYS[1], KEYS[2], ARGV[3]
local l = {}
for i = 12, 19 do l[#l+1] = ARGV[i] end
local o = call('HMGET', u, 'state', 'managed', 'seq', 'unf', 'addrf', 'dnf', 'mailsf')
local entity = call('HGET', p..':x:cms', d_cmskey(l[1], l[2]))
local address = l[4] ~= '' and call('HGET', p..':x:addr', l[4])
local gone = call('ZSCORE', p..':gone', d_cmskey(l[1], l[2]))
if gone and tonumber(gone) >= tonumber(ARGV[2]) then return 'kept' end
if (entity and entity ~= id) or (address and address ~= id) then return 'kept' end
if o[1] and entity ~= id then return address and 'kept' or 'count:'..d_num(tonumber(ARGV[5]) + 1) end
if o[1] and (d_managed(p, id, o[2]) or d_busy(p, u, 'user/'..id, tonumber(ARGV[2]))) then return 'kept' end
local uses = tonumber(call('HGET', p..':x:count', ARGV[4]) or '0')
if not o[1] and uses > tonumber(ARGV[5]) then return 'count:'..d_num(uses) end
local named = call('HGET', p..':x:un', ARGV[8])
if named and named ~= id then return 'kept' end

local now = q_now(p, ARGV[1])
local seq = o[3] or d_num(call('INCR', p..':seq'))
if not o[1] then
  call('HSET', u, 'created', d_num(now), 'seq', seq, 'gen', '0', 'writes', '0', 'key', ARGV[4], 'adopted', '1', 'status', 'synced')
  call('ZADD', p..':l:u', seq, id)
  if ARGV[5] ~= '0' then
    call('HSET', p..':x:count', ARGV[4], ARGV[5])
    call('HSET', u, 'uses', ARGV[5])
  end
end
d_reindex(p..':x:un', id, o[4], ARGV[8])
d_redisplay(p, id, seq, o[6], ARGV[9])
d_remail(p, id, seq, o[7], ARGV[10])
call('HSET', u, 'state', 'live', 'managed', '0', 'doc', ARGV[6], 'un', ARGV[7], 'unf', ARGV[8], 'ext', '', 'addr', l[3],
  'addrf', l[4], 'dnf', ARGV[9], 'mailsf', ARGV[10], 'active', ARGV[11], 'modified', d_num(now), 'lsync', d_num(now))
call('HINCRBY', u, 'gen', 1)
if o[5] ~= l[4] then d_place(p, id, o[5]) end
d_place(p, id, l[4])
d_link(p, id, l, '')
return 'ok'
