-- Fragment: what a sync needs to know of one user, for the holder of its lease. rec is the record of the user's queue key
-- (q_record), just read. Writes nothing.
-- Returns {'ok', user or false, queue record, version of the roles, now, fingerprint of the rules, 1 if a leaver whose account it
-- was may still have a call about it under way}
local function d_work(p, id, rec, now)
  local key, busy = 'user/'..id, false
  if q_set(rec[4]) or q_set(rec[5]) then -- whoever takes over from a holder at work has to look
    local f = call('HMGET', p..':u:'..id, 'addrf', 'caddrf', 'cid', 'oaddrf', 'ocid')
    busy = q_yields(p, key, now, {'mail:'..(f[1] or ''), 'mail:'..(f[2] or ''), 'id:'..(f[3] or ''), 'mail:'..(f[4] or ''), 'id:'..(f[5] or '')})
  end
  return {'ok', d_user(p, id, rec), rec, call('HGET', p..':meta', 'rolesv') or '0', d_num(now),
    call('HGET', p..':rules', 'hash') or '', busy and '1' or '0'}
end

-- What the queue hands out with the key of a user (queue.ReadWithTake).
local function q_with(p, key, rec, now)
  return string.sub(key, 1, 5) == 'user/' and d_work(p, string.sub(key, 6), rec, now)
end
