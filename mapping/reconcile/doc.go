// Package reconcile makes the CMS agree with what the identity provider wishes. It is the only place where the record
// (mapping/directory), the decisions (mapping), the queue and the CMS client meet.
//
// A write of the identity provider is committed first, with its queue entry; then the key is synced at once, within
// sync.wait, on a context of its own: a client that goes away cancels nothing. Workers sync what was not finished. A sync
// looks at the record only, plans the fewest calls by comparing wished, last applied and observed, and before each CMS
// write notes an intent under its lease. An outcome that is not known is settled by reading the CMS, before anything is
// written again and before the key is called agreed. No call is begun that could outlive its lease.
//
// It never changes people or roles that the identity provider did not touch, nor protected accounts.
package reconcile
