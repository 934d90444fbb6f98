// Package directory is the record of what the identity provider wishes and of what the CMS was last seen to have: users,
// groups, membership, links, indexes and the audit log, in Redis.
//
// It promises: a write is one Lua script that checks everything before its first write and carries the queue entry with
// it, so that an accepted wish is always queued; one value of a unique index belongs to one record; one CMS entity is
// linked to at most one record; a result of a sync is written only under a lease that is still held. Documents are opaque
// bytes. A commit touches at most 1,000 members; longer lists are staged and swapped in, and a cursor on the group queues
// the members in batches.
//
// It knows the queue's Lua fragment, SCIM only as opaque documents with indexed values, and no CMS calls. Every key is
// in keys.go, every script in lua/.
package directory
