// Package conformance proves the SCIM side with tools that others wrote: newman runs a collection after Microsoft's SCIM validator,
// SCIMMY reads and repeats what the service does. Both talk to the demo. There is nothing in it but a tagged test; run it by
// make conformance, which installs the tools.
package conformance
