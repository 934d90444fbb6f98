// Package mapping decides what the CMS should have for a person: which address and which role, and which calls make the
// CMS agree. It owns the rules of a project (Rules), the fold that makes natural keys comparable (Fold), the ids of SCIM
// resources (ID) and the sync table wished × observed → steps (Make).
//
// It promises:
//
//   - The same input always gives the same answer. There is no I/O, no clock, no chance and no state in here.
//   - Carrying out a plan and planning again gives an empty plan.
//   - Nobody whose wish is inactive or deleted gains access by a plan, and deprovisioning waits for nothing.
//   - What somebody changed in the CMS by hand is reported as drift, never overwritten in passing.
//   - A role that cannot be resolved never makes a person fall through to another one.
//   - A privileged role is given by a rule, or not at all (unless the project allows it).
//
// It never calls the CMS, never touches Redis and never logs. Its neighbors: mapping/directory keeps the record whose
// contents are judged here, mapping/reconcile reads both sides, calls Make and carries out the steps.
package mapping
