// Package redisconn opens Redis by URL, as one server, behind Sentinels or as a Cluster, and sees to it that no script
// runs twice behind its caller's back.
//
// It promises, for each of the three:
//   - a command whose connection breaks is not sent again: it may have run, and a commit that runs twice meets its own
//     record. Only what Redis itself has refused to run (MOVED, READONLY, LOADING, CLUSTERDOWN, TRYAGAIN) is tried again.
//   - a slot of a Cluster that is being moved is left alone (ASK is not followed): scripts build keys that they do not
//     declare, and on the other node they would find an empty project.
//   - a command marked with Acknowledged returns without an error only when a replica has it too, if the client was told
//     to wait (WaitForReplica).
//   - a Redis that is away is told within two seconds.
//
// It knows no keys and no scripts.
package redisconn
