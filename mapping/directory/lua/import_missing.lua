-- Counts people whose CMS entity a picture lacks. Only the second picture in a row is believed.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3… pairs: index value of the entity (kind letter and CMS id), id of the record
-- Returns a flat list {id, what}: 'forgotten' (nobody wished anything of it) | 'gone' (the link is dropped)
local p, pic = KEYS[1], tonumber(ARGV[2])
local out = {}

-- Drops what two pictures lack. Somebody who is wished for is not invited again by itself.
local function gone(id, managed, state, active)
  out[#out+1] = id
  if not d_managed(p, id, managed) then
    d_forget(p, id)
    out[#out+1] = 'forgotten'
    return
  end
  d_link(p, id, {'', '', '', '', '', '', '', ''}, '')
  if state == 'live' and active == '1' and (q_state(p, 'user/'..id)) == 'idle' then
    call('HSET', p..':u:'..id, 'status', 'failed', 'code', 'invitation_gone', 'text',
      'the invitation or collaborator is gone from the CMS; it is made again when the identity provider writes this user')
  end
  out[#out+1] = 'gone'
end

for i = 3, #ARGV, 2 do
  local entity, id = ARGV[i], ARGV[i+1]
  local u = p..':u:'..id
  local o = call('HMGET', u, 'ckind', 'cid', 'okind', 'ocid', 'misspic', 'managed', 'state', 'active')
  if not o[2] or o[2] == '' or d_cmskey(o[1], o[2]) ~= entity then
    -- Not the record's link: the former account of a re-invitation stays known, anything else is left over.
    if not o[4] or o[4] == '' or d_cmskey(o[3], o[4]) ~= entity then d_reindex(p..':x:cms', id, entity, '') end
  elseif tonumber(o[5] or '0') < pic and not d_busy(p, u, 'user/'..id, pic) then
    -- A chunk may name a record twice: one picture counts once.
    call('HSET', u, 'misspic', d_num(pic))
    if call('HINCRBY', u, 'miss', 1) >= 2 then gone(id, o[6], o[7], o[8]) end
  end
end
return out
