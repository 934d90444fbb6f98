-- Looks for ids that are no users before a long list is written in several commits.
-- KEYS: 1 base of the project
-- ARGV: 1… ids (at most 4,000)
-- Returns the ids that are no users.
local unknown = {}
for i = 1, #ARGV do
  if not d_visible(d_state(KEYS[1], 'u', ARGV[i])) then unknown[#unknown+1] = ARGV[i] end
end
return unknown
