-- Stores which role of the CMS each name of the rules stands for, so that a rename in the CMS changes nothing. Names that
-- the rules no longer have are forgotten.
-- KEYS: 1 base of the project
-- ARGV: 1 fingerprint of the rules, 2 version of the roles that the names were looked up in, 3 n, then n names of the rules,
--       then pairs: name, CMS id
-- Returns {1, version now} | {0} when the roles or the rules are other ones by now
local p = KEYS[1]
local names, stored = {}, p..':rr'
if (call('HGET', p..':meta', 'rolesv') or '0') ~= ARGV[2] then return {0} end
if (call('HGET', p..':rules', 'hash') or ARGV[1]) ~= ARGV[1] then return {0} end
local n = tonumber(ARGV[3])
for i = 4, 3 + n do names[ARGV[i]] = true end
for _, name in ipairs(call('HKEYS', stored)) do
  if not names[name] then call('HDEL', stored, name) end
end
for i = 4 + n, #ARGV, 2 do call('HSET', stored, ARGV[i], ARGV[i+1]) end
return {1, call('HINCRBY', p..':meta', 'rolesv', 1)}
