-- Counts people whose CMS entity a picture lacks. Only the second picture in a row is believed.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3… pairs: index value of the entity (kind letter and CMS id), id of the record
-- Returns a flat list {id, what}: 'forgotten' (nobody wished anything of it) | 'gone' (the link is dropped) | 'former' (a
-- former account is no more)
local p, pic, now = KEYS[1], tonumber(ARGV[2]), q_now(KEYS[1], ARGV[1])
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

-- Counts an entity as missing from the picture. A chunk may name a record twice: one picture counts once.
local function missed(u, id, miss, misspic)
  if tonumber(call('HGET', u, misspic) or '0') >= pic or d_busy(p, u, 'user/'..id, pic) then return false end
  call('HSET', u, misspic, d_num(pic))
  return call('HINCRBY', u, miss, 1) >= 2
end

for i = 3, #ARGV, 2 do
  local entity, id = ARGV[i], ARGV[i+1]
  local u = p..':u:'..id
  local o = call('HMGET', u, 'ckind', 'cid', 'okind', 'ocid', 'managed', 'state', 'active', 'caddrf', 'oaddrf')
  if o[2] and o[2] ~= '' and d_cmskey(o[1], o[2]) == entity then
    if missed(u, id, 'miss', 'misspic') then
      gone(id, o[5], o[6], o[7])
      d_wake(p, id, {o[1], o[2], o[8]}, now)
    end
  elseif not o[4] or o[4] == '' or d_cmskey(o[3], o[4]) ~= entity then
    d_reindex(p..':x:cms', id, entity, '') -- left over
  elseif o[3] == 'collaborator' and missed(u, id, 'omiss', 'omisspic') then -- an invitation may have been accepted
    d_old(p, id, {'', '', '', '', '', ''})
    d_wake(p, id, {o[3], o[4], o[9]}, now)
    out[#out+1] = id
    out[#out+1] = 'former'
  end
end
return out
