package queue

// Lane is the priority class of a queued key. A key has one lane at a time.
type Lane string

// The lanes, most urgent first.
const (
	Leavers     Lane = "leavers"     // deprovisioning only
	Interactive Lane = "interactive" // one person's or one group's own write
	Normal      Lane = "normal"      // fan-out of other writes
	Background  Lane = "background"  // import, drift, changed rules
)

// Lanes returns all lanes, most urgent first.
func Lanes() []Lane { return []Lane{Leavers, Interactive, Normal, Background} }

// Valid reports whether l is a lane.
func (l Lane) Valid() bool {
	switch l {
	case Leavers, Interactive, Normal, Background:
		return true
	default:
		return false
	}
}
