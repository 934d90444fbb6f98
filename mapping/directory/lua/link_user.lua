-- An operator binds a user whose invitation vanished to the collaborator who accepted it with another account.
-- KEYS: 1 base of the project, 2 the user
-- ARGV: 1 now, 2 id, 3-10 link (kind, id, address, address folded, role, active, expired, name)
-- Returns {'ok'} | {'gone'} | {'busy'} | {'linked'} | {'taken', id of the record that has the entity}
local p, u, id = KEYS[1], KEYS[2], ARGV[2]
local key = 'user/'..id
local o = call('HMGET', u, 'state', 'managed', 'cid', 'ckind', 'addr', 'active')
if not o[1] or o[1] == 'rejected' or not d_managed(p, id, o[2]) then return {'gone'} end
if (q_state(p, key)) == 'leased' or q_record(p, key)[5] ~= '' then return {'busy'} end
if o[3] and o[3] ~= '' and d_cmskey(o[4], o[3]) ~= d_cmskey(ARGV[3], ARGV[4]) then return {'linked'} end
local l = {}
for i = 3, 10 do l[#l+1] = ARGV[i] end
local now = q_now(p, ARGV[1])
local clash = d_link(p, id, l, '')
if clash then return {'taken', clash} end
-- What the collaborator has was not agreed on; that they can get in, and under another address, is.
call('HSET', u, 'aknown', '1', 'akind', 'collaborator', 'aaddr', o[5] or '', 'arole', '', 'aactive', '1', 'awrites', '0',
  'stamp', call('GET', p..':pic') or '0', 'status', 'synced', 'code', '', 'text', '')
call('ZREM', p..':unbound', id)
local off = o[1] == 'deleted' or o[6] ~= '1'
q_push(p, key, off and 'leavers' or 'interactive', now, '1')
d_audit(p, now, 'user.link', id)
return {'ok'}
