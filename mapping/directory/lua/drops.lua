-- Fragment: the roles that the proxy made for a group and that go when nobody holds them any more: one in the field
-- `drop`, others that wait for it in `drops`, joined by newlines. Until then they stay indexed as the group's, so that an
-- import does not list them.

local function d_dropping(p, id, role)
  local o = call('HMGET', p..':g:'..id, 'drop', 'drops')
  return o[1] == role or string.find('\n'..(o[2] or '')..'\n', '\n'..role..'\n', 1, true) ~= nil
end

local function d_drop(p, id, role)
  if d_dropping(p, id, role) then return end
  local g = p..':g:'..id
  local o = call('HMGET', g, 'drop', 'drops')
  if not o[1] or o[1] == '' then call('HSET', g, 'drop', role)
  else call('HSET', g, 'drops', o[2] and o[2] ~= '' and o[2]..'\n'..role or role) end
end

-- Takes a role out: it is gone, or is the group's own after all. Returns the one to drop next ('' = none).
local function d_undrop(p, id, role)
  local g = p..':g:'..id
  local o = call('HMGET', g, 'drop', 'drops')
  local left = {}
  for r in string.gmatch((o[1] or '')..'\n'..(o[2] or ''), '[^\n]+') do
    if r ~= role then left[#left+1] = r end
  end
  local first = left[1] or ''
  call('HSET', g, 'drop', first, 'drops', table.concat(left, '\n', 2))
  return first
end
