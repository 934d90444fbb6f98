-- Publishes the CMS's roles for everybody to read.
-- KEYS: 1 base of the project
-- ARGV: 1 the roles as JSON, 2 the version that they were read after
-- Returns {1}, or {0} when they were published anew since: what was read may be older.
local p = KEYS[1]
if (call('HGET', p..':meta', 'rolesv') or '0') ~= ARGV[2] then return {0} end
call('SET', p..':roles', ARGV[1])
call('HINCRBY', p..':meta', 'rolesv', 1)
return {1}
