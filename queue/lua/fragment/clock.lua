-- Fragment of package queue, part 1: time, lanes, small helpers.
-- Every function takes p = KEYS[1], the project's base ("prefix{project}"): all keys are p .. ':' .. rest.
-- The fragment is put before a script's own text (queue.Script); all its names begin with q_.

-- The latest now that was stored, once the gate has read it.
local q_last

local q_lanes = {'leavers', 'interactive', 'normal', 'background'}
local q_rank = {leavers = 1, interactive = 2, normal = 3, background = 4}

-- q_num(n) -> n in decimal, exact up to 2^53 (tostring loses digits above 14).
local function q_num(n) return string.format('%.0f', n) end

-- q_set(v) -> whether a field that was read has a value ('' and absent are the same).
local function q_set(v) return v and v ~= '' end

-- q_urgent(a, b) -> the more urgent of two lanes; an empty or unknown lane loses.
local function q_urgent(a, b)
  if (q_rank[a] or 9) <= (q_rank[b] or 9) then return a end
  return b
end

-- q_time(p, arg) -> now in Unix ms, not stored, and the latest now that was. For scripts that only read.
local function q_time(p, arg)
  local now = tonumber(arg)
  if not now then
    local t = redis.call('TIME')
    now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
  end
  q_last = q_last or tonumber(redis.call('GET', p .. ':q:now') or 0)
  return math.max(now, q_last), q_last
end

-- q_now(p, arg) -> now in Unix ms: arg, or Redis's TIME when arg is ''. Never lower than any earlier answer for the
-- project, whatever a replica's or a fail-over's clock says. Call it once per script, first.
local function q_now(p, arg)
  local now, last = q_time(p, arg)
  if now > last then redis.call('SET', p .. ':q:now', q_num(now)) end
  q_last = now
  return now
end
