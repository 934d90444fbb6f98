// Package modeltest has no code of its own: its tests compare the sync engine with a model of wishes and of the CMS, after
// random operations under random faults, on up to three replicas that share a store.
//
// A run lives in a bubble of testing/synctest, so that time is the test's. Every call of a replica to Redis or to the CMS
// waits at a gate; one gate at a time is opened, by a random order that its seed repeats, so that a seed is the same run each
// time. At a gate a replica can die, a call be lost before or after it was carried out, or be held up until its caller has
// given up.
package modeltest
