// Package queue is a keyed work queue on Redis: it holds keys ("user/ID"), never payloads, and gives each to one holder
// at a time until that says that the world agrees with what is wished. It knows neither SCIM nor the CMS: what a key
// means is its neighbours' business (mapping/directory writes wish and key in one script, mapping/reconcile makes a
// key agree).
//
// # Parts
//
// A key is queued in one of four lanes, leased, parked or held. Its record carries a ticket, which every queueing raises;
// whoever acted on an older ticket than the newest finds the key queued again. Leases end by Finish, by Release, or by
// running out. The Lua in lua/fragment is the queue's core (Fragment): other packages put it before their own scripts,
// so that their record and the queue entry are one write. The Go API runs the same functions. All times are Redis's.
//
//	Queue   Push, Take, Adopt, Renew, KeepAlive, Guard, Finish, Release, Look       for those who work
//	        Settled, Await                                                          for requests that wait
//	        List, Show, Stats, Replay, ReplayAll, Approve, ApproveAll, HeldKeys, Drop, Pause,
//	        Resume, DryRun, EndDryRun, Trip, Clear                                                     for operators
//	Pool    takes due keys of several projects to a bounded number of workers
//	Pacer   books send times, shared by all processes that use one CMS token
//
// # What it promises, and the test of each
//
// Leases: a call to the CMS cannot be fenced, so no write and no call is made without one.
//   - A lease that ran out writes nothing to Redis, noticed or not: TestLeaseThatRanOutCannotWrite
//   - No call begins that could outlive its lease: TestNoCallBeginsThatCouldOutliveItsLease
//   - A key whose lease ran out is due at once and must be looked at, now and again two call deadlines later, before it
//     may leave: TestReclaimedKeyMustLook
//   - A holder that finds its lease gone queues a look: TestHolderThatLostItsLeaseQueuesALook
//   - A lease is re-entrant for its token, so that repeating a script is harmless: TestLeaseIsReentrantForTheSameToken
//   - A script whose answer is lost is not repeated behind the caller's back: TestScriptWhoseAnswerIsLostIsNotRepeated
//   - A CMS identity has one holder as long as its lease lasts: TestIdentityHasOneHolder
//   - Who takes an identity from a lost lease must look: TestIdentityOfALostLeaseIsTakenWithALook
//   - A lease that is taken away (q_revoke) keeps its key and identities until its holder has ended its call, or it would
//     have run out: rules 1q and 1r of docs/rules.md
//
// Intents: what may be under way is written down before it is sent.
//   - A key with an open intent does not leave the queue: TestKeyWithAnOpenIntentIsNotAgreed
//   - What an earlier holder may have sent is looked for until it must have ended:
//     TestIntentOfADeadHolderIsLookedForUntilItsCallMustHaveEnded
//   - A look that is owed survives every way in which a lease can end: TestLookSurvivesRetryParkReleaseAndNewerWishes
//
// Tickets and lanes: the newest wish is handled, and leavers first.
//   - An ack of an older ticket never drops a newer one: TestNewerTicketIsNeverDroppedByAnOldAck
//   - A key pushed while leased keeps the most urgent lane asked for: TestDirtyMarkKeepsTheMostUrgentLane
//   - A key has one lane, the more urgent of those asked for: TestPush_OneLanePerKeyKeepsTheMoreUrgent
//   - A newer wish is due now with new attempts, a touch keeps them: TestPush_FreshWishIsDueNowWithNewAttempts
//   - A newer wish takes a key out of parked, a touch does not: TestFreshWriteUnparks
//   - Tickets rise over the whole project, so that agreed records can be deleted: TestTicketsRiseOverTheWholeProject
//   - No interleaving loses a key or gives it two holders: TestQueue_NoKeyIsLostAndNobodySharesOne
//
// Failure: nothing vanishes, and an outage parks nobody.
//   - Leavers are never parked for a retryable error and wait at most a minute:
//     TestLeaversAreNeverParkedForARetryableErrorAndWaitAtMostAMinute
//   - While the circuit is open, retries use no attempts: TestRetriesUseNoAttemptsWhileTheCircuitIsOpen
//   - A held key waits for an operator's approval, and uses no attempts: TestHeldKeyWaitsForApprovalAndUsesNoAttempts
//   - A newer wish takes a key out of held, a touch does not: TestHeldKeyIsTakenUpByANewerWishNotByATouch
//   - In a dry run nobody leases a key that is not harmless, and nobody's attempts are used: TestDryRun_OnlyHarmlessKeysAreLeased
//   - A dry run lasts as long as one replica wants it: TestDryRun_LastsWhileOneReplicaWantsIt
//   - Pause and open circuit stop workers and requests alike: TestPauseStopsWorkersAndRequests,
//     TestOpenCircuitStopsWorkersAndRequests
//   - Replay runs in the order of the first queueing: TestReplay_RunsInTheOrderOfTheFirstQueueing
//   - A stop costs a key no attempt: TestPool_GraceThatEndsReleasesTheKeyAndCostsItNoAttempt
//
// Time: replicas' clocks do not count.
//   - Now comes from Redis: TestNowComesFromRedis
//   - Now never goes back, whatever a fail-over brings: TestNowNeverGoesBack
//
// Workers and pace: a leaver waits neither for a worker nor for a slot.
//   - One worker is kept for leavers, and of several projects none gets more than half of the others:
//     TestPool_KeepsOneWorkerForLeaversAndAtMostHalfForAProject
//   - Slots are anonymous, the key is chosen when the slot comes:
//     TestPool_DueLeaverOvertakesNormalWorkBecauseSlotsAreAnonymous
//   - No window of the CMS's holds more calls than its limit: TestPacer_NeverExceedsTheWindowWithTwoReplicas
//   - A refusal holds all replicas until the reset: TestPacer_RefusalHoldsEveryoneUntilTheReset
//
// # What it never does
//
// It never interprets a key, an intent or a reason; never drops a key by itself; never repeats a script whose outcome
// is unknown. It does not work across a live migration of the project's Redis Cluster slot: scripts build keys that
// they do not declare, all of them with the base's hash tag.
package queue
